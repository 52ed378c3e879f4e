"""The states of an order in an import, and the ways between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """How far an order has come.

    .. versionadded:: 0.1.0
    """

    PENDING = "PENDING"
    """It may be sent: nothing was done but, perhaps, a stray was left."""

    INTENT = "INTENT"
    """Its create is about to be sent, or was sent and is not answered."""

    CREATED = "CREATED"
    """Its contract is made, and the id is known; it is not confirmed."""

    CONFIRMED = "CONFIRMED"
    """Its contract gives access."""

    REJECTED = "REJECTED"
    """It can't be sent as it is, or Sesamy refused it."""

    UNKNOWN = "UNKNOWN"
    """It may or may not have a contract, or access: a person has to look."""


MOVES: Mapping[State, frozenset[State]] = {
    State.PENDING: frozenset({State.PENDING, State.INTENT, State.REJECTED}),
    State.INTENT: frozenset(
        {
            State.PENDING,
            State.INTENT,
            State.CREATED,
            State.CONFIRMED,
            State.REJECTED,
            State.UNKNOWN,
        }
    ),
    State.CREATED: frozenset(
        {State.CREATED, State.CONFIRMED, State.REJECTED, State.UNKNOWN}
    ),
    State.CONFIRMED: frozenset(),
    State.REJECTED: frozenset(),
    State.UNKNOWN: frozenset({State.CREATED, State.CONFIRMED, State.PENDING}),
}
"""Where an order may go from each state; all else is a mistake of ours.

PENDING stays where not even the intent was reached, for want of a token.
INTENT goes back to PENDING where it is certain that nothing was done, or
where at worst a stray was left; and to itself where an attempt of its
create was lost and another follows.  CREATED becomes UNKNOWN where a
confirm is refused and an earlier one may have been done.  UNKNOWN is left
only by somebody who looked.
"""
