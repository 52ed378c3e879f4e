"""The tables of a journal, and how values are stored in them."""

from __future__ import annotations

from typing import Any

import attrs
from cattrs.preconf.json import make_converter

from sesamy_async._sqlite import STRICT
from sesamy_async.bulk._states import MOVES, Change, Entry, State


APPLICATION_ID = 0x53455359
"""Marks a SQLite file as ours ("SESY")."""

VERSION = 3
"""Changes when a journal of before can't be read any more."""

OLD_VERSION = 2
"""Of before there was a store of orders, which can take it over."""

_STATES = ", ".join(f"'{state}'" for state in State)
_MOVES = ", ".join(
    f"('{before}', '{after}')"
    for before, afters in MOVES.items()
    for after in sorted(afters)
)

TABLES = f"""\
CREATE TABLE terms (json TEXT NOT NULL){STRICT};
CREATE TABLE orders (
    row INTEGER PRIMARY KEY,
    order_id TEXT,
    state TEXT NOT NULL CHECK (state IN ({_STATES})),
    contract_id TEXT,
    reason TEXT,
    strays INTEGER NOT NULL DEFAULT 0 CHECK (strays >= 0),
    at REAL NOT NULL DEFAULT 0,
    vendor_id TEXT,
    CHECK (state NOT IN ('CREATED', 'CONFIRMED') OR contract_id NOT NULL)
){STRICT};
CREATE TABLE reports (
    name TEXT NOT NULL, digest BLOB NOT NULL, UNIQUE (name, digest)
){STRICT};
CREATE TABLE stores (name TEXT NOT NULL){STRICT};
CREATE TABLE wal (mark TEXT NOT NULL){STRICT};
"""

# Made after the rows, because sorting is faster than inserting.
INDEXES = (
    "CREATE UNIQUE INDEX order_ids ON orders (order_id)",
    """\
CREATE INDEX contract_ids ON orders (contract_id)
WHERE contract_id NOT NULL""",
)

INSERT = (
    "INSERT INTO orders (row, order_id, state, reason, vendor_id) "
    "VALUES (?, ?, ?, ?, ?)"
)

UPDATE = f"""\
UPDATE orders SET
    state = :state,
    contract_id = coalesce(:contract_id, contract_id),
    reason = :reason,
    strays = strays + :strays,
    at = :at
WHERE row = :row AND (state, :state) IN (VALUES {_MOVES})
"""  # noqa: S608 - constants of ours

# No move of an order: what the file says of it may be long out of date.
RECOVER = """\
UPDATE orders SET state = 'UNKNOWN', reason = ?, at = ?
WHERE state IN ('PENDING', 'INTENT')
"""

SELECT = "SELECT * FROM orders"


def storable(text: str | None) -> str | None:
    """Return a text that SQLite can keep: with "?" for what it can't.

    A lone surrogate is no UTF-8, and SQLite's functions end a text at NUL.
    """
    return text and text.encode("utf-8", "replace").decode().replace("\0", "?")


def entry_of(values: Any) -> Entry:
    """Return a row that `SELECT` found."""
    # The last one is not in a journal of the old version.
    row, order_id, state, contract_id, reason, strays, at, *vendor = values
    return Entry(
        row=row,
        order_id=order_id,
        state=State(state),
        contract_id=contract_id,
        reason=reason,
        strays=strays,
        at=at,
        vendor_id=vendor[0] if vendor else None,
    )


def values_of(change: Change, at: float) -> dict[str, Any]:
    """Return what `UPDATE` takes of a change, and when it was made."""
    return attrs.asdict(change) | {
        "contract_id": storable(change.contract_id),
        "reason": storable(change.reason),
        "at": at,
    }


terms_converter = make_converter(detailed_validation=False)
"""Converts `Terms` to JSON and back."""
