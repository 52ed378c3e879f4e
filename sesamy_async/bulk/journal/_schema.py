"""The tables of a journal, and how values are stored in them."""

from __future__ import annotations

import sqlite3
from typing import Any

from cattrs.preconf.json import make_converter

from sesamy_async.bulk._states import MOVES, Change, Entry, State, Terms


APPLICATION_ID = 0x53455359
"""Marks a SQLite file as ours ("SESY")."""

VERSION = 2
"""Changes when a journal of before can't be read any more."""

OLDEST = (3, 33, 0)
"""The first SQLite that has all we use (2020)."""

_STATES = ", ".join(f"'{state}'" for state in State)
_MOVES = ", ".join(
    f"('{before}', '{after}')"
    for before, afters in MOVES.items()
    for after in sorted(afters)
)
_STRICT = " STRICT" if sqlite3.sqlite_version_info >= (3, 37) else ""

TABLES = f"""\
CREATE TABLE terms (json TEXT NOT NULL){_STRICT};
CREATE TABLE orders (
    row INTEGER PRIMARY KEY,
    order_id TEXT,
    state TEXT NOT NULL CHECK (state IN ({_STATES})),
    contract_id TEXT,
    reason TEXT,
    strays INTEGER NOT NULL DEFAULT 0 CHECK (strays >= 0),
    at REAL NOT NULL DEFAULT 0,
    CHECK (state NOT IN ('CREATED', 'CONFIRMED') OR contract_id NOT NULL)
){_STRICT};
CREATE TABLE reports (
    name TEXT NOT NULL, digest BLOB NOT NULL, rows BLOB NOT NULL
){_STRICT};
CREATE TABLE wal (mark TEXT NOT NULL){_STRICT};
"""

# Made when the rows are there, for sorting is faster than inserting.
INDEXES = (
    "CREATE UNIQUE INDEX order_ids ON orders (order_id)",
    """\
CREATE INDEX contract_ids ON orders (contract_id)
WHERE contract_id NOT NULL""",
)

MARK = "SELECT mark FROM wal"
MARK_PAGE = "SELECT rootpage FROM sqlite_master WHERE name = 'wal'"
SET_MARK = "UPDATE wal SET mark = ?"

INSERT = (
    "INSERT INTO orders (row, order_id, state, reason) VALUES (?, ?, ?, ?)"
)

# One statement for many changes: each statement gives up the GIL, and has to
# wait for it again while the event loop is busy.
UPDATE = f"""\
UPDATE orders SET
    state = json_extract(new.value, '$[1]'),
    contract_id = coalesce(json_extract(new.value, '$[2]'), contract_id),
    reason = json_extract(new.value, '$[3]'),
    strays = strays + json_extract(new.value, '$[4]'),
    at = ?
FROM json_each(?) AS new
WHERE row = json_extract(new.value, '$[0]')
AND (state, json_extract(new.value, '$[1]')) IN (VALUES {_MOVES})
"""  # noqa: S608 - constants of ours

# No move of an order: what the file says of it may be long out of date.
RECOVER = """\
UPDATE orders SET state = 'UNKNOWN', reason = ?, at = ?
WHERE state IN ('PENDING', 'INTENT')
"""

COLUMNS = "row, order_id, state, contract_id, reason, strays, at"


def storable(text: str | None) -> str | None:
    """Return a text with "?" for every half of a character.

    JSON may hold such halves (lone surrogates); UTF-8 can't.
    """
    return text and text.encode("utf-8", "replace").decode("utf-8")


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


_converter = make_converter(detailed_validation=False)


def dump(terms: Terms) -> str:
    """Return them as JSON."""
    return _converter.dumps(terms)


def load(text: str) -> Terms | None:
    """Return what was dumped; None where it is damaged."""
    try:
        return _converter.loads(text, Terms)
    except (KeyError, TypeError, ValueError):
        return None
