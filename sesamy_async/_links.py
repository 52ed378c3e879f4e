"""Connections to servers of the user's, and how long they may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from selectors import EVENT_READ, DefaultSelector
from threading import BoundedSemaphore, Thread
from typing import Generic, Protocol, TypeAlias, TypeVar

from .errors import SesamyError


_SIZE = 4
# Firewalls and balancers forget silent connections after minutes, without
# telling either end.
_IDLE = 60.0
# More than that does not fit into what systems take.
_LONGEST = 86_400.0

_T = TypeVar("_T")

LOST = (
    "the connection failed. Check that it is running and can be reached from "
    "here; then try again"
)
"""Why a server can't be used that is not there, or not any more."""


def unexplained(error: Exception, code: str = "") -> str:
    """Say what else a driver raised; its texts hold hosts and users."""
    name = f"{type(error).__name__} {code}".rstrip()
    return f"it refused this ({name}). Check its user, rights and settings"


class TooLate(Exception):  # noqa: N818 - ends a block
    """There is no time left."""


def left(until: float) -> float:
    """Return the seconds that are left; at least a little."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TooLate
    return min(seconds, _LONGEST)


def has_input(descriptor: int) -> bool:
    """Whether something waits at a socket, such as its end."""
    with DefaultSelector() as selector:
        selector.register(descriptor, EVENT_READ)
        return bool(selector.select(0))


class Link(Protocol):
    """A connection; `until` is when its present use must have ended."""

    until: float

    def alive(self) -> bool: ...  # As far as that is known.

    def close(self) -> None: ...


LinkT = TypeVar("LinkT", bound=Link)

Explained: TypeAlias = tuple[str, bool]
"""Why a server can't be used and what to do, and whether that may pass."""


class Fail(Protocol):
    """Returns the error of a server; `what` is as in `Explained`."""

    def __call__(self, what: str, *, retryable: bool = False) -> SesamyError:
        """Return it."""
        ...


class LinkPool(Generic[LinkT]):
    """A few connections, which threads share; outlives its owner.

    `explain` says what an exception of the driver means.  Those hold hosts
    and users, so none of them gets out of here.
    """

    def __init__(
        self,
        fail: Fail,
        connect: Callable[[float], LinkT],
        explain: Callable[[Exception], Explained],
    ) -> None:
        self._fail = fail
        self._connect = connect
        self._explain = explain
        self.after_fork()

    def after_fork(self) -> None:
        """Leave all connections to the parent."""
        # The drivers don't say goodbye on a connection of another process.
        self._places = BoundedSemaphore(_SIZE)
        self._idle: list[tuple[float, LinkT]] = []

    def ask(self, until: float, do: Callable[[LinkT], _T]) -> _T:
        """Do something with a connection, or raise an error by `fail`."""
        places, problem = self._places, None
        seconds = min(max(0.0, until - time.monotonic()), _LONGEST)
        if not places.acquire(timeout=seconds):
            raise self._late()
        try:
            return self._ask(until, do)
        except SesamyError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever drivers raise
            problem = self._problem(error)
        finally:
            places.release()
        # Out here, so that it has no context.
        raise problem

    def close(self) -> None:
        """Close those that nobody uses now."""
        while last := self._last():
            last[1].close()

    def _ask(self, until: float, do: Callable[[LinkT], _T]) -> _T:
        idle, link = self._idle, self._take() or self._new(until)
        link.until = until
        try:
            result = do(link)
        except BaseException:
            # It may be in the middle of anything.
            link.close()
            raise
        idle.append((time.monotonic(), link))
        return result

    def _take(self) -> LinkT | None:
        while last := self._last():
            since, link = last
            if time.monotonic() - since < _IDLE and link.alive():
                return link
            link.close()
        return None

    def _last(self) -> tuple[float, LinkT] | None:
        # Another thread may take it first.
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _new(self, until: float) -> LinkT:
        """Connect in a thread, as nothing else bounds a look-up of a host.

        One that comes too late closes itself when nobody holds it.
        """
        results: SimpleQueue[LinkT | SesamyError] = SimpleQueue()
        seconds = left(until)
        Thread(
            target=self._connect_into, args=(results, seconds), daemon=True
        ).start()
        try:
            result = results.get(timeout=seconds)
        except Empty:
            raise TooLate from None
        if isinstance(result, SesamyError):
            raise result
        return result

    def _connect_into(
        self, results: SimpleQueue[LinkT | SesamyError], seconds: float
    ) -> None:
        try:
            results.put(self._connect(seconds))
        except SesamyError as error:
            results.put(error.with_traceback(None))
        except Exception as error:  # noqa: BLE001 - whatever drivers raise
            results.put(self._problem(error))

    def _problem(self, error: Exception) -> SesamyError:
        if isinstance(error, TooLate):
            return self._late()
        what, passes = self._explain(error)
        return self._fail(what, retryable=passes)

    def _late(self) -> SesamyError:
        return self._fail(
            "it did not respond in time. Try again; if this persists, check "
            "that it is running, can be reached from here, and is not "
            "overloaded",
            retryable=True,
        )
