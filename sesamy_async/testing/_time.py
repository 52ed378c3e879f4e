"""A time that passes at once, for all clients that are made in a block.

Its clock moves when all that could go on waits for it; below are the waits of
clients on that clock, in threads and in event loops.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Hashable
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from heapq import heappop, heappush
from importlib import import_module
from typing import Any, TypeVar, cast

import anyio
import anyio.lowlevel
import attrs

from sesamy_async._call import BlockingRuntime, Event, Job, Runtime, replaced


_T = TypeVar("_T")

_BEGIN = 1000.0
_LOOK_AGAIN = 0.002
# Futures wake each other, as with `asyncio.gather`, before one wakes a task.
_CYCLES = 5
_SPINS = 0.1  # A task that never waits: others are woken all the same.


class Waker(ABC):
    """An event loop, or a thread that waits; wakes what waits there."""

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []

    @abstractmethod
    def look(self) -> None:
        """Look soon whether something can be woken."""


@attrs.define(eq=False)
class Alarm:
    """What is to be woken, and when."""

    due: float  # In seconds on the clock.
    number: int  # Of those with the same time, the first one rings first.
    ring: Callable[[], None]  # Called by its waker.
    work: Work | None  # The call that waits for it.
    ended: bool = False  # It has rung, or is not needed any more.

    def __lt__(self, other: Alarm) -> bool:
        return (self.due, self.number) < (other.due, other.number)


@attrs.define(eq=False)
class Work:
    """A call of a client."""

    waits: int = 0  # How many of its tasks wait for the clock.
    ended: bool = False  # Tasks that it began may outlive it.


_present: ContextVar[Work | None] = ContextVar("sesamy_work", default=None)


class Clock:
    """A clock that moves when all that could go on waits for it."""

    def __init__(self, start: float) -> None:
        self._start = start
        self.waits: list[float] = []
        # Real seconds for which it stands still though nothing seems to go
        # on, because a call does not wait for it.
        self.patience = 1.0
        self.elapsed = 0.0
        self.loops: dict[Hashable, Waker] = {}
        # Everything here changes under it only.  It is re-entrant.
        self.changed = threading.Condition()
        self._changed_at = time.monotonic()
        self._wakers: set[Waker] = set()
        self._number = 0
        self._busy = 0

    def wall(self) -> float:
        return self._start + self.elapsed

    def move(self, seconds: float) -> None:
        with self.changed:
            self.elapsed += seconds
            self._note()
            wakers = [*self._wakers]
        for waker in wakers:
            waker.look()

    @contextmanager
    def working(self) -> Generator[None]:
        """Let the clock stand still in the block, if it does not wait."""
        outer = _present.get()
        if outer is not None and not outer.ended:
            yield  # It is a part of that call.
            return
        work = Work()
        token = _present.set(work)
        with self.changed:
            self._busy += 1
        try:
            yield
        finally:
            _present.reset(token)
            with self.changed:
                self._busy -= work.waits == 0
                work.ended = True
                self._note()

    @contextmanager
    def alarm(
        self,
        seconds: float,
        ring: Callable[[], None],
        waker: Waker,
        work: Work | None = None,
    ) -> Generator[Alarm]:
        """Ring after some time, if the block has not been left by then.

        `work` is the call that waits in the block, so the clock may move.
        """
        with self.changed:
            self._number += 1
            due = self.elapsed + max(0.0, seconds)
            alarm = Alarm(due, self._number, ring, work)
            self._wait(work, 1)
            if due < math.inf:
                heappush(waker.alarms, alarm)
                self._wakers.add(waker)
        try:
            waker.look()
            yield alarm
        finally:
            with self.changed:
                self.end(alarm)
                if self.first(waker) is None:
                    self._wakers.discard(waker)

    def end(self, alarm: Alarm) -> None:
        """Let an alarm not ring any more: its call goes on."""
        with self.changed:
            if not alarm.ended:
                alarm.ended = True
                self._wait(alarm.work, -1)

    def first(self, waker: Waker) -> Alarm | None:
        """Return the next alarm of a waker."""
        with self.changed:
            alarms = waker.alarms
            while alarms and alarms[0].ended:
                heappop(alarms)
            return alarms[0] if alarms else None

    def advance(self, waker: Waker, *, idle: bool) -> bool:
        """Wake what is due at a waker, and move the clock if it may move.

        It is called there, and says whether nothing goes on there; it
        returns whether something was woken.
        """
        with self.changed:
            alarm = self.first(waker)
            if alarm is None:
                return False
            if alarm.due > self.elapsed:
                others = filter(None, map(self.first, self._wakers))
                turn = idle and not self._busy and alarm is min(others)
                still = time.monotonic() - self._changed_at
                if not turn and still < self.patience:
                    return False
                self.elapsed = alarm.due
            self.end(alarm)
            self._note()
        alarm.ring()
        return True

    def _wait(self, work: Work | None, change: int) -> None:
        """Count one more task of a call that waits, or one less."""
        if work is not None:
            goes_on = work.waits == 0
            work.waits += change
            if not work.ended:
                self._busy += (work.waits == 0) - goes_on
        self._note()

    def _note(self) -> None:
        """Note that something goes on."""
        self._changed_at = time.monotonic()
        self.changed.notify_all()


@attrs.frozen(eq=False, repr=False)
class _OnClock(Runtime):
    """A runtime with another time."""

    _real: Runtime  # What the client would have otherwise.
    _clock: Clock

    def now(self) -> float:
        return _BEGIN + self._clock.elapsed

    def wall(self) -> float:
        return self._clock.wall()

    async def sleep(self, seconds: float) -> None:
        self._clock.waits.append(seconds)
        await self.event().wait(seconds)

    @abstractmethod
    def event(self) -> Event:
        """Make an event."""

    def scope(self) -> Hashable:
        return self._real.scope()

    def alive(self, scope: Hashable) -> bool:
        return self._real.alive(scope)

    def shield(self, seconds: float = 1.0) -> AbstractContextManager[object]:
        return self._real.shield(seconds)  # What it shields takes real time.

    def start(self, function: Callable[[], _T]) -> Job[_T]:
        with self._clock.working():
            return _RealJob(self._real.start(function), self._clock)


@attrs.frozen(eq=False, repr=False)
class _RealJob(Job[_T]):
    """A job, such as a look into a store, for which the clock stands still."""

    _job: Job[_T]
    _clock: Clock

    async def result(self, seconds: float) -> _T:
        with self._clock.working():
            return await self._job.result(seconds)


class _Waiting:
    """The alarms of those who wait for an event."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._set = False
        self._alarms: set[Alarm] = set()

    def set(self) -> None:
        with self._clock.changed:
            self._set = True
            for alarm in self._alarms:
                # At once: the clock must not move before they go on.
                self._clock.end(alarm)
                alarm.ring()

    @contextmanager
    def _alarm(
        self, seconds: float, ring: Callable[[], None], waker: Waker
    ) -> Generator[Alarm]:
        clock, work = self._clock, _present.get()
        with clock.alarm(seconds, ring, waker, work) as alarm:
            with self._clock.changed:
                self._alarms.add(alarm)
                if self._set:
                    ring()
            try:
                yield alarm
            finally:
                with self._clock.changed:
                    self._alarms.remove(alarm)


