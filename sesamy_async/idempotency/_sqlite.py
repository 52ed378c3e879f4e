"""A store in a file of SQLite, for all processes of one machine."""

from __future__ import annotations

import json
import os
import sys
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection
from threading import TIMEOUT_MAX, Lock
from typing import TypeVar
from weakref import WeakSet

from sesamy_async._call import wall_clock
from sesamy_async._links import left
from sesamy_async._wal import followed, identities

from ._protocol import OrderKey, OrderRecord
from ._records import Search, dump_record, load_record
from ._shared import (
    BATCH,
    PAGE,
    RecordChange,
    Seen,
    SharedStore,
    Wanted,
    parts,
)
from ._sqlite_file import Database
from ._sqlite_trouble import as_unavailable, busy, lost
from ._store import StoreUnavailable, unusable


_CLOSING = 10.0
_FORKING = 5.0

_T = TypeVar("_T")

_FIND = """\
SELECT (
    SELECT data FROM orders
    WHERE (place, vendor, order_id) = (column1, column2, column3)
), (
    SELECT order_id FROM contracts
    WHERE (place, vendor, contract_id) = (column1, column2, column4)
) FROM (VALUES {})
"""
# By "json_each" an id would end at its first NUL.
_READ_MANY = """\
SELECT order_id, data FROM orders
WHERE place = ? AND vendor = ? AND order_id IN ({})
"""
_ADD = """\
INSERT INTO orders (state, at, data, place, vendor, order_id)
VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
_KEY = "WHERE place = ? AND vendor = ? AND order_id = ?"
# What a later version keeps in columns of its own stays.
_PUT = f"UPDATE orders SET state = ?, at = ?, data = ? {_KEY} AND data = ?"  # noqa: S608 - constants of ours
_REMOVE = f"DELETE FROM orders {_KEY} AND data = ?"  # noqa: S608 - as above
_OWN = """\
INSERT INTO contracts (place, vendor, contract_id, order_id)
VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
# So many are looked at in one go, however few of them are wanted.
_END_OF_PAGE = """\
SELECT place, vendor, order_id FROM orders
WHERE (place, vendor, order_id) > (?, ?, ?)
ORDER BY place, vendor, order_id LIMIT 1 OFFSET ?
"""
# The "+" keeps SQLite from the index by age, which would read them all.
_WANTED = "+at >= ? AND +state IN (SELECT value FROM json_each(?))"
_LAST_PAGE = f"""\
SELECT place, vendor, order_id, data FROM orders
WHERE {_WANTED} AND (place, vendor, order_id) > (?, ?, ?)
"""  # noqa: S608 - constants of ours
_FULL_PAGE = f"{_LAST_PAGE} AND (place, vendor, order_id) <= (?, ?, ?)"
_BY_ID = f"""\
SELECT place, vendor, order_id, data FROM orders
WHERE {_WANTED} AND order_id = ?
"""  # noqa: S608 - constants of ours
_OLD = """\
SELECT place, vendor, order_id FROM orders
WHERE state IN ('CONFIRMED', 'REFUSED') AND at < ? LIMIT ?
"""
_PURGE = f"DELETE FROM orders {_KEY}"  # noqa: S608 - constants of ours
_DISOWN = f"DELETE FROM contracts {_KEY}"  # noqa: S608 - constants of ours


class _Overtaken(Exception):  # noqa: N818 - ends a block
    """Another order has the contract by now."""


