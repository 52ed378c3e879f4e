"""Time, waiting and forks, and how blocking clients run coroutines."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Coroutine, Generator, Hashable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import TIMEOUT_MAX
from threading import Event as ThreadEvent
from types import CoroutineType, FrameType
from typing import Any, Generic, Protocol, TypeVar, cast
from weakref import WeakSet

import attrs

from sesamy_async._outcome import Outcome
from sesamy_async.errors import ConfigurationError


_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)

_OURS = "sesamy_async"
_PATIENCE = 100


class Job(Protocol[_T_co]):
    """A function that runs where it blocks nobody; it can't be cancelled."""

    async def result(self, seconds: float) -> _T_co:
        """Return or raise what the function did; wait at most so long.

        Raises:
            TimeoutError: It still runs, and is not stopped.
        """
        ...


@attrs.frozen(eq=False, repr=False)
class EndedJob(Generic[_T]):
    """A function that has run."""

    _value: _T | None
    _error: Exception | None

    @classmethod
    def run(cls, function: Callable[[], _T]) -> EndedJob[_T]:
        """Run the function now."""
        try:
            return cls(function(), None)
        except Exception as error:  # noqa: BLE001 - for `result`
            return cls(None, error)

    async def result(self, seconds: float) -> _T:
        del seconds
        if self._error is not None:
            raise self._error
        return cast("_T", self._value)


class Event(Protocol):
    """Happens once, and wakes all who wait for it."""

    def set(self) -> None:
        """Let it happen."""
        ...

    async def wait(self, seconds: float) -> bool:
        """Wait at most so long; return whether it happened."""
        ...


class Runtime(Protocol):
    """Time and waiting, as the core sees them."""

    __slots__ = ()

    def now(self) -> float:
        """Return seconds on a monotonic clock, the same in all loops."""
        return time.monotonic()

    def wall(self) -> float:
        """Return Unix seconds, to compare with times of others."""
        return time.time()

    def random(self) -> float:
        """Return a number, 0 <= x < 1."""
        return random.random()  # noqa: S311 - jitter is no secret

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def event(self) -> Event:
        """Make an event for the present scope."""
        ...

    def scope(self) -> Hashable:
        """Identify the process, or the loop in it, that shares connections."""
        ...

    def alive(self, scope: Hashable) -> bool:
        """Return whether that scope can still be used from this process."""
        ...

    def bound(self, deadline: float) -> AbstractContextManager[object, bool]:
        """Cancel the block at the deadline, and continue after it."""
        ...

    def shield(self, seconds: float = 1.0) -> AbstractContextManager[object]:
        """Keep a short clean-up from being cancelled."""
        ...

    def start(self, function: Callable[[], _T]) -> Job[_T]:
        """Begin a function that blocks; it has begun when this returns."""
        return EndedJob[_T].run(function)


class Renewable(Protocol):
    """Has a lock that another thread may hold when the process forks."""

    def after_fork(self) -> None:
        """Begin anew, in a child."""
        ...


_everything: WeakSet[Renewable] = WeakSet()


def renewed_after_fork(thing: Renewable) -> None:
    """Call ``thing.after_fork()`` in each child, as long as it lives."""
    _everything.add(thing)


def _renew() -> None:
    for thing in list(_everything):
        thing.after_fork()


# Windows has no fork, hence no hook for it.
if sys.platform != "win32":  # pragma: no branch
    os.register_at_fork(after_in_child=_renew)


@attrs.frozen(eq=False, repr=False)
class BlockingEvent:
    """An event between threads."""

    _event: ThreadEvent = attrs.field(factory=ThreadEvent)

    def set(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        return self._event.wait(min(seconds, TIMEOUT_MAX))


@attrs.frozen(eq=False, repr=False)
class BlockingRuntime(Runtime):
    """Waits by blocking the thread."""

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - no event loop runs this

    def event(self) -> BlockingEvent:
        return BlockingEvent()

    def scope(self) -> Hashable:
        return os.getpid()  # After a fork, connections are made anew.

    def alive(self, scope: Hashable) -> bool:
        return scope == os.getpid()

    def bound(self, deadline: float) -> AbstractContextManager[object, bool]:
        del deadline  # The transport bounds each network operation.
        return cast("AbstractContextManager[object, bool]", nullcontext())

    def shield(self, seconds: float = 1.0) -> AbstractContextManager[object]:
        del seconds
        return nullcontext()  # Nothing is cancelled from outside.


def drive(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine that never suspends, without an event loop.

    Raises:
        ConfigurationError: It suspended: a middleware or auth of the caller's
            needs an event loop.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return] # typeshed: Any
    culprit = _culprit(coroutine)
    error = ConfigurationError(
        f"{culprit} waits for an event loop, which the blocking client "
        "does not have. Change it so that it does not suspend, or use "
        "AsyncSesamy."
    )
    for _ in range(_PATIENCE):
        try:
            coroutine.throw(error)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return] # typeshed: Any
    # It swallows each error and waits again, so what it did is unknown.
    coroutine.close()
    error.outcome = Outcome.UNKNOWN
    raise error


def _culprit(coroutine: object) -> str:
    """Name the first foreign coroutine in the chain that suspended."""
    while isinstance(coroutine, CoroutineType):
        # What waits has one.
        frame = cast("FrameType", coroutine.cr_frame)
        module = frame.f_globals.get("__name__", "")
        if module.split(".")[0] != _OURS:
            return f"{module}.{coroutine.cr_code.co_qualname}"
        coroutine = coroutine.cr_await
    return f"An awaitable of type {type(coroutine).__name__}"


_wrappers: list[Callable[[Runtime], Runtime]] = []


def present(runtime: Runtime) -> Runtime:
    """Return the runtime for something new: this one, unless it is replaced.

    Clients, imports, sandboxes and stores ask when they are created.
    """
    return _wrappers[-1](runtime) if _wrappers else runtime


def wall_clock() -> Callable[[], float]:
    """Return the Unix time for something new."""
    return present(BlockingRuntime()).wall


@contextmanager
def replaced(
    wrapper: Callable[[Runtime], Runtime],
) -> Generator[None]:
    """Replace the runtime of all that is created in the block.

    Args:
        wrapper: Takes the real runtime, and returns the one to use.
    """
    _wrappers.append(wrapper)
    try:
        yield
    finally:
        _wrappers.remove(wrapper)