class _ThreadEvent(_Waiting):
    async def wait(self, seconds: float) -> bool:
        waker, changed = _Thread(), self._clock.changed
        with self._alarm(seconds, waker.ring, waker), changed:
            while not waker.rung:
                if not self._clock.advance(waker, idle=True):
                    changed.wait(_LOOK_AGAIN)
        return self._set


class _Thread(Waker):
    """A thread that waits; it looks by itself."""

    rung = False

    def ring(self) -> None:
        self.rung = True

    def look(self) -> None:
        """Do nothing."""


class InThread(_OnClock):
    """What `Sesamy` waits by."""

    def event(self) -> Event:
        return _ThreadEvent(self._clock)

    def bound(self, deadline: float) -> AbstractContextManager[object, bool]:
        del deadline  # The transport bounds each network operation.
        working: Any = self._clock.working()
        return cast("AbstractContextManager[object, bool]", working)


class _LoopEvent(_Waiting):
    async def wait(self, seconds: float) -> bool:
        rung = anyio.Event()
        with self._alarm(seconds, rung.set, _present_loop(self._clock)):
            await rung.wait()
        return self._set


class InLoop(_OnClock):
    """What `AsyncSesamy` waits by."""

    def event(self) -> Event:
        return _LoopEvent(self._clock)

    def bound(self, deadline: float) -> AbstractContextManager[object, bool]:
        bound: Any = self._bound(deadline - self.now())
        return cast("AbstractContextManager[object, bool]", bound)

    @contextmanager
    def _bound(self, seconds: float) -> Generator[None]:
        loop = _present_loop(self._clock)
        with self._clock.working(), anyio.CancelScope() as scope:
            if seconds <= 0:
                scope.cancel()
            with self._clock.alarm(seconds, scope.cancel, loop):
                yield


def _present_loop(clock: Clock) -> Waker:
    """Return the waker of the running loop."""
    token: Any = anyio.lowlevel.current_token()
    loop = getattr(token, "native_token", token)
    waker = clock.loops.get(loop)
    if waker is None:
        kind = _Asyncio if hasattr(loop, "call_soon") else _Trio
        waker = clock.loops[loop] = kind(clock, loop)
    return waker


