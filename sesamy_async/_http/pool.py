"""A pool of connections to one host: last in, first out, with fair queues."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock

import attrs

from sesamy_async._call import Event, Runtime

from .adapters import Adapter


@attrs.define(eq=False, repr=False)
class Waiter:
    """A call that waits for its turn.

    Attributes:
        event: Happens when its turn has come.
        turn: Whether it has come.
        connection: What was handed over; None to make a new one.
    """

    event: Event
    turn: bool = False
    connection: Adapter | None = None


class Pool:
    """At most `cap` connections; the call that waits longest goes first.

    But a call that completes something goes before one that begins
    something.

    The free list is last in, first out: few connections stay warm, the
    others pass their idle time and are closed.  A connection goes back only
    after an exchange that was read to its end; all others are discarded.

    The same code serves tasks and threads: the lock is held for a few
    instructions, and never over an await.

    Args:
        make: Makes a connection (without any I/O yet).
        runtime: For time and events.
        cap: How many may exist at once.
        idle: Seconds after which a free one is not used again.
    """

    def __init__(
        self,
        make: Callable[[], Adapter],
        runtime: Runtime,
        *,
        cap: int,
        idle: float,
    ) -> None:
        self._make = make
        self._runtime = runtime
        self._cap = cap
        self._idle = idle
        self._free: deque[tuple[Adapter, float]] = deque()
        self._waiters: deque[Waiter] = deque()
        self._first: deque[Waiter] = deque()
        self._stale: list[Adapter] = []
        self._count = 0
        self._lock = Lock()

    @property
    def count(self) -> int:
        """How many connections exist or are being made."""
        return self._count

    @property
    def waiting(self) -> int:
        """How many calls wait for their turn."""
        return len(self._first) + len(self._waiters)

    async def acquire(
        self, deadline: float, *, first: bool = False
    ) -> Adapter | None:
        """Return a connection, or None where the deadline came first.

        Args:
            deadline: Until when to wait, on the runtime's clock.
            first: Whether to go before the calls that do not go first.
        """
        queue = self._first if first else self._waiters
        with self._lock:
            self._evict()
            while self._free:
                # It stays in its place meanwhile: Ctrl-C would lose it.
                connection = self._free[-1][0]
                usable = connection.usable()
                self._free.pop()
                if usable:
                    return connection
                self._put_away(connection)
            if self._count < self._cap:
                self._count += 1
                waiter = None
            else:
                waiter = Waiter(self._runtime.event())
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

    def release(self, connection: Adapter) -> None:
        """Give back a connection that can be used again."""
        with self._lock:
            if self.waiting:
                self._hand_over(connection)
            else:
                self._free.append((connection, self._runtime.now()))

    def discard(self) -> None:
        """Make room for a connection that is thrown away.

        The caller closes it.
        """
        with self._lock:
            if self.waiting:
                self._hand_over(None)
            else:
                self._count -= 1

    def stale(self) -> list[Adapter]:
        """Return, once, the connections that have to be closed."""
        if not self._stale:
            return []
        with self._lock:
            stale, self._stale = self._stale, []
        return stale

    def drain(self) -> list[Adapter]:
        """Take out all free connections, to close them."""
        with self._lock:
            free = [connection for connection, _ in self._free]
            self._free.clear()
            self._count -= len(free)
            return free

    def _made(self) -> Adapter:
        try:
            return self._make()
        except BaseException:
            self.discard()
            raise

    def _evict(self) -> None:
        oldest = self._runtime.now() - self._idle
        while self._free and self._free[0][1] <= oldest:
            self._put_away(self._free.popleft()[0])

    def _put_away(self, connection: Adapter) -> None:
        self._stale.append(connection)
        self._count -= 1

    def _hand_over(self, connection: Adapter | None) -> None:
        waiter = (self._first or self._waiters).popleft()
        waiter.connection = connection
        waiter.turn = True
        waiter.event.set()

    def _leave(self, waiter: Waiter, queue: deque[Waiter]) -> None:
        """Leave the queue; if the turn has come, pass it on."""
        with self._lock:
            if not waiter.turn:
                queue.remove(waiter)
                return
        if waiter.connection is None:
            self.discard()
        else:
            self.release(waiter.connection)
