"""The open file of a `SQLiteStore`; `_wal` says how its WAL is guarded."""

from __future__ import annotations

import ctypes
import os
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from random import uniform
from secrets import token_bytes
from typing import Any, Self, TypeVar

import attrs

from sesamy_async._files import AtomicFile
from sesamy_async._sqlite import DAMAGED, KEPT, STRICT, committing, connect
from sesamy_async._wal import (
    Mark,
    fits,
    followed,
    identities,
    mark_of,
    read_mark,
    set_mark,
    wal_of,
)

from ._sqlite_trouble import busy, is_busy, lost, no_store
from ._store import StoreUnavailable, unusable


APPLICATION_ID = 0x5345534F
"""Marks a SQLite file as a store of orders ("SESO")."""

VERSION = 1
"""Changes when an older version of the SDK must not use the file."""

# What a later version adds must have a default, since this one writes to it.
_TABLES = f"""\
CREATE TABLE orders (
    place TEXT NOT NULL,
    vendor TEXT NOT NULL,
    order_id TEXT NOT NULL,
    state TEXT NOT NULL,
    at REAL NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (place, vendor, order_id)
){STRICT};
CREATE INDEX orders_by_id ON orders (order_id);
CREATE INDEX orders_by_age ON orders (state, at);
CREATE TABLE contracts (
    place TEXT NOT NULL,
    vendor TEXT NOT NULL,
    contract_id TEXT NOT NULL,
    order_id TEXT NOT NULL,
    PRIMARY KEY (place, vendor, contract_id)
){STRICT}{"," if STRICT else ""} WITHOUT ROWID;
CREATE INDEX contracts_by_order ON contracts (place, vendor, order_id);
CREATE TABLE salt (salt BLOB NOT NULL){STRICT};
CREATE TABLE wal (mark TEXT NOT NULL){STRICT};
"""

_CHANGES = 500
"""After so many changed rows, the WAL is copied into the main file."""

_LOOKS = 4
_BETWEEN_LOOKS = 0.005
_SHORTLY = 0.2
_ABANDONED = 3_600.0

_T = TypeVar("_T")


def patiently(until: float, do: Callable[[], _T]) -> _T:
    """Do something again and again while another process holds the lock."""
    pause = 0.000_2
    while True:
        try:
            return do()
        except sqlite3.OperationalError as error:
            left = until - time.monotonic()
            if not is_busy(error) or left <= 0:
                raise
        # SQLite's own pauses are up to 0.1 s, where a change takes 0.3 ms.
        time.sleep(min(left, pause * uniform(0.5, 1.5)))  # noqa: S311
        pause = min(2 * pause, 0.01)


