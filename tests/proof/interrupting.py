"""Interrupt a blocking call at the n-th moment at which it waits."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import attrs

from .stepping import Cut


WAITING = frozenset(
    {
        "epoll.poll",
        "getaddrinfo",
        "sleep",
        "socket.connect",
        "socket.recv",
        "socket.send",
        "socket.sendall",
    }
)
"""The functions of C in which the blocking client can wait.

And `lock.acquire`, but only where an event is waited for: elsewhere locks
are held for some instructions.
"""


@attrs.define
class Interrupter:
    """Interrupts as Ctrl-C does: before a wait has ended, or just after.

    Python raises it out of a function that waits, or when that has
    returned, before anything is done with what it returned.

    Attributes:
        moments: How many there were.
    """

    _at: int
    moments: int = attrs.field(default=0, init=False)

    def __call__(self, frame: FrameType, event: str, what: Any) -> None:
        """See a call of a function; this is a profiler of Python's."""
        if event not in {"c_call", "c_return"} or not _waits(frame, what):
            return
        self.moments += 1
        if self.moments == self._at:
            # It also ends the profiling.
            raise KeyboardInterrupt


def _waits(frame: FrameType, what: Any) -> bool:
    name: str = what.__qualname__
    for_event = frame.f_code is threading.Condition.wait.__code__
    return name in WAITING or (for_event and name == "lock.acquire")


def interrupted(operation: Callable[[], Any], at: int) -> Cut:
    """Do it, but interrupt it at the n-th moment at which it waits."""
    interrupter = Interrupter(at)
    sys.setprofile(interrupter)
    try:
        value = operation()
    except BaseException as error:  # noqa: BLE001 - returned
        return Cut(interrupter.moments >= at, error=error)
    finally:
        sys.setprofile(None)
    return Cut(interrupter.moments >= at, value)
