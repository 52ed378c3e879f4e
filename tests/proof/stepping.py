"""Cancel a coroutine at the n-th await at which it really waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any

import anyio
import attrs


@attrs.define
class Stepped:
    """Passes on what a coroutine yields to its event loop, and counts it.

    Attributes:
        waits: How often it has waited.
    """

    _coroutine: Coroutine[Any, Any, Any]
    _at: int
    _cancel: Callable[[], object]
    waits: int = attrs.field(default=0, init=False)

    def __await__(self) -> Generator[Any, Any, Any]:
        step = partial(self._coroutine.send, None)
        while True:
            try:
                trap = step()
            except StopIteration as end:
                return end.value
            self.waits += 1
            if self.waits == self._at:
                # Delivered by the loop as soon as it sees the trap.
                self._cancel()
            try:
                step = partial(self._coroutine.send, (yield trap))
            except BaseException as error:  # noqa: BLE001 - passed on
                step = partial(self._coroutine.throw, error)


@attrs.frozen
class Cut:
    """How a coroutine ended that was cancelled, or was done before.

    Attributes:
        waited: Whether it came as far as the wait at which to cancel.
        value: What it returned.
        error: Or what it raised.
    """

    waited: bool
    value: Any = None
    error: BaseException | None = None


async def cut(coroutine: Coroutine[Any, Any, Any], at: int) -> Cut:
    """Await it, but cancel it at its n-th wait, as its event loop does."""
    task = _asyncio_task()
    if task is not None:
        ended = await _ended(Stepped(coroutine, at, task.cancel), at)
        while task.cancelling():
            task.uncancel()
        return ended
    scope = anyio.CancelScope()
    stepped = Stepped(coroutine, at, scope.cancel)
    with scope:
        ended = await _ended(stepped, at)
    return ended  # noqa: RET504 - a scope may swallow, says mypy


async def _ended(stepped: Stepped, at: int) -> Cut:
    try:
        value = await stepped
    except BaseException as error:  # noqa: BLE001 - returned
        return Cut(stepped.waits >= at, error=error)
    return Cut(stepped.waits >= at, value)


def _asyncio_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
