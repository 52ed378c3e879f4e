"""The words of reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from sesamy_async.bulk._counts import Ending, ImportSummary
from sesamy_async.bulk._states import Confirm, Entry, State

from ._places import STRAYS, Kind


_GOAL = {
    Confirm.SEPARATELY: "confirmed",
    Confirm.AT_ONCE: "confirmed",
    Confirm.NO: "created",
}
_ENDING = {
    Ending.COMPLETE: "every order was processed",
    Ending.INTERRUPTED: "it was interrupted",
    Ending.OUTAGE: "Sesamy could not be reached, or failed, for too long",
    Ending.REFUSED: "Sesamy refused all that was sent",
    Ending.FILE: "the file could not be read on as it was",
    Ending.JOURNAL: "the journal could not be written",
}
_MINUTE, _HOUR = 60, 3600


def headline(summary: ImportSummary) -> str:
    """Return the whole story in a sentence."""
    goal = _GOAL[summary.confirm]
    if summary.done == summary.rows == 1:
        return f"The order is {goal}."
    if summary.done == summary.rows:
        return f"All {count(summary.rows, 'order')} are {goal}."
    said = f"{summary.done:,} of {count(summary.rows, 'row')} are {goal}"
    rest = [
        f"{number:,} {words}"
        for number, words in (
            (summary.rejected, "rejected"),
            (summary.unknown, "unknown"),
            (summary.unprocessed, "not finished"),
        )
        if number
    ]
    return f"{said}; {', '.join(rest)}."


def ending(summary: ImportSummary) -> str:
    """Return why the run ended, for the middle of a sentence."""
    return _ENDING[summary.ending]


def count(number: int, word: str) -> str:
    """Return a number with a word, which gets an s where there are more."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Return how long something takes, to two units."""
    whole = round(seconds)
    if seconds < 1:
        return "less than 1 s"
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    minutes = round(seconds / _MINUTE)
    return f"{minutes // _MINUTE:,} h {minutes % _MINUTE} min"


def meaning(kind: Kind) -> str:
    """Return what it means for an order to be in a report."""
    return {
        Kind.CONFIRMED: "The buyer has access.",
        Kind.CREATED: "The contract is made; it gives no access yet.",
        Kind.REJECTED: (
            "It can't be sent as it is, or Sesamy refused it. Mend the rows "
            "of the report and import that file."
        ),
        Kind.UNKNOWN: (
            "It may or may not have a contract: a person has to look before "
            "it is sent again."
        ),
        Kind.UNPROCESSED: "It is not finished; the same command goes on.",
    }[kind]


LOOK = (
    "Ask the publisher whether this order has a contract, and tell it to "
    "`sesamy journal resolve`; do not send it again before."
)
"""What to do about an order that may or may not have a contract."""

STRAY = (
    "Nothing has to be done: an unconfirmed contract gives no access. "
    "The publisher can remove it."
)
"""What to do about a contract that may be left over."""

_UNPROCESSED = {
    State.PENDING: "nothing was sent yet",
    State.INTENT: "it was about to be created, or was, when the run ended",
    State.CREATED: "its contract is made, and not confirmed yet",
}


def unprocessed(state: State) -> str:
    """Return why an order is not finished, where nothing else is known."""
    return _UNPROCESSED[state]


def steps(summary: ImportSummary, paths: Mapping[str, Path]) -> Iterator[str]:
    """Yield a sentence for each thing that is left to do.

    Args:
        summary: How the run ended.
        paths: Where the reports are, by the word in their names.
    """

    def named(kind: str) -> str:
        path = paths.get(kind)
        return f"the {kind} report" if path is None else path.name

    if summary.unprocessed:
        yield (
            f"{count(summary.unprocessed, 'row')} not finished: give the same "
            "command again. It goes on where it stopped, and sends nothing "
            "twice."
        )
    if summary.unknown:
        yield (
            f"{count(summary.unknown, 'order')} to look at: ask the "
            "publisher whether there is a contract, and tell it to `sesamy "
            "journal resolve`. Do not send them again before. They are in "
            f"{named(Kind.UNKNOWN)}."
        )
    if summary.rejected:
        yield (
            f"{count(summary.rejected, 'row')} rejected: mend what "
            f"{named(Kind.REJECTED)} tells, and import that file."
        )
    if summary.strays:
        yield (
            f"At most {count(summary.strays, 'contract')} may be left "
            "unconfirmed. They give no access, and nothing has to be done; "
            f"the publisher can remove them: see {named(STRAYS)}."
        )


@attrs.frozen(kw_only=True)
class Reports:
    """The reports that were written.

    Attributes:
        rows: How many rows each kind has; they add up to those of the file.
        paths: Where each report is, by the word in its name, such as
            ``"rejected"``; a report without rows is not there.
        kept: Reports that were left as they are, because somebody has
            changed them or imports them; their rows are in no new one.
        rejections: Reasons of the rejected rows with their counts, the most
            frequent first.
        unknown: The first orders that a person has to look at.
        strays: The first orders that may have left unconfirmed contracts.
    """

    rows: Mapping[Kind, int]
    paths: Mapping[str, Path]
    kept: tuple[Path, ...] = ()
    rejections: tuple[tuple[str, int], ...] = ()
    unknown: tuple[Entry, ...] = ()
    strays: tuple[Entry, ...] = ()
