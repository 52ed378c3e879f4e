"""What clients wait by, in a thread and in an event loop, on such a clock."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Generator, Hashable
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib import import_module
from typing import Any, TypeVar, cast

import anyio
import anyio.lowlevel
import attrs

from sesamy_async._call import Event, Job, Runtime

from ._clock import Alarm, Clock, Place


_T = TypeVar("_T")

_BEGIN = 1000.0
_LOOK_AGAIN = 0.002
# Futures wake each other, as with `asyncio.gather`, before one wakes a task.
_CYCLES = 5
_SPINS = 0.1  # A task that never waits: others are woken all the same.


@attrs.frozen(eq=False, repr=False)
class _OnClock(Runtime):
    """A runtime with another time.

    Args:
        real: What the client would have otherwise.
        clock: The clock.
        wall: Returns Unix seconds.
    """

    _real: Runtime
    _clock: Clock
    _wall: Callable[[], float]

    def now(self) -> float:
        return _BEGIN + self._clock.elapsed

    def wall(self) -> float:
        return self._wall()

    async def sleep(self, seconds: float) -> None:
        self._clock.waits.append(seconds)
        await self.event().wait(seconds)

    @abstractmethod
    def event(self) -> Event:
        """Make an event."""
        ...

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
        self, seconds: float, ring: Callable[[], None], place: Place
    ) -> Generator[Alarm]:
        with self._clock.waiting(seconds, ring, place) as alarm:
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
        place, changed = _Thread(), self._clock.changed
        with self._alarm(seconds, place.ring, place), changed:
            while not place.rung:
                if not self._clock.advance(place, idle=True):
                    changed.wait(_LOOK_AGAIN)
        return self._set


class _Thread(Place):
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


def _present_loop(clock: Clock) -> Place:
    """Return the place of the running loop."""
    token: Any = anyio.lowlevel.current_token()
    loop = getattr(token, "native_token", token)
    place = clock.loops.get(loop)
    if place is None:
        kind = _Asyncio if hasattr(loop, "call_soon") else _Trio
        place = clock.loops[loop] = kind(clock, loop)
    return place


class _Loop(Place):
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
        ...

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
