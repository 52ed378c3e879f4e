"""Which report a row of an import belongs in."""

from __future__ import annotations

from enum import StrEnum

from sesamy_async.bulk.confirm import Confirm
from sesamy_async.bulk.state import State


class Kind(StrEnum):
    """The reports; each row is in exactly one of them.

    The value is a part of the file's name: ``orders.rejected.csv``.

    .. versionadded:: 0.1.0
    """

    CONFIRMED = "confirmed"
    """The buyer has access."""

    CREATED = "created"
    """The contract is made, and that was the goal (``Confirm.NO``)."""

    REJECTED = "rejected"
    """It can't be sent as it is, or Sesamy refused it."""

    UNKNOWN = "unknown"
    """A person has to look."""

    UNPROCESSED = "unprocessed"
    """It is not finished; the same command goes on."""


_SETTLED = {
    State.CONFIRMED: Kind.CONFIRMED,
    State.REJECTED: Kind.REJECTED,
    State.UNKNOWN: Kind.UNKNOWN,
}


def kind_of(state: State, confirm: Confirm) -> Kind:
    """Return where an order in this state belongs.

    Args:
        state: How far it has come.
        confirm: When contracts are confirmed, and so what is the goal.
    """
    if state is State.CREATED and confirm.goal is State.CREATED:
        return Kind.CREATED
    return _SETTLED.get(state, Kind.UNPROCESSED)
