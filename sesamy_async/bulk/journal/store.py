"""The SQLite file of a journal while it is open."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import attrs

from sesamy_async.bulk.errors import JournalError

from .connection import attach, check_whole, is_whole
from .place import followed
from .presence import Presence, set_aside, wal_of
from .schema import SET_MARK
from .trouble import told
from .wal import Mark, read_wal


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
        self._presence = Presence.of(path)
        # The changes that the main file has; None before the first one.
        self._copied: int | None = None

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file that is there, and keep all others out."""
        with told(path):
            # What SQLite keeps beside it is beside the file, not a link.
            path = followed(path)
            check_whole(path)
            return cls(path, attach(path))

    @classmethod
    def open_without_wal(cls, path: Path) -> Self:
        """Open a file that is not whole; a WAL beside it is set aside.

        Raises:
            JournalError: It is whole.
        """
        with told(path):
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
        with self._lock, told(self.path):
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Put on disk what the block does; nothing of it if it raises."""
        with self._lock, told(self.path):
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
        with self._lock, told(self.path):
            with self._transaction():
                count = self._db.execute(statement, values).rowcount
            self._begin()
        return count

    def close(self) -> None:
        """Let others have the file."""
        with self._lock, told(self.path):
            self._db.close()

    def remove(self) -> None:
        """Close the file, and remove it and what SQLite keeps beside it."""
        self.close()
        with told(self.path):
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
        lost = self._presence.lost()
        if lost is not None:
            raise self._lost(lost)

    def _lost(self, path: Path) -> JournalError:
        return JournalError(
            f"{path} was deleted, moved or replaced while the import "
            "was running, so nothing more is written. Put it back "
            "before you go on: it says which orders were sent."
        )
