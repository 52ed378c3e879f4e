"""A clock that moves when all that could go on waits for it."""

from __future__ import annotations

import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Hashable
from contextlib import contextmanager
from contextvars import ContextVar
from heapq import heappop, heappush

import attrs


class Place(ABC):
    """An event loop, or a thread that waits; wakes what waits there."""

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []

    @abstractmethod
    def look(self) -> None:
        """Look soon whether something can be woken."""
        ...


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
    def waiting(
        self, seconds: float, ring: Callable[[], None], place: Place
    ) -> Generator[Alarm]:
        """Let the clock move in the block; it rings after some time.

        Args:
            seconds: How long; ``math.inf`` for never.
            ring: Wakes what waits in the block.
            place: Where `ring` is called.
        """
        with self.alarm(seconds, ring, place, _present.get()) as alarm:
            yield alarm

    @contextmanager
    def alarm(
        self,
        seconds: float,
        ring: Callable[[], None],
        place: Place,
        work: Work | None = None,
    ) -> Generator[Alarm]:
        """Ring after some time, if the block has not been left by then."""
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
