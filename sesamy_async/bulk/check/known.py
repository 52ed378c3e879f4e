"""Find orders that another import has."""

from __future__ import annotations

from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal.entry import Entry
from sesamy_async.bulk.repeats import KNOWN_ORDER, REASON
from sesamy_async.bulk.state import State

from .notes import Notes


_AT_ONCE = 500

_IS = {
    State.PENDING: "which that import sends when it goes on",
    State.INTENT: "which that import was sending when it stopped",
    State.CREATED: "whose contract is made",
    State.CONFIRMED: "which is confirmed",
    State.UNKNOWN: "of which nobody knows whether it has a contract",
}


def find_known(notes: Notes, other: Journal) -> None:
    """Note which rows are of orders that another import has.

    What was rejected there has no contract that counts, and may be sent.

    Args:
        notes: The rows, after the look for repeats.
        other: The journal of that import.

    Raises:
        JournalError: The journal can't be read.
    """
    for order_ids in notes.order_ids(_AT_ONCE):
        notes.add_to_orders(
            (_reason(each, other.terms.source), str(each.order_id))
            for each in other.entries_of(order_ids)
            if each.state is not State.REJECTED
        )


def _reason(entry: Entry, source: str) -> str:
    return (
        f"{KNOWN_ORDER}{entry.row} of {source}, {_IS[entry.state]}: remove "
        "this row, or, if it is another order, mend its id and empty its "
        f"{REASON}"
    )