class SQLiteStore(SharedStore[Database]):
    """Keeps orders in a file, for all processes of one machine.

    The first method that is called creates the file, and only this user may
    read it.  It must be on a local disk: locks don't work on network
    drives.  The files that SQLite keeps beside it (``-wal``, ``-shm``)
    belong to it.

    Args:
        path: Of the file.  A missing folder is created.
        clock: Returns Unix seconds; by default, the time of the clients.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        # A program may change its folder later.
        self._path = Path(path).absolute()
        self._clock = clock or wall_clock()
        self._opened = _Opened(self._path)
        # Also at the end of the interpreter.
        weakref.finalize(self, _close_quietly, self._opened)
        _forks.add(self._opened)
        super().__init__(self._path)

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self._path

    def close(self) -> None:
        self._opened.close()

    def _do(self, until: float, do: Callable[[Database], _T]) -> _T:
        return self._opened.ask(until, do)

    def _salt(self, link: Database) -> bytes:
        [[salt]] = link.read("SELECT salt FROM salt")
        return bytes(salt)

    def _see(
        self, link: Database, wanted: Sequence[Wanted]
    ) -> tuple[list[Seen], float]:
        rows = ", ".join(["(?, ?, ?, ?)"] * len(wanted))
        values = [
            each
            for key, contract_id in wanted
            for each in (*parts(key), contract_id)
        ]
        return link.read(_FIND.format(rows), *values), self._clock()

    def _records(
        self, link: Database, keys: Sequence[OrderKey]
    ) -> list[OrderRecord]:
        # Faster than `_see`: a dry run of an import asks for each row.
        groups: dict[tuple[str, str], list[str]] = defaultdict(list)
        for each in keys:
            groups[each.where, each.vendor_id].append(each.external_order_id)
        now = self._clock()
        return [
            load_record(OrderKey(*group, order_id), data, now)
            for group, ids in groups.items()
            for order_id, data in link.read(
                _READ_MANY.format(", ".join("?" * len(ids))), *group, *ids
            )
        ]

    def _change(
        self, link: Database, changes: Sequence[RecordChange], *, durable: bool
    ) -> list[bool]:
        try:
            with link.transaction(durable=durable) as db:
                done = [_changed(db, each) for each in changes]
        except _Overtaken:
            done = [False] * len(changes)
        if not all(done):
            left(link.until)
        return done

    def _page(
        self, link: Database, after: OrderKey | None, search: Search
    ) -> tuple[list[OrderRecord], OrderKey | None]:
        start = parts(after) if after else ("", "", "")
        wanted = (search.since, json.dumps([*search.states]))
        now = self._clock()
        end: list[tuple[str, str, str]] = []
        if search.external_order_id is not None:
            # They are few: one for each publisher.
            found = link.read(_BY_ID, *wanted, search.external_order_id)
        elif end := link.read(_END_OF_PAGE, *start, PAGE - 1):
            found = link.read(_FULL_PAGE, *wanted, *start, *end[0])
        else:
            found = link.read(_LAST_PAGE, *wanted, *start)
        return (
            [load_record(OrderKey(*key), data, now) for *key, data in found],
            OrderKey(*end[0]) if end else None,
        )

    def _purge(self, link: Database, older_than: float) -> int:
        before = self._clock() - older_than
        with link.transaction() as db:
            old = db.execute(_OLD, (before, BATCH)).fetchall()
            db.executemany(_PURGE, old)
            db.executemany(_DISOWN, old)
        return len(old)

    def __repr__(self) -> str:
        return f"SQLiteStore({str(self._path)!r})"


class _Opened:
    """The file of a store while it is open; outlives the store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._database: Database | None = None

    def before_fork(self) -> bool:
        """Close the file, and hold the lock; False if that takes too long.

        A child has none of the locks that SQLite believes it has, of all
        connections to the file, also of new ones.
        """
        if not self._lock.acquire(timeout=_FORKING):
            return False
        with suppress(Exception):
            self._close()
        return True

    def go_on(self) -> None:
        """Give the lock back that `before_fork` holds."""
        self._lock.release()

    def leave(self) -> tuple[int, int] | None:
        """Leave a file to the parent that could not be closed; name it."""
        self._lock = Lock()
        if self._database is not None:
            self._database.abandon()
            self._database = None
        return _identity(self._path)

    def ask(self, until: float, do: Callable[[Database], _T]) -> _T:
        """Do something with the file, which is this thread's meanwhile."""
        with self._locked(until - time.monotonic()):
            database = self._database
            if database is not None and not database.alive():
                if not database.lacks_wal:
                    raise lost(database.path)
                self._close()
            if self._database is None:
                _forks.check(self._path)
                self._database = Database.open(self._path, until)
            self._database.until = until
            return do(self._database)

    def close(self) -> None:
        """Close the file, if it is open."""
        with self._locked(_CLOSING):
            self._close()

    def _close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()

    @contextmanager
    def _locked(self, within: float) -> Generator[None]:
        lock = self._lock
        if not lock.acquire(timeout=min(max(0.0, within), TIMEOUT_MAX)):
            raise busy(self._path)
        try:
            with as_unavailable(self._path):
                yield
        finally:
            lock.release()


class _Forks:
    """Lets no file be open while the process forks."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._all: WeakSet[_Opened] = WeakSet()
        self._held: list[_Opened] = []
        self._left: set[tuple[int, int] | None] = set()

    def add(self, opened: _Opened) -> None:
        """Look after a file, as long as its store lives."""
        with self._lock:
            self._all.add(opened)

    def before(self) -> None:
        """Close all files, and keep them closed."""
        self._lock.acquire()
        self._held = [each for each in self._all if each.before_fork()]

    def in_parent(self) -> None:
        """Let them be opened again."""
        while self._held:
            self._held.pop().go_on()
        self._lock.release()

    def in_child(self) -> None:
        """Let them be opened, but for those that were not closed."""
        for each in self._all:
            if each not in self._held:
                self._left.add(each.leave())
        self._left.discard(None)
        self.in_parent()

    def check(self, path: Path) -> None:
        """Refuse a file that the parent had open at the fork."""
        if self._left and _identity(path) in self._left:
            raise unusable(
                path,
                "another thread used it for too long while this process was "
                "forked, so its locks do not work here. Start the process "
                "again; if you can, fork before the first order, or use the "
                "start method spawn",
            )


_forks = _Forks()

# Windows has no fork, hence no hook for it.
if sys.platform != "win32":  # pragma: no branch
    os.register_at_fork(
        before=_forks.before,
        after_in_parent=_forks.in_parent,
        after_in_child=_forks.in_child,
    )


def _close_quietly(opened: _Opened) -> None:
    with suppress(StoreUnavailable):
        opened.close()


def _identity(path: Path) -> tuple[int, int] | None:
    return identities(str(followed(path)))[0]


def _changed(db: Connection, change: RecordChange) -> bool:
    key = parts(change.key)
    old = () if change.old is None else (change.old,)
    if change.new is None:
        done = db.execute(_REMOVE, (*key, *old)).rowcount
    else:
        new = change.new
        values = (new.state, new.at, dump_record(new), *key, *old)
        done = db.execute(_PUT if old else _ADD, values).rowcount
    if done and change.contract_id is not None:
        own = (*key[:2], change.contract_id, key[2])
        if not db.execute(_OWN, own).rowcount:
            raise _Overtaken
    return bool(done)
