"""The database of a journal: its tables, how it is opened and kept whole."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Self

import attrs
from cattrs.preconf.json import make_converter

from sesamy_async._files import AtomicFile
from sesamy_async._sqlite import STRICT, committing, connect
from sesamy_async._wal import (
    Mark,
    fits,
    followed,
    identities,
    mark_of,
    read_mark,
    read_wal,
    set_mark,
    wal_of,
)
from sesamy_async.bulk._states import (
    Change,
    Entry,
    JournalError,
    JournalMismatchError,
    Planned,
    State,
    Terms,
)

from ._files import APPLICATION_ID, as_journal_error, damaged, no_journal


VERSION = 4
"""The format; another one can't be read any more."""

_STATES = ", ".join(f"'{state}'" for state in State)

_TABLES = f"""\
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
_INDEXES = (
    "CREATE UNIQUE INDEX order_ids ON orders (order_id)",
    """\
CREATE INDEX contract_ids ON orders (contract_id)
WHERE contract_id NOT NULL""",
)

_INSERT = (
    "INSERT INTO orders (row, order_id, state, reason, vendor_id) "
    "VALUES (?, ?, ?, ?, ?)"
)

# What is done stays done.  Whatever goes wrong here, an order that has a
# contract, or may have one, is not sent a second time.
UPDATE = """\
UPDATE orders SET
    state = :state,
    contract_id = coalesce(:contract_id, contract_id),
    reason = :reason,
    strays = strays + :strays,
    at = :at
WHERE row = :row
    AND state NOT IN ('CONFIRMED', 'ALREADY', 'REJECTED')
    AND NOT (state = 'CREATED' AND :state IN ('PENDING', 'INTENT'))
    AND NOT (state = 'UNKNOWN' AND :state = 'INTENT')
