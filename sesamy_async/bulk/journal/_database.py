"""The open database of a journal."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

import attrs

from sesamy_async._files import AtomicFile
from sesamy_async.bulk._states import (
    JournalError,
    JournalMismatchError,
    Planned,
    State,
    Terms,
)

from ._files import (
    Mark,
    fits,
    followed,
    identities,
    leftovers,
    read_wal,
    set_aside,
    torn,
    wal_of,
)
from ._schema import (
    APPLICATION_ID,
    INDEXES,
    INSERT,
    MARK,
    MARK_PAGE,
    OLDEST,
    SET_MARK,
    TABLES,
    VERSION,
    dump,
    load,
    storable,
)
from ._trouble import (
    as_journal_error,
    damaged,
    exists,
    no_journal,
    orphaned,
    unfit,
)


def connect(path: Path, mode: str = "mode=rw") -> sqlite3.Connection:
    """Open a file that is there already, with our own transactions."""
    if sqlite3.sqlite_version_info < OLDEST:
        needed = ".".join(str(part) for part in OLDEST)
        raise JournalError(
            f"The journal needs SQLite {needed}, and this Python has "
            f"{sqlite3.sqlite_version}. Use a newer Python."
        )
    db = sqlite3.connect(
        # As a URI, or SQLite would make a file that is missing.
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
    )
    # On a Mac a plain fsync does not reach the disk; elsewhere no difference.
    db.executescript("PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON")
    return db


def make_database(path: Path, terms: Terms, rows: Iterable[Planned]) -> None:
    """Write a new journal beside its place, then put it there.

    Raises:
        JournalError: There is a file already, or what SQLite kept beside
            one that is gone.
        sqlite3.Error: It can't be written.
        OSError: It can't be written.
    """
    if os.path.lexists(path):
        raise exists(path)
    for left in leftovers(path):
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
        db.execute("INSERT INTO terms VALUES (?)", (dump(terms),))
        db.executemany(INSERT, map(_values, rows))
        db.execute("INSERT INTO wal VALUES (?)", (Mark().dump(),))
        for each in INDEXES:
            db.execute(each)
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("COMMIT")


def _values(row: Planned) -> tuple[int, str | None, str, str | None]:
    state = State.PENDING if row.reason is None else State.REJECTED
    return row.row, storable(row.order_id), state, storable(row.reason)


def attach(path: Path) -> sqlite3.Connection:
    """Open a journal, and keep every other process out.

    SQLite holds the lock as long as the connection lives; the system frees
    it with the process, whatever ends that.  Nothing else here may open
    the file: closing it would free the lock too (POSIX).

    Raises:
        JournalMismatchError: It is no journal, or one of another version.
        JournalError: It is damaged.
        sqlite3.Error: It can't be opened, or is in use.
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


def is_whole(path: Path) -> bool:
    """Whether a journal is complete with the WAL beside it, or without.

    To be asked before SQLite sees both, which would mix them for good.

    Raises:
        JournalMismatchError: It is no journal, or one of another version.
        sqlite3.Error: It can't be opened.
        OSError: Its WAL can't be read.
    """
    # Twice, because another process may close it between the two files.
    return _fits(path) or _fits(path)


def _fits(path: Path) -> bool:
    wal = read_wal(wal_of(path))
    # SQLite then looks at this file alone.  It knows that the file may be
    # open in this process, and keeps the lock.
    with closing(connect(path, "mode=ro&immutable=1")) as db:
        _check(db, path)
        found = db.execute(MARK).fetchall() + db.execute(MARK_PAGE).fetchall()
    try:
        [[mark], [page]] = found
        its = Mark.parse(mark)
        if wal is None and its.needed:
            return torn(its, wal_of(path))
        return fits(its, wal, page)
    except (ValueError, TypeError, AttributeError):
        raise damaged(path) from None


def _check_pages(db: sqlite3.Connection, path: Path) -> None:
    if db.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
        raise damaged(path)


def _check(db: sqlite3.Connection, path: Path) -> None:
    [[marked]] = db.execute("PRAGMA application_id")
    if marked != APPLICATION_ID:
        raise no_journal(path)
    [[version]] = db.execute("PRAGMA user_version")
    if version != VERSION:
        raise JournalMismatchError(
            f"The journal {path} was made by another version of "
            f"sesamy-async (its format is {version}, not {VERSION}). Finish "
            "its import with the version that began it."
        )


