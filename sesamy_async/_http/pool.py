"""Pools of connections: last in, first out, with fair queues."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from threading import Lock
from typing import Generic, Protocol, TypeVar

import attrs

from sesamy_async._call import Event, Runtime, renewed_after_fork


class Pooled(Protocol):
    """A connection, or what stands for one."""

    def usable(self) -> bool: ...
    async def aclose(self) -> None: ...


_P = TypeVar("_P", bound=Pooled)
_K = TypeVar("_K", bound=Hashable)


@attrs.define(eq=False, repr=False)
class _Waiter(Generic[_P]):
    """A call that waits for its turn."""

    event: Event
    turn: bool = False
    connection: _P | None = None  # None to make a new one.


class Pool(Generic[_P]):
    """At most `cap` connections; the call that waits longest goes first.

    But calls that complete others go before those that begin something.

    The free list is last in, first out: few connections stay warm, the
    others are closed after `idle` seconds.  A connection is only used again
    after an exchange that was read to its end.

    The same code serves tasks and threads: the lock is held for a few
    instructions, and never over an await.
    """

    def __init__(
        self,
        make: Callable[[], _P],
        runtime: Runtime,
        *,
        cap: int,
        idle: float,
    ) -> None:
        self._closed = False
        self._make = make
        self._runtime = runtime
        self._cap = cap
        self._idle = idle
        self._free: deque[tuple[_P, float]] = deque()
        self._waiters: deque[_Waiter[_P]] = deque()
        self._first: deque[_Waiter[_P]] = deque()
        self._stale: list[_P] = []
        self._count = 0
        self._lock = Lock()

    @property
    def count(self) -> int:
        """How many connections exist or are being opened."""
        return self._count

    @property
    def waiting(self) -> int:
        return len(self._first) + len(self._waiters)

    async def acquire(
        self, deadline: float, *, first: bool = False
    ) -> _P | None:
        """Return a connection, or None if the deadline came first.

        `first` is for calls that complete others.
        """
        queue = self._first if first else self._waiters
        with self._lock:
            self._evict()
            while self._free:
                # It stays in the list meanwhile: Ctrl-C would lose it.
                connection = self._free[-1][0]
                usable = connection.usable()
                self._free.pop()
                if usable:
                    return connection
                self._put_away(connection)
            if self._count < self._cap:
                self._count += 1
                waiter: _Waiter[_P] | None = None
            else:
                waiter = _Waiter(self._runtime.event())
                queue.append(waiter)
        if waiter is None:
            return self._made()
        try:
            await waiter.event.wait(deadline - self._runtime.now())
        except BaseException:
            self._leave(waiter, queue)
            raise
        with self._lock:
            if not waiter.turn:
                queue.remove(waiter)
                return None
            given = waiter.connection
            if given is not None and not given.usable():
                # Its place is taken over by the one that is made below.
                self._stale.append(given)
                given = None
        return self._made() if given is None else given

    def release(self, connection: _P) -> bool:
        """Give back a connection for others; return False after `drain`."""
        with self._lock:
            if self.waiting:
                self._hand_over(connection)
            elif self._closed:
                return False
            else:
                self._free.append((connection, self._runtime.now()))
        return True

    def discard(self) -> None:
        """Make room for another connection; the caller closes this one."""
        with self._lock:
            if self.waiting:
                self._hand_over(None)
            else:
                self._count -= 1

    def stale(self) -> list[_P]:
        """Return, once, the connections that have to be closed."""
        if not self._stale:
            return []
        with self._lock:
            stale, self._stale = self._stale, []
        return stale

    def drain(self) -> list[_P]:
        """Return all free connections to close, and take no more."""
        with self._lock:
            self._closed = True
            free = [connection for connection, _ in self._free]
            self._free.clear()
            self._count -= len(free)
            return free

    def _made(self) -> _P:
        try:
            return self._make()
        except BaseException:
            self.discard()
            raise

    def _evict(self) -> None:
        oldest = self._runtime.now() - self._idle
        while self._free and self._free[0][1] <= oldest:
            self._put_away(self._free.popleft()[0])

    def _put_away(self, connection: _P) -> None:
        self._stale.append(connection)
        self._count -= 1

    def _hand_over(self, connection: _P | None) -> None:
        waiter = (self._first or self._waiters).popleft()
        waiter.connection = connection
        waiter.turn = True
        waiter.event.set()

    def _leave(self, waiter: _Waiter[_P], queue: deque[_Waiter[_P]]) -> None:
        """Leave the queue; if the turn has come, pass it on."""
        with self._lock:
            if not waiter.turn:
                queue.remove(waiter)
                return
        if waiter.connection is None or not self.release(waiter.connection):
            self.discard()


class Pools(Generic[_K, _P]):
    """A pool for each host, in each process and event loop.

    `new` makes the pool for a key.
    """

    def __init__(
        self, new: Callable[[_K], Pool[_P]], runtime: Runtime
    ) -> None:
        self._new = new
        self._runtime = runtime
        self._pools: dict[tuple[Hashable, _K], Pool[_P]] = {}
        self._lock = Lock()
        renewed_after_fork(self)

    def after_fork(self) -> None:
        self._lock = Lock()

    @property
    def used(self) -> bool:
        return any(each.count for each in self._pools.values())

    def get(self, key: _K) -> Pool[_P]:
        place = (self._runtime.scope(), key)
        pool = self._pools.get(place)
        if pool is None:
            with self._lock:
                self._forget_the_dead()
                pool = self._pools.setdefault(place, self._new(key))
        return pool

    async def put_back(
        self, pool: Pool[_P], connection: _P, *, again: bool
    ) -> None:
        """Take back a connection; close it unless it may be used again."""
        if again and pool.release(connection):
            await self._close(pool.stale())
        else:
            pool.discard()
            await self._close([connection])

    async def aclose(self) -> None:
        """Close the free connections of the present scope."""
        scope = self._runtime.scope()
        with self._lock:
            mine = [key for key in self._pools if key[0] == scope]
            pools = [self._pools.pop(key) for key in mine]
        for pool in pools:
            await self._close((*pool.stale(), *pool.drain()))

    async def _close(self, connections: Iterable[_P]) -> None:
        """Close them all; errors do not change how a call ended.

        If the task is cancelled meanwhile (no shield prevents that on
        asyncio), the others are still closed: nobody else knows of them.
        """
        cancelled: BaseException | None = None
        for connection in connections:
            try:
                with self._runtime.shield(), suppress(Exception):
                    await connection.aclose()
            except BaseException as error:  # noqa: BLE001 - raised below
                cancelled = error
        if cancelled is not None:
            raise cancelled

    def _forget_the_dead(self) -> None:
        """Drop the connections of parents and of loops that are closed.

        A parent still uses its own, and those of a closed loop are closed.
        """
        dead = [key for key in self._pools if not self._runtime.alive(key[0])]
        for key in dead:
            del self._pools[key]
