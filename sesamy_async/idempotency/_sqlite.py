"""A store in a file of SQLite, for all processes of one machine."""

from __future__ import annotations

import json
import os
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection
from threading import TIMEOUT_MAX, Lock
from weakref import WeakSet

import attrs

from sesamy_async._call import wall_clock
from sesamy_async._wal import followed, identities

from ._protocol import OrderKey, OrderRecord, StoreAnswer
from ._records import (
    RecordStore,
    Search,
    Write,
    dump_record,
    load_record,
)
from ._sqlite_file import Database
from ._sqlite_trouble import as_unavailable, busy, forked, lost
from ._store import StoreUnavailable


_PAGE = 1_000
_BATCH = 500
_CLOSING = 10.0
_FORKING = 5.0

_READ = """\
SELECT data FROM orders WHERE place = ? AND vendor = ? AND order_id = ?
"""
_OWNER = """\
SELECT order_id FROM contracts
WHERE place = ? AND vendor = ? AND contract_id = ?
"""
# What a later version keeps in columns of its own stays.
_PUT = """\
INSERT INTO orders (place, vendor, order_id, state, at, data)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    state = excluded.state, at = excluded.at, data = excluded.data
"""
_REMOVE = """\
DELETE FROM orders WHERE place = ? AND vendor = ? AND order_id = ?
"""
_OWN = """\
INSERT INTO contracts (place, vendor, contract_id, order_id)
VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET order_id = excluded.order_id
"""
_DISOWN = """\
DELETE FROM contracts WHERE place = ? AND vendor = ? AND order_id = ?
"""
# By "json_each" an id would end at its first NUL.
_READ_MANY = """\
SELECT order_id, data FROM orders
WHERE place = ? AND vendor = ? AND order_id IN ({})
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


class _NotDurable(Exception):  # noqa: N818 - ends a block
    """A step needs a transaction that is durable."""


class SQLiteStore(RecordStore):
    """Keeps orders in a file, for all processes of one machine.

    The file appears with the first method that is called, and only this
    user may read it.  It must be on a local disk: locks don't work on
    network drives.  What SQLite keeps beside it (``-wal``, ``-shm``)
    belongs to it.

    Args:
        path: Where it is.  A folder that is missing is made.
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

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    def salt(self, *, within: float) -> bytes:
        """Return 32 random bytes, the same for all that share the file."""
        with self._opened.use(within) as (db, until):
            [[salt]] = db.read(until, "SELECT salt FROM salt")
        return bytes(salt)

    def write(
        self, writes: Sequence[Write], *, within: float
    ) -> list[StoreAnswer]:
        """Take steps, all of them in one transaction."""
        with self._opened.use(within) as (db, until):
            # Whether it must be durable is known only when it is decided,
            # and SQLite must know before the transaction begins.
            if not any(each.durable for each in writes):
                with suppress(_NotDurable), db.transaction(until) as changing:
                    return self._take(changing, writes, durable=False)
            with db.transaction(until, durable=True) as changing:
                return self._take(changing, writes, durable=True)

    def _take(
        self, db: Connection, writes: Sequence[Write], *, durable: bool
    ) -> list[StoreAnswer]:
        now = self._clock()
        answers: list[StoreAnswer] = []
        for each in writes:
            key = _values(each.key)
            found = db.execute(_READ, key).fetchone()
            record = found and load_record(each.key, found[0], now)
            name, owner = (*key[:2], each.contract_id), None
            if each.contract_id is not None:
                [owner] = db.execute(_OWNER, name).fetchone() or [None]
            step = each.decide(record, owner, now)
            if step.durable and not durable:
                raise _NotDurable
            if step.record is None:
                db.execute(_REMOVE, key)
            elif step.record != record:
                db.execute(_PUT, (*key, *_columns(step.record)))
            if step.owns and each.contract_id is not None:
                db.execute(_OWN, (*name, key[2]))
            answers.append(StoreAnswer(step.done, _as_read(step.record, now)))
        return answers

    def read(
        self, keys: Sequence[OrderKey], *, within: float
    ) -> list[OrderRecord]:
        """Return those of at most 500 orders that are there."""
        groups: dict[tuple[str, str], list[str]] = defaultdict(list)
        for each in keys:
            groups[each.where, each.vendor_id].append(each.external_order_id)
        now = self._clock()
        with self._opened.use(within) as (db, until):
            return [
                load_record(OrderKey(*group, order_id), data, now)
                for group, ids in groups.items()
                for order_id, data in db.read(
                    until,
                    _READ_MANY.format(", ".join("?" * len(ids))),
                    *group,
                    *ids,
                )
            ]

    def holder(
        self, where: str, vendor_id: str, contract_id: str, *, within: float
    ) -> OrderRecord | None:
        """Return the order that has a contract, if one is known."""
        now = self._clock()
        with self._opened.use(within) as (db, until):
            found = [
                load_record(OrderKey(where, vendor_id, order_id), data, now)
                for [order_id] in db.read(
                    until, _OWNER, where, vendor_id, contract_id
                )
                for [data] in db.read(until, _READ, where, vendor_id, order_id)
            ]
        return next(iter(found), None)

    def page(
        self, after: OrderKey | None, search: Search, *, within: float
    ) -> tuple[list[OrderRecord], OrderKey | None]:
        """Return some orders, and where to go on; None at the end."""
        start = _values(after) if after else ("", "", "")
        wanted = (search.since, json.dumps([*search.states]))
        now = self._clock()
        end: list[tuple[str, str, str]] = []
        with self._opened.use(within) as (db, until):
            if search.external_order_id is not None:
                # They are few: one for each publisher.
                by_id = (*wanted, search.external_order_id)
                found = db.read(until, _BY_ID, *by_id)
            elif end := db.read(until, _END_OF_PAGE, *start, _PAGE - 1):
                found = db.read(until, _FULL_PAGE, *wanted, *start, *end[0])
            else:
                found = db.read(until, _LAST_PAGE, *wanted, *start)
        return (
            [load_record(OrderKey(*key), data, now) for *key, data in found],
            OrderKey(*end[0]) if end else None,
        )

    def purge(self, older_than: float, *, within: float) -> int:
        """Remove CONFIRMED and REFUSED orders; return how many."""
        before = self._clock() - older_than
        until = time.monotonic() + within
        count = 0
        while True:
            # In batches, so that others can write in between.
            with (
                self._opened.use(until - time.monotonic()) as (db, _),
                db.transaction(until) as changing,
            ):
                old = changing.execute(_OLD, (before, _BATCH)).fetchall()
                changing.executemany(_REMOVE, old)
                changing.executemany(_DISOWN, old)
            count += len(old)
            if len(old) < _BATCH:
                return count
            if time.monotonic() >= until:
                raise StoreUnavailable(
                    f"The time was too short to purge {self._path}: {count} "
                    "orders are removed, and more are old. Purge it again."
                )

    def close(self) -> None:
        """Close the file; later methods open it again."""
        self._opened.close()

    def __repr__(self) -> str:
        return f"SQLiteStore({str(self._path)!r})"


class _Opened:
    """The file that a store has open, if it has; outlives the store."""

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

    @contextmanager
    def use(self, within: float) -> Generator[tuple[Database, float]]:
        """Have the file for this thread, and until when."""
        until = time.monotonic() + within
        with self._locked(within):
            database = self._database
            if database is not None and not database.is_present:
                if not database.lacks_wal:
                    raise lost(database.path)
                self._close()
            if self._database is None:
                _forks.check(self._path)
                self._database = Database.open(self._path, until)
            yield self._database, until

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
            raise forked(path)


_forks = _Forks()

# Windows has no fork, hence no hook for it.
if hasattr(os, "register_at_fork"):  # pragma: no branch
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


def _values(key: OrderKey) -> tuple[str, str, str]:
    return key.where, key.vendor_id, key.external_order_id


def _columns(record: OrderRecord) -> tuple[str, float, str]:
    return record.state, record.at, dump_record(record)


def _as_read(record: OrderRecord | None, now: float) -> OrderRecord | None:
    return None if record is None else attrs.evolve(record, read_at=now)
