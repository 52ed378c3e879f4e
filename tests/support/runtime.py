"""A runtime whose time is moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import anyio
import attrs

from sesamy_async._call import Job
from sesamy_async._call.runtime import EndedJob


_T = TypeVar("_T")


@attrs.define
class FakeEvent:
    """An event on the running loop; waiting costs virtual time only."""

    runtime: FakeRuntime
    event: anyio.Event = attrs.field(factory=anyio.Event)

    def set(self) -> None:
        """Let it happen."""
        self.event.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for it; the other tasks of the test must make it happen."""
        del seconds
        await self.event.wait()
        return True


@attrs.define
class FakeRuntime:
    """Time stands still but for `sleep`, which moves it at once."""

    time: float = 1000.0
    unix: float = 1_800_000_000.0
    chance: float = 0.5
    slept: list[float] = attrs.field(factory=list)

    def now(self) -> float:
        """Return the virtual time."""
        return self.time

    def wall(self) -> float:
        """Return the virtual Unix time, moving with `now`."""
        return self.unix + self.time - 1000.0

    def random(self) -> float:
        """Return the number that was set."""
        return self.chance

    async def sleep(self, seconds: float) -> None:
        """Move the time."""
        self.slept.append(seconds)
        self.time += seconds
        await anyio.lowlevel.checkpoint()

    def event(self) -> FakeEvent:
        """Make a real event."""
        return FakeEvent(self)

    def scope(self) -> Hashable:
        """Everything is one scope."""
        return "fake"

    def alive(self, scope: Hashable) -> bool:
        """The one scope is."""
        return scope == "fake"

    def bound(self, deadline: float) -> AbstractContextManager[object, bool]:
        """Bound nothing."""
        del deadline
        return anyio.CancelScope()

    def start(self, function: Callable[[], _T]) -> Job[_T]:
        """Run it at once."""
        return EndedJob.run(function)

    @contextmanager
    def shield(self, seconds: float = 1.0) -> Iterator[object]:
        """Shield as the real one does."""
        del seconds
        with anyio.CancelScope(shield=True) as scope:
            yield scope
