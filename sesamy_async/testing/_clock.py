"""A clock that moves when all that could go on waits for it.

And what clients wait by on that clock, in threads and in event loops.
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

from sesamy_async._call import Event, Job, Runtime


_T = TypeVar("_T")

_BEGIN = 1000.0
_LOOK_AGAIN = 0.002
# Futures wake each other, as with `asyncio.gather`, before one wakes a task.
_CYCLES = 5
_SPINS = 0.1  # A task that never waits: others are woken all the same.


class Place(ABC):
    """An event loop, or a thread that waits; wakes what waits there."""

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []

    @abstractmethod
    def look(self) -> None:
        """Look soon whether something can be woken."""


@attrs.define(eq=False)
class Alarm:
    """What is to be woken, and when.

    Attributes:
        due: When, in seconds on the clock.
        number: Of alarms with the same time, the first one rings first.
        ring: Wakes it; called in its place.
        work: The call that waits for it, if any.
        ended: Whether it has rung, or is not needed any more.
    """

    due: float
    number: int
    ring: Callable[[], None]
    work: Work | None
    ended: bool = False

    def __lt__(self, other: Alarm) -> bool:
        return (self.due, self.number) < (other.due, other.number)


@attrs.define(eq=False)
class Work:
    """A call of a client.

    Attributes:
        waits: How many of its tasks wait for the clock.
        ended: Whether it is over; tasks that it began may outlive it.
    """

    waits: int = 0
    ended: bool = False


_present: ContextVar[Work | None] = ContextVar("sesamy_work", default=None)


class Clock:
    """A clock that moves when all that could go on waits for it.

    Attributes:
        waits: What clients waited.
        patience: Real seconds for which it stands still though nothing
            seems to go on, because a call does not wait for it.
        elapsed: Its time.
        loops: The places of event loops.
        changed: Held for each change, and notified of it.
    """

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.patience = 1.0
        self.elapsed = 0.0
        self.loops: dict[Hashable, Place] = {}
        # Everything here changes under it only.  It is re-entrant.
        self.changed = threading.Condition()
        self._changed_at = time.monotonic()
        self._places: set[Place] = set()
        self._number = 0
        self._busy = 0

    def move(self, seconds: float) -> None:
        """Let time pass."""
        with self.changed:
            self.elapsed += seconds
            self._note()
            places = [*self._places]
        for place in places:
            place.look()

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
        place: Place,
        work: Work | None = None,
    ) -> Generator[Alarm]:
        """Ring after some time, if the block has not been left by then.

        Args:
            seconds: How long; ``math.inf`` for never.
            ring: Wakes what waits in the block; called in its place.
            place: Where that is.
            work: The call that waits in the block, so the clock may move.
        """
        with self.changed:
            self._number += 1
            due = self.elapsed + max(0.0, seconds)
            alarm = Alarm(due, self._number, ring, work)
            self._wait(work, 1)
            if due < math.inf:
                heappush(place.alarms, alarm)
                self._places.add(place)
        try:
            place.look()
            yield alarm
        finally:
            with self.changed:
                self.end(alarm)
                if self.first(place) is None:
                    self._places.discard(place)

    def end(self, alarm: Alarm) -> None:
        """Let an alarm not ring any more: its call goes on."""
        with self.changed:
            if not alarm.ended:
                alarm.ended = True
                self._wait(alarm.work, -1)

    def first(self, place: Place) -> Alarm | None:
        """Return the next alarm of a place."""
        with self.changed:
            alarms = place.alarms
            while alarms and alarms[0].ended:
                heappop(alarms)
            return alarms[0] if alarms else None

    def advance(self, place: Place, *, idle: bool) -> bool:
        """Wake what is due at a place, and move the clock if it may move.

        Args:
            place: The caller's.
            idle: Whether nothing goes on there.

        Returns:
            Whether something was woken.
        """
        with self.changed:
            alarm = self.first(place)
            if alarm is None:
                return False
            if alarm.due > self.elapsed:
                others = filter(None, map(self.first, self._places))
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
        clock, work = self._clock, _present.get()
        with clock.alarm(seconds, ring, place, work) as alarm:
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
