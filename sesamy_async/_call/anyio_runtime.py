"""The world of `AsyncSesamy`: asyncio or trio, through anyio."""

from __future__ import annotations

import os
import sys
from collections.abc import Hashable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, cast

import anyio
import anyio.lowlevel
import attrs

from .runtime import Runtime


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


@attrs.frozen(eq=False, repr=False)
class AnyioRuntime(Runtime):
    """Waits without blocking the event loop."""

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    def event(self) -> AnyioEvent:
        return AnyioEvent()

    def scope(self) -> Hashable:
        return os.getpid(), anyio.lowlevel.current_token()

    def alive(self, scope: Hashable) -> bool:
        pid, token = cast("tuple[int, Any]", scope)
        loop = getattr(token, "native_token", token)
        return pid == os.getpid() and not _is_closed(loop)

    def bound(self, deadline: float) -> AbstractContextManager[object, bool]:
        return anyio.move_on_after(deadline - self.now())

    def shield(self) -> AbstractContextManager[object]:
        return anyio.move_on_after(1.0, shield=True)  # Not for ever.


def load_backends() -> None:
    """Import what anyio imports at its first use on an event loop.

    If no loop runs yet, this is asyncio's part, and trio's if trio is
    loaded.
    """
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
