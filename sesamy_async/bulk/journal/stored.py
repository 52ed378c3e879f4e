"""Rows and changes as SQLite keeps them."""

from __future__ import annotations

from typing import Any

from sesamy_async.bulk.state import State

from .entry import Change, Entry
from .storable import storable


def entry_of(values: Any) -> Entry:
    """Return a row from its `COLUMNS`."""
    row, order_id, state, contract_id, reason, strays, at = values
    return Entry(
        row=row,
        order_id=order_id,
        state=State(state),
        contract_id=contract_id,
        reason=reason,
        strays=strays,
        at=at,
    )


def values_of(change: Change) -> tuple[object, ...]:
    """Return what `UPDATE` takes of a change."""
    return (
        change.row,
        change.state,
        in_json(change.contract_id),
        in_json(change.reason),
        change.strays,
    )


def in_json(text: str | None) -> str | None:
    """Return a text as it is kept, which SQLite's JSON can hold.

    A NUL would end it there, and what is before it may be another id.
    """
    return text and str(storable(text)).replace("\0", "?")