class _Loop(Waker):
    """An event loop, in which somebody looks as long as there are alarms."""

    def __init__(self, clock: Clock, loop: Any) -> None:
        super().__init__()
        self._clock = clock
        self._loop = loop
        self._looks = False

    def look(self) -> None:
        with self._clock.changed:
            begins, self._looks = not self._looks, True
        if begins:
            with suppress(RuntimeError):  # The loop has ended.
                self._begin()

    @abstractmethod
    def _begin(self) -> None:
        """Let somebody look, in the loop."""

    def _ends(self) -> bool:
        """Whether there is nothing to look for any more."""
        with self._clock.changed:
            self._looks = self._clock.first(self) is not None
            return not self._looks


class _Asyncio(_Loop):
    """A loop of asyncio, in which a callback looks at the tasks."""

    _cycles = 0

    def _begin(self) -> None:
        self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        if self._ends():
            return
        # Twice: meanwhile a task may have been woken.
        still = self._cycles not in {0, _CYCLES} or self._all_wait()
        self._cycles = self._cycles + 1 if still else 0
        idle = self._cycles > _CYCLES
        if idle:
            self._cycles = 0
        if self._clock.advance(self, idle=idle) or not idle:
            self._loop.call_soon(self._look)
        else:
            self._loop.call_later(_LOOK_AGAIN, self._look)

    def _all_wait(self) -> bool:
        """Whether no task can go on (as `anyio` finds it out, too)."""
        waiters = (
            getattr(task, "_fut_waiter", None)
            for task in asyncio.all_tasks(self._loop)
        )
        return all(each and not each.done() for each in waiters)


class _Trio(_Loop):
    """A run of trio, in which a system task waits for the tasks."""

    def __init__(self, clock: Clock, loop: Any) -> None:
        super().__init__(clock, loop)
        self._trio: Any = import_module("trio")
        self._testing: Any = import_module("trio.testing")

    def _begin(self) -> None:
        spawn = self._trio.lowlevel.spawn_system_task
        self._loop.run_sync_soon(spawn, self._watch)

    async def _watch(self) -> None:
        while not self._ends():
            with self._trio.move_on_after(_SPINS) as spinning:
                await self._testing.wait_all_tasks_blocked()
            idle = not spinning.cancelled_caught
            if not self._clock.advance(self, idle=idle):
                await self._trio.sleep(_LOOK_AGAIN)


class Time:
    """A clock that stands still while code runs, and moves if clients wait.

    When all tasks and threads that call Sesamy wait, the clock moves to the
    moment at which the first of them continues.  So they continue in the
    same order as in real time, and rates, deadlines and claims of stores
    have the same effect.

    If a call waits for something else, such as a database, a server or your
    own `asyncio.Event`, the clock waits for it as long as `patience` says.
    Then the clock moves without it, finally to its deadline.

    A time can be used by any number of threads and event loops.

    Args:
        start: Unix seconds; by default, the present time.
    """

    def __init__(self, start: float | None = None) -> None:
        self._clock = Clock(time.time() if start is None else start)

    def __repr__(self) -> str:
        return f"Time(elapsed={self.elapsed:g})"

    @property
    def waits(self) -> list[float]:
        """The seconds of each wait of a client, in the order they began.

        Clients wait between two attempts, for the permitted rate, and for
        another call with the same order.  The list does not contain late
        responses and waits for a token or a connection.
        """
        return self._clock.waits

    @property
    def elapsed(self) -> float:
        """Seconds that have passed on this clock."""
        return self._clock.elapsed

    @property
    def patience(self) -> float:
        """Real seconds for which a call may wait for something else.

        The clock stands still during that time.  The default is 1.0.
        """
        return self._clock.patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self._clock.patience = seconds

    def time(self) -> float:
        """Return Unix seconds, as ``time.time()`` does."""
        return self._clock.wall()

    def move(self, seconds: float) -> None:
        """Let time pass, for example until a token has expired.

        Args:
            seconds: 0 or more.

        Raises:
            ValueError: It is negative, or not finite.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError("seconds must be 0 or more, and finite.")
        self._clock.move(seconds)


@contextmanager
def use_runtime(time: Time | None = None) -> Generator[Time]:
    """Let the waits of clients pass at once, on a clock that they move.

    It affects everything that is created in the block, in any thread or
    event loop: `AsyncSesamy`, `Sesamy`, their copies and stores, imports,
    and a `Sandbox` with its transports.  What was created before keeps the
    real time, and so does all other code: ``time.time()`` and
    ``asyncio.sleep()`` are not changed.

    Args:
        time: The time to use; by default, a new one.
    """
    used = Time() if time is None else time
    clock = used._clock  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    def wrapped(real: Runtime) -> Runtime:
        kind = InThread if isinstance(real, BlockingRuntime) else InLoop
        return kind(real, clock)

    with replaced(wrapped):
        yield used
