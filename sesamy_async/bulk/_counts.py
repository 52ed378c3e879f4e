"""Counts by state, speed, and the summary of an import."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from enum import StrEnum

import attrs

from ._states import Change, Confirm, State


class Tally:
    """Keeps count, so that nobody has to ask the journal all the time.

    Args:
        counts: As the journal has them.
        strays: As the journal has them.
        confirm: When contracts are confirmed.
    """

    def __init__(
        self, counts: Mapping[State, int], strays: int, confirm: Confirm
    ) -> None:
        self._counts = Counter(dict(counts))
        self.goal: State = confirm.goal
        self.strays: int = strays

    def move(self, before: State, change: Change) -> None:
        """Count a row that changes its state."""
        self._counts[before] -= 1
        self._counts[change.state] += 1
        self.strays += change.strays

    @property
    def rows(self) -> int:
        """All rows."""
        return self._counts.total()

    @property
    def done(self) -> int:
        """Orders that are where they shall be."""
        return self._counts[self.goal]

    @property
    def rejected(self) -> int:
        """Rows that can't be sent, or were refused."""
        return self._counts[State.REJECTED]

    @property
    def unknown(self) -> int:
        """Orders that a person has to look at."""
        return self._counts[State.UNKNOWN]

    @property
    def unprocessed(self) -> int:
        """Rows that are not finished."""
        return self.rows - self.done - self.rejected - self.unknown


_WINDOW = 60.0


class Meter:
    """Counts calls, and knows their rate over the last minute."""

    def __init__(self, now: float) -> None:
        self._began = now
        self._seconds: deque[tuple[int, int]] = deque()
        self._recent = 0
        self.total: int = 0

    def add(self, now: float, calls: int) -> None:
        """Count calls that ended now."""
        self.total += calls
        self._recent += calls
        second = int(now)
        if self._seconds and self._seconds[-1][0] == second:
            calls += self._seconds.pop()[1]
        self._seconds.append((second, calls))

    def rate(self, now: float) -> float:
        """Return calls per second over the last minute, or since it began."""
        while self._seconds and self._seconds[0][0] < now - _WINDOW:
            self._recent -= self._seconds.popleft()[1]
        elapsed = min(_WINDOW, now - self._began)
        return self._recent / max(elapsed, 1.0)


class Ending(StrEnum):
    """Why a run of an import ended."""

    COMPLETE = "complete"
    """Every order was processed."""

    INTERRUPTED = "interrupted"
    """Somebody asked it to stop; the same command goes on."""

    OUTAGE = "outage"
    """Sesamy could not be reached, or failed, for too long."""

    REFUSED = "refused"
    """Sesamy refuses all that this client sends."""

    FILE = "file"
    """The file has changed, or could not be read on."""

    JOURNAL = "journal"
    """The journal could not be written, so nothing more was sent."""


@attrs.frozen(kw_only=True)
class ImportSummary:
    """What became of every row; the counts add up to `rows`.

    Attributes:
        rows: All rows of the file.
        confirmed: Orders with a confirmed contract.
        created: Orders with an unconfirmed contract, where that was the
            goal (``Confirm.NO``).
        rejected: Rows that can't be sent, or that Sesamy refused.
        unknown: Orders that a person has to look at.
        unprocessed: Rows that are not finished; the same command goes on.
        strays: Unconfirmed contracts that may be left over, at most; they
            give no access.
        confirm: When contracts were confirmed.
        ending: Why the run ended.
        reason: The same in words, with what to do; None where complete.
        seconds: How long this run took.
        calls: How many calls this run made.
        permitted: Calls per second that Sesamy permits, as far as is
            known; None for no limit.
    """

    rows: int
    confirmed: int = 0
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
        """Orders that are where they shall be."""
        return self.confirmed + self.created