"""

# No move of an order: what the file says of it may be long out of date.
RECOVER = """\
UPDATE orders SET state = 'UNKNOWN', reason = ?, at = ?
WHERE state IN ('PENDING', 'INTENT')
"""

SELECT = "SELECT * FROM orders"

_terms = make_converter(detailed_validation=False)


def storable(text: str | None) -> str | None:
    """Return a text that SQLite can keep: with "?" for what it can't.

    A lone surrogate is no UTF-8, and SQLite's functions end a text at NUL.
    """
    return text and text.encode("utf-8", "replace").decode().replace("\0", "?")


def entry_of(values: Any) -> Entry:
    """Return a row that `SELECT` found."""
    row, order_id, state, contract_id, reason, strays, at, vendor_id = values
    return Entry(
        row=row,
        order_id=order_id,
        state=State(state),
        contract_id=contract_id,
        reason=reason,
        strays=strays,
        at=at,
        vendor_id=vendor_id,
    )


def values_of(change: Change, at: float) -> dict[str, Any]:
    """Return what `UPDATE` takes of a change, and when it was made."""
    return attrs.asdict(change) | {
        "contract_id": storable(change.contract_id),
        "reason": storable(change.reason),
        "at": at,
    }


def make_database(path: Path, terms: Terms, rows: Iterable[Planned]) -> None:
    """Write a new journal under another name, then put it in its place."""
    in_the_way = JournalError(
        f"There is a file {path} already. If it is the journal of this "
        "import, continue with it; it says which orders were sent."
    )
    if os.path.lexists(path):
        raise in_the_way
    for left in (wal_of(path), path.with_name(f"{path.name}-journal")):
        if os.path.lexists(left):
            # SQLite would take it for changes of the new journal, and orders
            # that were never sent would count as confirmed.
            raise JournalError(
                f"{left} belongs to a journal {path} that is no longer "
                "there. If it was moved, put it back: it says which orders "
                "were sent. If you removed it to start over, remove "
                f"{left.name} too."
            )
    with AtomicFile.begin(path) as new:
        _fill(new.beside, terms, rows)
        try:
            new.place()
        except OSError:
            # Another process may have removed our file as a leftover.
            if os.path.lexists(path):
                raise in_the_way from None
            raise


def _fill(path: Path, terms: Terms, rows: Iterable[Planned]) -> None:
    with closing(connect(path)) as db:
        # A file that is half written is removed, so it needs no rollback.
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(_TABLES)
        db.execute("BEGIN")
        db.execute("INSERT INTO terms VALUES (?)", (_terms.dumps(terms),))
        db.executemany(_INSERT, map(_values, rows))
        db.execute("INSERT INTO wal VALUES (?)", (Mark().dump(),))
        for each in _INDEXES:
            db.execute(each)
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("COMMIT")


def _values(row: Planned) -> tuple[int | str | None, ...]:
    state = State.PENDING if row.reason is None else State.REJECTED
    texts = storable(row.reason), storable(row.vendor_id)
    return row.row, storable(row.order_id), state, *texts


def _attach(path: Path) -> sqlite3.Connection:
    """Open a journal, and keep every other process out.

    The lock lasts as long as the connection or the process.  Nothing else
    here may open the file: closing it would free the lock too (POSIX).
    """
    db = connect(path)
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        # It would spoil what the main file says of its WAL.
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("PRAGMA synchronous = FULL")
        # It is only now that SQLite takes the lock.
        db.execute("BEGIN IMMEDIATE")
        db.execute("COMMIT")
        # It takes less than half a second for 100,000 rows.
        _check_pages(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _check_pages(db: sqlite3.Connection, path: Path) -> None:
    if db.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
        raise damaged(path)


def _is_whole(path: Path) -> bool:
    """Whether a journal is complete with the WAL beside it, or without."""

    def check(marked: int, version: int) -> None:
        if marked != APPLICATION_ID:
            raise no_journal(path)
        if version != VERSION:
            raise JournalMismatchError(
                f"The journal {path} was written by another version of "
                f"sesamy-async (its format is {version}, not {VERSION}). "
                "Finish its import with the version that began it."
            )

    try:
        return fits(*read_mark(path, check), wal_of(path))
    except ValueError:
        raise damaged(path) from None


_CHANGES = 2_000
"""So many changed rows are copied into the main file at once."""


class Store:
    """Reads and writes, one thread at a time, with errors of the journal."""

    def __init__(
        self, path: Path, db: sqlite3.Connection, *, is_whole: bool
    ) -> None:
        self.path = path
        self._db = db
        self._is_whole = is_whole
        self._lock = threading.Lock()
        self._files = (str(path), str(wal_of(path)))
        self._identities = identities(*self._files)
        # The changes that the main file has; None before the first one.
        self._copied: int | None = None

    @classmethod
    def open(cls, path: Path, *, without_wal: bool = False) -> Self:
        """Open a file that is there, and keep other processes out.

        It must be whole; or else, for `without_wal`, must not be, and a WAL
        beside it is renamed.
        """
        with as_journal_error(path):
            # SQLite keeps its WAL beside the file, not beside a link.
            path = followed(path)
            # Twice, for another process may close it between the two files.
            is_whole = _is_whole(path) or _is_whole(path)
            if is_whole and without_wal:
                raise JournalError(
                    f"The journal {path} is complete: none of its changes "
                    "are missing, so there is nothing to recover.",
                    unsent=True,
                )
            if without_wal:
                _set_aside(wal_of(path))
            elif not is_whole:
                raise _incomplete(path, wal_of(path))
            return cls(path, _attach(path), is_whole=is_whole)

    def read(self, query: str, *values: object) -> list[Any]:
        """Return all rows that a query finds."""
        with self._lock, as_journal_error(self.path):
            return self._db.execute(query, values).fetchall()

    def terms(self) -> Terms:
        """Return the terms of the import."""
        kept = self.read("SELECT json FROM terms")
        try:
            [[text]] = kept
            return _terms.loads(text, Terms)
        except (KeyError, TypeError, ValueError):
            raise damaged(self.path) from None

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Commit what the block does; nothing of it if it raises."""
        with self._lock, as_journal_error(self.path):
            if self._copied is None:
                self._begin()
            with self._transaction():
                yield self._db
            if self._db.total_changes - (self._copied or 0) >= _CHANGES:
                self._begin()

    def rescue(self, statement: str, *values: object) -> int:
        """Make a file whole that lost its WAL; return the rows changed.

        Until the statement is committed, the file says that it is not whole.
        """
        with self._lock, as_journal_error(self.path):
            with self._transaction():
                changed = self._db.execute(statement, values).rowcount
                # Of the WAL that is lost: now this one has its name.
                mark = mark_of(self._db)
                set_mark(self._db, attrs.evolve(mark, needed=False))
            self._is_whole = True
            self._begin()
        return changed

    def close(self) -> None:
        """Let others have the file; the WAL goes with that."""
        # If that fails, SQLite tries to copy all itself, or leaves the WAL.
        with (
            self._lock,
            as_journal_error(self.path),
            closing(self._db),
            suppress(sqlite3.Error, OSError, ValueError, JournalError),
        ):
            # Otherwise there is nothing to copy.
            if self._is_whole and read_wal(wal_of(self.path)) is not None:
                self._begin()

    def remove(self) -> None:
        """Close the file, and remove it and what SQLite keeps beside it."""
        self.close()
        with as_journal_error(self.path):
            self.path.unlink(missing_ok=True)
            wal_of(self.path).unlink(missing_ok=True)

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        with committing(self._db, self._check_presence):
            yield

    def _begin(self) -> None:
        """Copy all into the main file, and let the WAL begin anew."""
        mark = Mark(needed=True)
        with self._transaction():
            set_mark(self._db, mark)
        try:
            # Not to nothing: an empty WAL is none, if one is needed.
            self._db.execute("PRAGMA wal_checkpoint(FULL)").fetchall()
        finally:
            set_mark(self._db, attrs.evolve(mark, needed=False))
        self._copied = self._db.total_changes

    def _check_presence(self) -> None:
        now = identities(*self._files)
        for file, was, is_ in zip(
            self._files, self._identities, now, strict=True
        ):
            if was != is_:
                raise self._lost(Path(file))

    def _lost(self, path: Path) -> JournalError:
        return JournalError(
            f"{path} was deleted, moved or replaced while the import was "
            "running, so nothing more is written. Put it back before you "
            "continue: it says which orders were sent."
        )


def _set_aside(path: Path) -> None:
    """Rename a file, if it is there, to a name that is free."""
    if os.path.lexists(path):
        names = (path.with_name(f"{path.name}.{n}.aside") for n in count(1))
        path.rename(next(n for n in names if not os.path.lexists(n)))


def _incomplete(path: Path, wal: Path) -> JournalError:
    what = (
        f"{wal.name} beside it is from another time or of another journal"
        if wal.exists() and wal.stat().st_size
        else f"{wal.name} is not beside it"
    )
    return JournalError(
        f"The journal {path} is incomplete: a crash has left its latest "
        f"changes in a file of their own, and {what}. They say which orders "
        f"were sent. Find the {wal.name} that was beside this journal when "
        "the import ended, and put it back. Only if it is lost for good, run "
        f"`sesamy journal recover {path} --yes`: orders that may have been "
        "sent become unknown.",
        unsent=True,
    )
