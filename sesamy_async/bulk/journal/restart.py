"""What becomes of an order whose create was cut off."""

from __future__ import annotations

from sesamy_async.bulk.state import State

from .entry import Change
from .terms import Terms


CUT_OFF = (
    "The import ended while this order was being sent; nobody has seen the "
    "answer."
)
"""Why such an order is unknown."""

MISSING = (
    "The latest changes of the journal are missing, so nobody knows whether "
    "this order was sent."
)
"""Why an order is unknown whose journal was recovered without them."""


def after_cut(row: int, terms: Terms) -> Change:
    """Return what becomes of an INTENT at a restart.

    Where a create may be repeated, it is, and the one that was cut off may
    have left a stray.  Else nobody but a person may send it again.
    """
    if terms.repeatable:
        return Change(row=row, state=State.PENDING, strays=1)
    return Change(row=row, state=State.UNKNOWN, reason=CUT_OFF)
