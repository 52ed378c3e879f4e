"""Event loops whose time runs as fast as nothing is left to be done."""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
import trio
import trio.testing

from sesamy_async._call import BlockingRuntime, Runtime


_T = TypeVar("_T")
_START = 1000.0


class _Skipping(selectors.DefaultSelector):
    """Moves the time instead of waiting: nothing comes from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.time = _START

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready now."""
        self.time += timeout or 0.0
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop of asyncio with that time."""

    def __init__(self) -> None:
        self.skipping = _Skipping()
        super().__init__(self.skipping)

    def time(self) -> float:
        """Return the virtual time."""
        return self.skipping.time


def run(
    backend: str, main: Callable[[Callable[[], float]], Awaitable[_T]]
) -> _T:
    """Run `main`, which is given the clock, in virtual time.

    The clients in it live in that time, too.
    """
    if backend == "trio":

        async def on_trio() -> Any:
            return await _timed(trio.current_time, main)

        clock = trio.testing.MockClock(autojump_threshold=0)
        result: _T = trio.run(on_trio, clock=clock)
        return result
    loop = _Loop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:

        async def on_asyncio() -> _T:
            return await _timed(loop.time, main)

        return runner.run(on_asyncio())


async def _timed(
    now: Callable[[], float],
    main: Callable[[Callable[[], float]], Awaitable[_T]],
) -> _T:
    with _clock(now):
        return await main(now)


def blocking(patch: pytest.MonkeyPatch) -> list[float]:
    """Let blocking clients live in virtual time, which begins at 0.

    Returns:
        How long they have slept each time.
    """
    slept: list[float] = []

    async def sleep(_: object, seconds: float) -> None:
        slept.append(seconds)

    patch.setattr(Runtime, "now", lambda _: math.fsum(slept))
    patch.setattr(BlockingRuntime, "sleep", sleep)
    return slept


@contextmanager
def _clock(now: Callable[[], float]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Runtime, "now", lambda _: now())
        yield
