"""Counts by state, the rate of calls, and the summary of an import."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Any, Self

import attrs

from sesamy_async.bulk.journal import Journal

from ._states import Change, Confirm, Kind, State, kind_of


class Ending(StrEnum):
    """Why a run of an import ended."""

    COMPLETE = "complete"
    """Every order was processed."""

    FIRST = "first"
    """The first orders were processed; the others wait (``first=``)."""

    INTERRUPTED = "interrupted"
    """The run was asked to stop; the same command continues."""

    OUTAGE = "outage"
    """Sesamy could not be reached, or failed, for too long."""

    REFUSED = "refused"
    """Sesamy refuses everything that this client sends."""

    FILE = "file"
    """The file has changed, or could not be read to its end."""

    JOURNAL = "journal"
    """The journal could not be written, so nothing more was sent."""


@attrs.frozen(kw_only=True)
class ImportSummary:
    """What became of every row; the counts add up to `rows`.

    Attributes:
        rows: All rows of the file.
        confirmed: Orders with a confirmed contract.
        already: Orders that were confirmed elsewhere before.
        created: Orders with an unconfirmed contract, if that was the goal
            (``Confirm.NO``).
        rejected: Rows that can't be sent, or that Sesamy refused.
        unknown: Orders that a person has to look at.
        unprocessed: Rows that are not finished; the same command continues.
        strays: Unconfirmed contracts that may be left over, at most; they
            give no access.
        confirm: When contracts were confirmed.
        ending: Why the run ended.
        reason: The same in words, with what to do; None if that is clear.
        seconds: How long this run took.
        calls: How many calls this run made.
        permitted: Calls per second that Sesamy permits, as far as known;
            None for no limit.
    """

    rows: int
    confirmed: int = 0
    already: int = 0
    created: int = 0
    rejected: int = 0
    unknown: int = 0
    unprocessed: int = 0
    strays: int = 0
    confirm: Confirm = Confirm.SEPARATELY
    ending: Ending = Ending.COMPLETE
    reason: str | None = None
    seconds: float = 0.0
    calls: int = 0
    permitted: float | None = None

    @property
    def done(self) -> int:
        """Orders that have reached the goal."""
        return self.confirmed + self.already + self.created


@attrs.frozen(kw_only=True)
class Progress:
    """How far a running import has come.

    Attributes:
        rows: All rows of the file.
        done: Orders that have reached the goal: confirmed, or created if
            nothing is to be confirmed.
        rejected: Rows that can't be sent, or that Sesamy refused.
        unknown: Orders that a person has to look at.
        strays: Unconfirmed contracts that may be left over.
        in_flight: Orders that are being sent now.
        seconds: Since this run began.
        rate: Calls per second over the last minute.
        permitted: Calls per second that Sesamy permits, as far as known;
            None for no limit.
        left: Seconds that the rest takes at this rate; None if unknown.
        paused: Why nothing is sent now; None if orders are sent.
    """

    rows: int
    done: int = 0
    rejected: int = 0
    unknown: int = 0
    strays: int = 0
    in_flight: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    permitted: float | None = None
    left: float | None = None
    paused: str | None = None

    @property
    def settled(self) -> int:
        """Rows that are finished."""
        return self.done + self.rejected + self.unknown


@attrs.define(eq=False, repr=False)
class Tally:
    """How many rows are in each state, and how many strays there may be."""

    states: Counter[State]
    strays: int
    confirm: Confirm

    @classmethod
    def of(cls, journal: Journal) -> Self:
        """Count the rows of a journal, which reads all of them."""
        tally = cls(Counter(), 0, journal.terms.confirm)
        tally.count(journal)
        return tally

    def count(self, journal: Journal) -> None:
        """Count them anew."""
        self.states = Counter(journal.counts())
        self.strays = journal.strays()

    def move(self, before: State, change: Change) -> None:
        """Count a row that changes its state."""
        self.states[before] -= 1
        self.states[change.state] += 1
        self.strays += change.strays

    @property
    def rows(self) -> int:
        """All rows."""
        return self.states.total()

    @property
    def now(self) -> ImportSummary:
        """How far the import is, if it ended now."""
        return self.summary(Ending.INTERRUPTED)

    def summary(self, ending: Ending, **more: Any) -> ImportSummary:
        """Return the summary of a run, with facts such as ``reason``."""
        counts = {str(kind): 0 for kind in Kind}
        for state, rows in self.states.items():
            counts[kind_of(state, self.confirm)] += rows
        facts: dict[str, Any] = {**counts, **more}
        return ImportSummary(
            rows=self.rows,
            strays=self.strays,
            confirm=self.confirm,
            ending=ending,
            **facts,
        )


_WINDOW = 60.0


class Meter:
    """Counts calls, and knows their rate over the last minute."""

    def __init__(self, now: float) -> None:
        self._began = now
        self._seconds: Counter[int] = Counter()
        self.total: int = 0

    def add(self, now: float, calls: int) -> None:
        """Count calls that ended now."""
        self.total += calls
        self._seconds[int(now)] += calls

    def rate(self, now: float) -> float:
        """Return calls per second over the last minute at most."""
        for second in [each for each in self._seconds if each < now - _WINDOW]:
            del self._seconds[second]
        elapsed = min(_WINDOW, now - self._began)
        return self._seconds.total() / max(elapsed, 1.0)


def time_left(
    calls: float,
    rate: float,
    permitted: float | None,
    at_once: float | None,
) -> float | None:
    """Return the seconds that calls will take; None if that is unknown.

    `rate` and `permitted` are calls per second; `at_once` calls need not
    wait for what is permitted.  None is no limit.
    """
    if not rate:
        return None
    if permitted is None or at_once is None:
        return calls / rate
    quick = min(calls, at_once)
    return quick / rate + (calls - quick) / min(rate, permitted)