def _make(path: Path) -> None:
    """Make an empty store, unless another process does so meanwhile."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    left = [
        each
        for each in (wal_of(path), path.with_name(f"{path.name}-journal"))
        if os.path.lexists(each)
    ]
    if left and not os.path.lexists(path):
        raise unusable(
            path,
            f"it is missing, but {left[0].name}, which belongs to it, is "
            f"there. If you moved it, put it back: {KEPT}. If you removed it "
            f"to start over, remove {left[0].name} too",
        )
    with (
        AtomicFile.begin(path, sweep_after=_ABANDONED) as new,
        suppress(FileExistsError),
    ):
        with closing(connect(new.beside)) as db:
            # It comes to disk when it is put in its place.
            db.executescript(
                f"PRAGMA synchronous = OFF; BEGIN; {_TABLES}"
                f"PRAGMA user_version = {VERSION};"
                f"PRAGMA application_id = {APPLICATION_ID};"
            )
            db.execute("INSERT INTO salt VALUES (?)", (token_bytes(32),))
            db.execute("INSERT INTO wal VALUES (?)", (Mark().dump(),))
            db.execute("COMMIT")
        new.place()


def _read_mark(path: Path) -> tuple[Mark, int]:
    """Return what the main file alone says of its WAL, and on which page."""

    def check(marked: int, version: int) -> None:
        if marked != APPLICATION_ID:
            raise no_store(path)
        if version != VERSION:
            raise unusable(
                path,
                "another version of sesamy-async created it (its format is "
                f"{version}, not {VERSION}). Use that version in all programs "
                "that share it",
            )

    try:
        return read_mark(path, check)
    except ValueError:
        raise unusable(path, DAMAGED) from None


def _check_whole(path: Path) -> None:
    """See that the WAL beside a main file belongs to it.

    Ask before SQLite opens both, which would mix them for good.
    """
    before, looks = None, 0
    while True:
        mark, page = _read_mark(path)
        if fits(mark, page, wal_of(path)):
            return
        # Another process may have changed both between the two looks; but
        # then the mark is another one, too.
        looks = looks + 1 if mark == before else 1
        if looks == _LOOKS:
            raise _unfit(path, wal_of(path))
        before = mark
        time.sleep(_BETWEEN_LOOKS)


def _unfit(path: Path, wal: Path) -> StoreUnavailable:
    what = (
        "is from another time or of another file"
        if wal.exists() and wal.stat().st_size
        else "is not beside it"
    )
    return unusable(
        path,
        "a crash left its latest changes in a second file, "
        f"{wal.name}, and that {what}. Without it, orders would be sent "
        "twice. Find the one that was beside it, and put it back. Only if it "
        "is lost for good, move this file away, and start a new store from "
        "other records: `sesamy orders import`",
    )


def _copy_all(path: Path) -> None:
    """Make a main file whole that nobody has open; the WAL goes with that."""
    with closing(connect(path)) as db:
        # From the first look on nobody else can open it; or else it fails.
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA synchronous = NORMAL")
        if mark_of(db).needed or _read_mark(path)[0].needed:
            # SQLite copies page after page, and a crash may come in between.
            # So the mark changes when all the others are there.
            mark = Mark(needed=True)
            try:
                set_mark(db, mark)
                _all(db, "PRAGMA wal_checkpoint(PASSIVE)")
            finally:
                # Even if somebody interrupts it: the WAL goes at the end.
                set_mark(db, attrs.evolve(mark, needed=False))
        # Who is alone needs no such file, so SQLite leaves it.  Nobody else
        # opens it now: that takes a lock on the main file first.
        path.with_name(f"{path.name}-shm").unlink(missing_ok=True)


def _all(db: sqlite3.Connection, query: str, *values: object) -> list[Any]:
    return db.execute(query, values).fetchall()


class Database:
    """An open file, for one thread at a time.

    Attributes:
        until: When its present use must have ended.
    """

    until = 0.0

    def __init__(
        self,
        path: Path,
        db: sqlite3.Connection,
        opened: tuple[tuple[int, int] | None, ...],
    ) -> None:
        self.path = path
        self._db = db
        self._files = (str(path), str(wal_of(path)))
        self._identities = opened
        self._guarded = False
        self._durable = False
        self._copied = 0

    @classmethod
    def open(cls, path: Path, until: float) -> Self:
        """Open a file that is whole; make it if there is none."""
        # SQLite keeps its WAL beside the file, not beside a link.
        path = followed(path)
        if not os.path.lexists(path):
            _make(path)
        _check_whole(path)
        [before] = identities(str(path))
        db = connect(path)
        try:
            for each in (
                "PRAGMA journal_mode = WAL",
                "PRAGMA wal_autocheckpoint = 0",
                "PRAGMA synchronous = NORMAL",
            ):
                patiently(until, partial(_all, db, each))
            # It is only now that SQLite opens the WAL.
            patiently(until, partial(mark_of, db))
        except BaseException:
            db.close()
            raise
        opened = identities(str(path), str(wal_of(path)))
        # It, or its WAL, may have been deleted or replaced meanwhile.
        if None in opened or opened[0] != before:
            db.close()
            raise lost(path)
        return cls(path, db, opened)

    def alive(self) -> bool:
        """Whether the path still leads to the files that are open."""
        # SQLite writes happily into a file that was deleted.
        return identities(*self._files) == self._identities

    def read(self, query: str, *values: object) -> list[Any]:
        """Return all rows that a query finds."""
        return patiently(self.until, partial(_all, self._db, query, *values))

    @contextmanager
    def transaction(
        self, *, durable: bool = False
    ) -> Generator[sqlite3.Connection]:
        """Commit what the block does; nothing of it if it raises."""
        if not self._guarded:
            self._guard(self.until)
        self._set_durable(durable=durable)
        with self._transaction(self.until):
            self._take_back()
            yield self._db
        if self._db.total_changes - self._copied >= _CHANGES:
            # It is committed all the same, and the next one tries again.
            with suppress(sqlite3.Error, OSError, StoreUnavailable):
                self.copy(min(self.until, time.monotonic() + _SHORTLY))

    @contextmanager
    def _transaction(self, until: float) -> Generator[None]:
        patiently(until, partial(_all, self._db, "BEGIN IMMEDIATE"))
        with committing(self._db, self.check_presence):
            yield

    def _set_durable(self, *, durable: bool) -> None:
        if durable != self._durable:
            how = "FULL" if durable else "NORMAL"
            self._db.execute(f"PRAGMA synchronous = {how}")
            self._durable = durable

    def _guard(self, until: float) -> None:
        """Let the main file say that it needs its WAL.

        Once is enough: as long as this process has it open, no other one
        is the last to close it.
        """
        while not self._is_guarded():
            self.copy(until)
            if self._is_guarded():
                break
            # Somebody who reads keeps the mark from the main file.
            if time.monotonic() >= until:
                raise busy(self.path)
            time.sleep(_BETWEEN_LOOKS)
        self._guarded = True

    def _is_guarded(self) -> bool:
        return _read_mark(self.path)[0].needed

    def copy(self, until: float) -> None:
        """Copy the changes into the main file, so that the WAL begins anew.

        If somebody else comes between, nothing may be copied.
        """
        self._set_durable(durable=False)
        with self._transaction(until):
            # Else another process is about to copy, or was.
            if not mark_of(self._db).needed:
                set_mark(self._db, Mark(needed=True))
        with self._transaction(until):
            if mark_of(self._db).needed:
                # Of another connection: this one has the lock for writing.
                with closing(connect(self.path)) as other:
                    other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        with self._transaction(until):
            self._take_back()
        self._copied = self._db.total_changes

    def _take_back(self) -> None:
        """Say "not needed", if the main file says that it is by now."""
        mark = mark_of(self._db)
        if mark.needed and mark == _read_mark(self.path)[0]:
            set_mark(self._db, attrs.evolve(mark, needed=False))

    def check_presence(self) -> None:
        """See that the path still leads to the files that are open."""
        if not self.alive():
            raise lost(self.path)

    @property
    def lacks_wal(self) -> bool:
        """Whether the WAL alone is gone; then to close it saves all."""
        main, wal = identities(*self._files)
        return main == self._identities[0] and wal is None

    def close(self) -> None:
        """Close it; if nobody else has it open, the WAL goes with that.

        If the path leads elsewhere by now, SQLite touches nothing there.
        """
        if self.alive():
            # If that fails, the WAL stays: it does no harm.
            with suppress(
                sqlite3.Error, OSError, ValueError, StoreUnavailable
            ):
                self._close_only()
                if self.alive():
                    _copy_all(self.path)
        # If only its WAL is gone, SQLite saves what was in there.
        self._db.close()

    def _close_only(self) -> None:
        """Close it so that SQLite copies nothing, even if nobody has it open.

        The last mark may be one of a process that was killed meanwhile.
        """
        # SQLite copies when the last one closes the file, if it can write.
        with closing(connect(self.path, "mode=ro")) as other:
            mark_of(other)
            self._db.close()

    def abandon(self) -> None:
        """Leave the connection alone for good.

        It is the parent's after a fork.  Not even the end of the
        interpreter may close it.
        """
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._db))
