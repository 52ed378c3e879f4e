"""Transports and hooks of somebody else's, which do as they like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx

from .calling import World


class Raising(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Takes a request, and raises this; it does not trace anything."""

    def __init__(self, error: type[Exception]) -> None:
        self.error = error
        self.taken = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raise."""
        del request
        self.taken += 1
        raise self.error("CANARY")

    async def handle_async_request(
        self, request: httpx.Request
    ) -> httpx.Response:
        """Raise."""
        return self.handle_request(request)


class Mine(httpx.MockTransport):
    """A subclass, which may do anything."""


def raising(error: type[Exception]) -> Any:
    """Return a handler that raises."""

    def handle(request: httpx.Request) -> httpx.Response:
        raise error(f"CANARY of {request.method}")

    return handle


MOCK = httpx.MockTransport(raising(httpx.ConnectError))


def created(_: object) -> httpx.Response:
    """Answer."""
    return httpx.Response(201)


def hook_that_raises(world: World) -> Callable[[object], Any]:
    """Return a hook for events of a client."""

    def hook(_: object) -> None:
        raise httpx.ConnectError("CANARY")

    async def async_hook(_: object) -> None:
        hook(_)

    return hook if world is World.BLOCKING else async_hook


class Dripping(httpx.SyncByteStream):
    """Yields a little now and then, but not for ever."""

    def __init__(self) -> None:
        self.left = 100
        self.time = 0.0

    def __iter__(self) -> Iterator[bytes]:
        while self.left:
            self.left -= 1
            self.time += 0.01
            yield b"{"


class Slow(httpx.BaseTransport):
    """Answers with a body that drips."""

    def __init__(self) -> None:
        self.body = Dripping()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        del request
        return httpx.Response(200, stream=self.body)


def hooked(when: str, world: World, **more: Any) -> dict[str, Any]:
    """Return the settings of a client with a hook that raises."""
    return {"event_hooks": {when: [hook_that_raises(world)]}, **more}
