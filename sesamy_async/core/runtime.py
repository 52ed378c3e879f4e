"""What the core needs of the world: time, chance, waiting."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import AbstractContextManager
from typing import Protocol


class Event(Protocol):
    """Something that happens once and wakes all who wait for it."""

    def set(self) -> None:
        """Let it happen."""
        ...

    async def wait(self, seconds: float) -> bool:
        """Wait at most so long; return whether it happened."""
        ...


class Runtime(Protocol):
    """The world as the core sees it: one for anyio, one that blocks."""

    def now(self) -> float:
        """Return seconds on a monotonic clock."""
        ...

    def wall(self) -> float:
        """Return Unix seconds: only to read the times of others."""
        ...

    def random(self) -> float:
        """Return a number, 0 <= x < 1."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def event(self) -> Event:
        """Make an event for the present scope."""
        ...

    def scope(self) -> Hashable:
        """Name where connections and events may be shared.

        A process for the blocking client; a process and an event loop for
        the async one.
        """
        ...

    def alive(self, scope: Hashable) -> bool:
        """Say whether that scope can still be used from this process."""
        ...

    def bound(self, deadline: float) -> AbstractContextManager[object, bool]:
        """Leave the block at the deadline, where that is possible.

        Whoever runs on after the block was cut short.  Where it isn't
        possible (blocking), the transport bounds each operation.
        """
        ...

    def shield(self) -> AbstractContextManager[object]:
        """Keep the block from being cancelled: for short clean-ups."""
        ...