_CHANGES = 2_000
"""After so many changed rows they are copied into the main file."""


class Store:
    """Reads, and writes in transactions, one thread after another.

    Whatever goes wrong with the file is a `JournalError`.
    """

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self.path = path
        self._db = db
        self._lock = threading.Lock()
        self._identities = identities(path)
        # The changes that the main file has; None before the first one.
        self._copied: int | None = None

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file that is there, and keep all others out."""
        with as_journal_error(path):
            # What SQLite keeps beside it is beside the file, not a link.
            path = followed(path)
            if not is_whole(path):
                raise unfit(path, wal_of(path))
            return cls(path, attach(path))

    @classmethod
    def open_without_wal(cls, path: Path) -> Self:
        """Open a file that is not whole; a WAL beside it is set aside.

        Raises:
            JournalError: It is whole.
        """
        with as_journal_error(path):
            path = followed(path)
            if is_whole(path):
                raise JournalError(
                    f"The journal {path} is whole: no changes of it are "
                    "missing, so there is nothing to recover.",
                    unsent=True,
                )
            set_aside(wal_of(path))
            return cls(path, attach(path))

    def read(self, query: str, *values: object) -> list[Any]:
        """Return all rows that a query finds."""
        with self._lock, as_journal_error(self.path):
            return self._db.execute(query, values).fetchall()

    def terms(self) -> Terms:
        """Return what the import has agreed to.

        Raises:
            JournalError: The terms are damaged.
        """
        kept = self.read("SELECT json FROM terms")
        terms = load(*kept[0]) if kept else None
        if terms is None:
            raise damaged(self.path)
        return terms

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Put on disk what the block does; nothing of it if it raises."""
        with self._lock, as_journal_error(self.path):
            if self._copied is None:
                self._begin()
            with self._transaction():
                yield self._db
            if self._db.total_changes - (self._copied or 0) >= _CHANGES:
                self._begin()

    def rescue(self, statement: str, *values: object) -> int:
        """Put on disk what makes a file without its WAL whole again.

        Until then the main file says that it is not.

        Returns:
            How many rows it changed.
        """
        with self._lock, as_journal_error(self.path):
            with self._transaction():
                count = self._db.execute(statement, values).rowcount
            self._begin()
        return count

    def close(self) -> None:
        """Let others have the file."""
        with self._lock, as_journal_error(self.path):
            self._db.close()

    def remove(self) -> None:
        """Close the file, and remove it and what SQLite keeps beside it."""
        self.close()
        with as_journal_error(self.path):
            self.path.unlink(missing_ok=True)
            wal_of(self.path).unlink(missing_ok=True)

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._check_presence()
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def _begin(self) -> None:
        """Copy all into the main file, and have it say which WAL follows.

        SQLite does each step in a way that survives a crash; what the main
        file says of its WAL is right after each of them, too.
        """
        path = wal_of(self.path)
        # Of one that is empty SQLite would count on from salts of zero.
        if read_wal(path) is not None:
            self._checkpoint("TRUNCATE")
        # Only now does the WAL begin anew, or SQLite draw its salts.
        self._mark(Mark())
        self._check_presence()
        wal = read_wal(path)
        if wal is None:
            raise self._lost(path)
        mark = Mark(
            needed=True, lineage=wal.lineage, checkpoints=wal.checkpoints
        )
        self._mark(mark)
        try:
            # Not to nothing: an empty WAL is none, if one is needed.
            self._checkpoint("FULL")
        finally:
            self._mark(attrs.evolve(mark, needed=False))
        self._copied = self._db.total_changes

    def _checkpoint(self, how: str) -> None:
        self._db.execute(f"PRAGMA wal_checkpoint({how})").fetchall()

    def _mark(self, mark: Mark) -> None:
        self._db.execute(SET_MARK, (mark.dump(),))

    def _check_presence(self) -> None:
        for path, identity in identities(self.path).items():
            if identity != self._identities[path]:
                raise self._lost(path)

    def _lost(self, path: Path) -> JournalError:
        return JournalError(
            f"{path} was deleted, moved or replaced while the import "
            "was running, so nothing more is written. Put it back "
            "before you go on: it says which orders were sent."
        )
