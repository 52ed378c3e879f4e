"""The SQLite file of a journal while it is open."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from sesamy_async.bulk.errors import JournalError

from .connection import attach
from .place import followed
from .presence import Presence, wal_of
from .trouble import told


class Store:
    """Reads, and writes in transactions, one thread after another.

    Whatever goes wrong with the file is a `JournalError`.
    """

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self.path = path
        self._db = db
        self._lock = threading.Lock()
        self._presence = Presence.of(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file that is there, and keep all others out."""
        with told(path):
            # What SQLite keeps beside it is beside the file, not a link.
            path = followed(path)
            return cls(path, attach(path))

    def read(self, query: str, *values: object) -> list[Any]:
        """Return all rows that a query finds."""
        with self._lock, told(self.path):
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """Put on disk what the block does; nothing of it if it raises."""
        with self._lock, told(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._check_presence()
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

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

    def _check_presence(self) -> None:
        lost = self._presence.lost()
        if lost is not None:
            raise JournalError(
                f"{lost} was deleted, moved or replaced while the import "
                "was running, so nothing more is written. Put it back "
                "before you go on: it says which orders were sent."
            )
