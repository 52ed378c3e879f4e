"""The world of `Sesamy`: every wait blocks the thread, none suspends."""

from __future__ import annotations

import os
import time
from collections.abc import Hashable
from contextlib import AbstractContextManager, nullcontext
from threading import TIMEOUT_MAX
from threading import Event as ThreadEvent
from typing import cast

import attrs

from .clock import Clock


@attrs.frozen(eq=False, repr=False)
class BlockingEvent:
    """An event between threads."""

    _event: ThreadEvent = attrs.field(factory=ThreadEvent)

    def set(self) -> None:
        """Let it happen."""
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        """Block at most so long; return whether it happened."""
        return self._event.wait(min(seconds, TIMEOUT_MAX))


@attrs.frozen(eq=False, repr=False)
class BlockingRuntime(Clock):
    """Waits by blocking the thread."""

    async def sleep(self, seconds: float) -> None:
        """Block."""
        time.sleep(seconds)  # noqa: ASYNC251 - no event loop runs this

    def event(self) -> BlockingEvent:
        """Make an event between threads."""
        return BlockingEvent()

    def scope(self) -> Hashable:
        """Name this process: after a fork, connections are made anew."""
        return os.getpid()

    def alive(self, scope: Hashable) -> bool:
        """Say whether that is this process."""
        return scope == os.getpid()

    def bound(self, deadline: float) -> AbstractContextManager[object, bool]:
        """Do nothing: the transport bounds each network operation."""
        del deadline
        return cast("AbstractContextManager[object, bool]", nullcontext())

    def shield(self) -> AbstractContextManager[object]:
        """Do nothing: nothing is cancelled from outside."""
        return nullcontext()
