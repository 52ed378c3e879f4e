"""Time, waiting and threads of `AsyncSesamy`: asyncio or trio."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from importlib import import_module
from typing import Any, Generic, TypeVar, cast

import anyio
import anyio.lowlevel
import attrs

from .runtime import EndedJob, Job, Runtime, renewed_after_fork


_T = TypeVar("_T")


@attrs.frozen(eq=False, repr=False)
class AnyioEvent:
    """An event of the running loop."""

    _event: anyio.Event = attrs.field(factory=anyio.Event)

    def set(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        with anyio.move_on_after(seconds):
            await self._event.wait()
        return self._event.is_set()


_THREADS = 16


class Threads:
    """Threads for what blocks, created when they are needed.

    Those of ``anyio.to_thread`` may all wait for something else, and a
    cancelled task can't begin anything there.
    """

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        renewed_after_fork(self)

    def after_fork(self) -> None:
        self._pool = None

    def submit(self, function: Callable[[], _T]) -> Future[_T]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS, "sesamy-store")
        return self._pool.submit(function)


@attrs.frozen(eq=False, repr=False)
class ThreadJob(Generic[_T]):
    _future: Future[_T]

    async def result(self, seconds: float) -> _T:
        if not self._future.done():
            ended = anyio.Event()
            loop = _native(anyio.lowlevel.current_token())
            self._future.add_done_callback(
                lambda _: _call_soon(loop, ended.set)
            )
            with anyio.move_on_after(seconds):
                await ended.wait()
            if not self._future.done():
                raise TimeoutError
        return self._future.result()


def _native(token: Any) -> Any:
    """Return asyncio's loop, or trio's token, of an anyio token."""
    return getattr(token, "native_token", token)


def _call_soon(loop: Any, function: Callable[[], None]) -> None:
    """Call a function in an event loop, unless that is over."""
    soon = getattr(loop, "call_soon_threadsafe", None) or loop.run_sync_soon
    with suppress(RuntimeError):
        soon(function)


@attrs.frozen(eq=False, repr=False)
class AnyioRuntime(Runtime):
    """Waits without blocking the event loop."""

    _threads: Threads = attrs.field(factory=Threads)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    def event(self) -> AnyioEvent:
        return AnyioEvent()

    def scope(self) -> Hashable:
        return os.getpid(), anyio.lowlevel.current_token()

    def alive(self, scope: Hashable) -> bool:
        pid, token = cast("tuple[int, Any]", scope)
        return pid == os.getpid() and not _is_closed(_native(token))

    def bound(self, deadline: float) -> AbstractContextManager[object, bool]:
        return anyio.move_on_after(deadline - self.now())

    def shield(self, seconds: float = 1.0) -> AbstractContextManager[object]:
        return anyio.move_on_after(seconds, shield=True)

    def start(self, function: Callable[[], _T]) -> Job[_T]:
        try:
            return ThreadJob(self._threads.submit(function))
        except RuntimeError as error:  # The interpreter is about to exit.
            return EndedJob[_T](None, error)


def load_backends() -> None:
    """Import what anyio would import at its first use in an event loop."""
    try:
        anyio.lowlevel.current_token()
    except RuntimeError:
        import_module("anyio._backends._asyncio")
        if "trio" in sys.modules:
            import_module("anyio._backends._trio")


def _is_closed(loop: Any) -> bool:
    """Whether an asyncio loop, or the run of a trio token, is over."""
    if hasattr(loop, "is_closed"):
        return bool(loop.is_closed())
    try:
        loop.run_sync_soon(object)  # Does nothing, unless it is refused.
    except RuntimeError:
        return True
    return False
