"""When the contracts of an import are confirmed."""

from __future__ import annotations

from enum import StrEnum

from .state import State


class Confirm(StrEnum):
    """When a contract is confirmed, and so what a crash can leave.

    .. versionadded:: 0.1.0
    """

    SEPARATELY = "separately"
    """Create unconfirmed, record the id, then confirm: two calls.

    A contract gives access only once it is confirmed (S), so an order whose
    create was interrupted is created again; at worst an unconfirmed stray
    is left.
    """

    AT_ONCE = "at-once"
    """Confirm in the create call: one call.

    An order whose create was interrupted is never sent a second time: a
    person has to look.
    """

    NO = "no"
    """Create unconfirmed, and stop there: one call."""

    @property
    def calls(self) -> int:
        """How many calls an order takes."""
        return 2 if self is Confirm.SEPARATELY else 1

    @property
    def goal(self) -> State:
        """The state in which an order is done."""
        return State.CREATED if self is Confirm.NO else State.CONFIRMED

    @property
    def repeatable(self) -> bool:
        """Whether a create may be repeated: it leaves a stray at worst."""
        return self is not Confirm.AT_ONCE
