"""The words of reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sesamy_async.bulk._counts import Ending, ImportSummary
from sesamy_async.bulk._states import Kind, State

from ._files import STRAYS, Reports


if TYPE_CHECKING:
    from sesamy_async.bulk._chain import Chain


_ENDING = {
    Ending.COMPLETE: "every order was processed",
    Ending.FIRST: "only the first orders were to be sent",
    Ending.INTERRUPTED: "it was interrupted",
    Ending.OUTAGE: "Sesamy could not be reached, or failed, for too long",
    Ending.REFUSED: "Sesamy refused everything that was sent",
    Ending.FILE: "the file has changed, or could not be read",
    Ending.JOURNAL: "the journal could not be written",
}
_MINUTE, _HOUR = 60, 3600


_MOST_NAMED = 5


def headline(summary: ImportSummary, chain: Chain | None) -> str:
    """Return the result in a sentence, with what corrected reports did."""
    goal, done = summary.confirm.goal.lower(), summary.done
    if chain is not None and chain.followed:
        return _as_a_whole(chain, goal, count(summary.rows, "row"))
    before = f", {summary.already:,} of them before" * bool(summary.already)
    if done == summary.rows == 1:
        return f"The order {'was' if before else 'is'} {goal}."
    if done == summary.rows:
        return f"All {count(done, 'order')} are {goal}{before}."
    rest = {
        "rejected": summary.rejected,
        "unknown": summary.unknown,
        "not finished": summary.unprocessed,
    }
    others = ", ".join(f"{rest[it]:,} {it}" for it in rest if rest[it])
    rows = count(summary.rows, "row")
    return f"{done:,} of {rows} are {goal}{before}; {others}."


def _as_a_whole(chain: Chain, goal: str, rows: str) -> str:
    parts = [
        f"{chain.here:,} {goal} here",
        *(f"{done:,} by {name}" for name, done in chain.by_report.items()),
    ]
    if chain.repeated:
        parts.append(f"{chain.repeated:,} the same as another row")
    if not chain.open:
        return f"{rows}, all done: {', '.join(parts)}."
    named = ", ".join(map(str, sorted(chain.open)[:_MOST_NAMED]))
    more = len(chain.open) - _MOST_NAMED
    rest = f" and {more:,} more" if more > 0 else ""
    parts.append(f"{len(chain.open):,} still open: row {named}{rest}")
    return f"{rows}: {', '.join(parts)}."


def not_counted(reports: Reports) -> str:
    """Return what is in no report; "" if all rows are."""
    if not reports.left_out:
        return ""
    return (
        f"{count(reports.left_out, 'more row')} of the file left out by the "
        "filter of the mapping: not counted here, and in no report."
    )


def to_correct(summary: ImportSummary, chain: Chain | None) -> int:
    """Return how many rejected rows no corrected report has done."""
    if chain is None:
        return summary.rejected
    return len(chain.open) - summary.unknown - summary.unprocessed


def ending(summary: ImportSummary) -> str:
    """Return why the run ended, for the middle of a sentence."""
    return _ENDING[summary.ending]


def count(number: int, word: str) -> str:
    """Return a number with a word, in the plural unless it is 1."""
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


MEANINGS: Mapping[Kind, str] = {
    Kind.CONFIRMED: "The buyer has access.",
    Kind.ALREADY: "It was confirmed before, so it was not sent again.",
    Kind.CREATED: "The contract is created; it gives no access yet.",
    Kind.REJECTED: (
        "It can't be sent as it is, or Sesamy refused it. Correct the rows "
        "of the report and import that file."
    ),
    Kind.UNKNOWN: (
        "It may or may not have a contract: somebody has to check before it "
        "is sent again."
    ),
    Kind.UNPROCESSED: "It is not finished; the same command continues.",
}
"""What it means for an order to be in a report."""

LOOK = (
    "Ask the publisher whether this order has a contract. If it has, fill in "
    "contractId, and yes in confirmed if it gives access already; if not, "
    "fill in yes in notCreated. Then pass this file to `sesamy journal "
    "resolve` with --from. Do not send the order again before that."
)
"""What to do about an order that may or may not have a contract."""

STRAY = (
    "No action is needed: an unconfirmed contract gives no access. The "
    "publisher can remove it."
)
"""What to do about a contract that may be left over."""

UNPROCESSED: Mapping[State, str] = {
    State.PENDING: "nothing was sent yet",
    State.INTENT: "it was being created when the run ended",
    State.CREATED: "its contract is created, and not confirmed yet",
}
"""Why an order is not finished, if nothing else is known."""


_NOT_FOUND = "the promo code"  # In the reason of each row that gets a 404.


def steps(
    summary: ImportSummary, reports: Reports, chain: Chain | None
) -> Iterator[str]:
    """Yield a sentence for each thing that is left to do."""

    def named(kind: str) -> str:
        path = reports.paths.get(kind)
        return f"the {kind} report" if path is None else path.name

    if summary.unprocessed:
        how = "without --first" if summary.ending is Ending.FIRST else "again"
        cut = (
            " Orders that were cut off by a second Ctrl-C, such as invoices, "
            "may have to be checked first: that run lists them."
        )
        yield (
            f"{count(summary.unprocessed, 'row')} not finished: run the same "
            f"command {how}. It continues where it stopped, and sends nothing "
            f"twice.{cut * (summary.ending is Ending.INTERRUPTED)}"
        )
    if summary.unknown:
        yield (
            f"{count(summary.unknown, 'order')} to look at: ask the publisher "
            "whether there is a contract, and record it with `sesamy journal "
            "resolve`. Do not send them again before that. They are in "
            f"{named(Kind.UNKNOWN)}."
        )
    reasons = [reason for reason, _ in reports.rejections]
    all_refused = reasons and all(_NOT_FOUND in each for each in reasons)
    if all_refused and not summary.done and chain is None:
        instead = (
            "remove the journal with `sesamy journal purge --yes --force`, "
            "and start over with the right one"
            if summary.unprocessed
            else f"import {named(Kind.REJECTED)} with the right one"
        )
        yield (
            "No order was accepted: check the promo code and the vendor. If "
            f"one is wrong, {instead}."
        )
    if rejected := to_correct(summary, chain):
        yield f"{count(rejected, 'row')} rejected: " + (
            f"correct the rows of {named(Kind.REJECTED)}, and import that "
            "file."
            if chain is None
            else 'see "Still open" for what to do with each.'
        )
    if summary.strays:
        yield (
            f"At most {count(summary.strays, 'contract')} may be left "
            "unconfirmed. They give no access, and no action is needed; the "
            f"publisher can remove them: see {named(STRAYS)}."
        )
