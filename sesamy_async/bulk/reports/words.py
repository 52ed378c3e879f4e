"""How an import ended, in words."""

from __future__ import annotations

from sesamy_async.bulk.confirm import Confirm
from sesamy_async.bulk.summary import Ending, ImportSummary

from .kind import Kind


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
