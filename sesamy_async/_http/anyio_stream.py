"""Streams over anyio, for the async client: asyncio and trio alike."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

import anyio
import anyio.abc
import anyio.from_thread
import anyio.lowlevel
from anyio.abc import SocketAttribute

from .stream import (
    NEXT_ADDRESS,
    NO_ADDRESS,
    READ_SIZE,
    Address,
    Wait,
    interleaved,
    is_readable,
)


# More than a loop returns at once: what anyio would keep, `readable` could
# not see.
_ALL = 2**18
# How many threads of a process may look names up at once.
_MOST_LOOK_UPS = 256
_LOOK_UP = "sesamy look-up"
_LOOKED_UP = "sesamy look-up, done"

_T = TypeVar("_T")


class AnyioStream:
    """A connection of anyio's."""

    def __init__(self, stream: anyio.abc.SocketStream) -> None:
        self._stream = stream
        self._socket = stream.extra(SocketAttribute.raw_socket)  # noqa: S610
        self._rest = b""

    async def receive(self, wait: Wait) -> bytes:
        if self._rest:
            # Other tasks and the deadline have their turn, too.
            await anyio.lowlevel.checkpoint()
        else:
            with suppress(anyio.EndOfStream):
                self._rest = await _bounded(self._stream.receive, _ALL, wait())
        data, self._rest = self._rest[:READ_SIZE], self._rest[READ_SIZE:]
        return data

    async def send(self, data: bytes, wait: Wait) -> None:
        await _bounded(self._stream.send, data, wait())

    def readable(self) -> bool:
        if os.name == "nt":  # pragma: no cover - Windows
            # asyncio's loop there reads ahead, invisibly.
            return True
        return bool(self._rest) or is_readable(self._socket)

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bounded(
    work: Callable[[Any], Awaitable[_T]], argument: Any, seconds: float | None
) -> _T:
    try:
        # `fail_after` does the same, and takes twice as long.
        with anyio.move_on_after(seconds):
            return await work(argument)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
        cause = error.__cause__
        raise ConnectionError(
            str(cause or "The connection is closed.")
        ) from cause
    raise TimeoutError("It took too long.")


async def connect_anyio(host: str, port: int, wait: Wait) -> AnyioStream:
    """Connect to the address of a name that answers first (RFC 8305).

    Raises:
        OSError: None does, or not in time.
        UnicodeError: The name can't be one.
    """
    with anyio.fail_after(wait()):
        await anyio.lowlevel.checkpoint()  # It may be cancelled already.
        addresses = interleaved(await look_up(host, port))
        return AnyioStream(await _first(addresses))


async def _first(addresses: list[Address]) -> anyio.abc.SocketStream:
    connected: list[anyio.abc.SocketStream] = []
    failure: Exception = OSError(NO_ADDRESS)

    async def attempt(host: str, port: int, ended: anyio.Event) -> None:
        nonlocal failure
        try:
            connected.append(await anyio.connect_tcp(host, port))
        except OSError as error:
            # anyio's own message does not say why.
            cause = error.__cause__
            failure = cause if isinstance(cause, OSError) else error
        else:
            group.cancel_scope.cancel()
        finally:
            ended.set()

    try:
        async with anyio.create_task_group() as group:
            for _, (host, port, *_) in addresses:
                ended = anyio.Event()
                group.start_soon(attempt, host, port, ended)
                with anyio.move_on_after(NEXT_ADDRESS):
                    await ended.wait()
        if connected:
            return connected.pop()
    finally:
        for stream in connected:
            await anyio.aclose_forcefully(stream)
    raise failure


async def look_up(host: str, port: int) -> list[tuple[Any, ...]]:
    """Return the addresses of a name.

    Each look-up has its own thread: it can't be stopped, and a dozen that
    hang would use up the threads that an event loop shares.

    Raises:
        OSError: There is none, or too many look-ups hang.
        UnicodeError: The name can't be one.
    """
    kind = socket.SOCK_STREAM
    with suppress(OSError):  # It is a name.
        return socket.getaddrinfo(
            host, port, type=kind, flags=socket.AI_NUMERICHOST
        )
    hanging = sum(each.name == _LOOK_UP for each in threading.enumerate())
    if hanging >= _MOST_LOOK_UPS:
        raise OSError(f"{hanging} look-ups of names hang.")
    ended = anyio.Event()
    token = anyio.lowlevel.current_token()
    found: Future[list[tuple[Any, ...]]] = Future()

    def look_up() -> None:
        try:
            found.set_result(socket.getaddrinfo(host, port, type=kind))
        except Exception as error:  # noqa: BLE001 - raised below
            found.set_exception(error)
        threading.current_thread().name = _LOOKED_UP
        with suppress(RuntimeError):  # The loop is closed.
            anyio.from_thread.run_sync(ended.set, token=token)

    # A daemon: a look-up that hangs must not keep the process alive.
    threading.Thread(target=look_up, name=_LOOK_UP, daemon=True).start()
    await ended.wait()
    return found.result()
