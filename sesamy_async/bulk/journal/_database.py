"""The open database of a journal."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import attrs

from sesamy_async._files import AtomicFile
from sesamy_async._sqlite import (
    MARK,
    MARK_PAGE,
    SET_MARK,
    committing,
    connect,
)
from sesamy_async._wal import (
    Mark,
    fits,
    followed,
    identities,
    read_wal,
    torn,
    wal_of,
)
from sesamy_async.bulk._states import (
    JournalError,
    JournalMismatchError,
    Planned,
    State,
    Terms,
)

from ._files import set_aside
from ._schema import (
    APPLICATION_ID,
    INDEXES,
    INSERT,
    OLD_VERSION,
    TABLES,
    VERSION,
    storable,
    terms_converter,
)
from ._trouble import (
    as_journal_error,
    damaged,
    exists,
    no_journal,
    orphaned,
    unfit,
    whole,
)


def make_database(path: Path, terms: Terms, rows: Iterable[Planned]) -> None:
    """Write a new journal under another name, then put it in its place."""
    if os.path.lexists(path):
        raise exists(path)
    for left in (wal_of(path), path.with_name(f"{path.name}-journal")):
        if os.path.lexists(left):
            raise orphaned(left, path)
    with AtomicFile.begin(path) as new:
        _fill(new.beside, terms, rows)
        try:
            new.place()
        except OSError:
            # Another process may have removed our file as a leftover.
            if os.path.lexists(path):
                raise exists(path) from None
            raise


def _fill(path: Path, terms: Terms, rows: Iterable[Planned]) -> None:
    with closing(connect(path)) as db:
        # A file that is half written is removed, so it needs no rollback.
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(TABLES)
        db.execute("BEGIN")
        db.execute(
            "INSERT INTO terms VALUES (?)", (terms_converter.dumps(terms),)
        )
        db.executemany(INSERT, map(_values, rows))
        db.execute("INSERT INTO wal VALUES (?)", (Mark().dump(),))
        for each in INDEXES:
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


def _is_whole(path: Path, *, old: bool) -> bool:
    """Whether a journal is complete with the WAL beside it, or without.

    Ask before SQLite opens both, which would mix them for good.
    """
    # Twice, because another process may close it between the two files.
    return _fits(path, old=old) or _fits(path, old=old)


def _fits(path: Path, *, old: bool) -> bool:
    # So SQLite reads this file alone.  If the file is open in this process,
    # SQLite knows, and keeps the lock.
    with closing(connect(path, "mode=ro&immutable=1")) as db:
        _check(db, path, old=old)
        found = db.execute(MARK).fetchall() + db.execute(MARK_PAGE).fetchall()
    try:
        [[mark], [page]] = found
        its = Mark.parse(mark)
        wal = read_wal(wal_of(path), page)
        if wal is None and its.needed:
            return torn(its, wal_of(path))
        return fits(its, wal, page)
    except (ValueError, TypeError, AttributeError):
        raise damaged(path) from None


def _check_pages(db: sqlite3.Connection, path: Path) -> None:
    if db.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
        raise damaged(path)


def _check(db: sqlite3.Connection, path: Path, *, old: bool) -> None:
    [[marked]] = db.execute("PRAGMA application_id")
    if marked != APPLICATION_ID:
        raise no_journal(path)
    [[version]] = db.execute("PRAGMA user_version")
    if version != VERSION and not (old and version == OLD_VERSION):
        raise JournalMismatchError(
            f"The journal {path} was made by another version of sesamy-async "
            f"(its format is {version}, not {VERSION}). Finish its import "
            "with the version that began it; `sesamy orders import` records "
            "in a store of orders what was sent."
        )


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
    def open(
        cls, path: Path, *, without_wal: bool = False, old: bool = False
    ) -> Self:
        """Open a file that is there, and keep other processes out.

        It must be whole; or else, for `without_wal`, must not be, and a WAL
        beside it is renamed.  With `old` it may be of the version before.
        """
        with as_journal_error(path):
            # SQLite keeps its WAL beside the file, not beside a link.
            path = followed(path)
            if _is_whole(path, old=old):
                if without_wal:
                    raise whole(path)
            elif without_wal:
                set_aside(wal_of(path))
            else:
                raise unfit(path, wal_of(path))
            return cls(path, _attach(path), is_whole=not without_wal)

    def read(self, query: str, *values: object) -> list[Any]:
        """Return all rows that a query finds."""
        with self._lock, as_journal_error(self.path):
            return self._db.execute(query, values).fetchall()

    def terms(self) -> Terms:
        """Return what the import has agreed to."""
        kept = self.read("SELECT json FROM terms")
        try:
            [[text]] = kept
            return terms_converter.loads(text, Terms)
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
                count = self._db.execute(statement, values).rowcount
            self._is_whole = True
            self._begin()
        return count

    def close(self) -> None:
        """Let others have the file; the WAL goes with that."""
        # If that fails, SQLite tries to copy all itself, or leaves the WAL.
        with (
            self._lock,
            as_journal_error(self.path),
            closing(self._db),
            suppress(sqlite3.Error, OSError, ValueError, JournalError),
        ):
            self._check_presence()
            if self._is_whole and self._needs_wal():
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

    def _needs_wal(self) -> bool:
        """Whether there is a WAL to copy, or the main file says so."""
        if read_wal(wal_of(self.path)) is not None:
            return True
        [[text]] = self._db.execute(MARK).fetchall()
        return Mark.parse(text).needed

    def _begin(self) -> None:
        """Copy all into the main file, and let the WAL begin anew.

        SQLite copies page after page, and a crash may come in between.  So
        the main file says "needed" until all is there, and after that; the
        WAL then says "not needed", for SQLite to copy when this is closed.
        """
        # With this one it begins anew, if it does: now it has its name.
        self._mark(Mark())
        self._check_presence()
        wal = read_wal(wal_of(self.path))
        if wal is None:
            raise self._lost(wal_of(self.path))
        mark = Mark(
            needed=True, lineage=wal.lineage, checkpoints=wal.checkpoints
        )
        try:
            self._mark(mark)
            # Not to nothing: an empty WAL is none, if one is needed.
            self._db.execute("PRAGMA wal_checkpoint(FULL)").fetchall()
        finally:
            self._mark(attrs.evolve(mark, needed=False))
        self._copied = self._db.total_changes

    def _mark(self, mark: Mark) -> None:
        self._db.execute(SET_MARK, (mark.dump(),))

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
