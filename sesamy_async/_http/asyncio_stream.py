"""Network streams on asyncio's own transports."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import suppress
from functools import partial
from typing import Any

from .stream import READ_SIZE, RequestBuffer, connecting_error, is_readable


_STREAM = socket.SOCK_STREAM
# Seconds for each address at first, where a name has several.  RFC 8305
# recommends 0.25 s before the next one is tried; here the earlier attempt
# is given up, and repeated in a second round if none succeeds.
_FIRST_ROUND = 0.3
# How many threads may look names up at once, in a whole process.
_MOST_LOOK_UPS = 256
_LOOK_UP = "sesamy look-up"


async def connected(host: str, port: int) -> socket.socket:
    """Return a connected socket that does not block.

    Raises:
        OSError: There is no address, or none lets us.
    """
    found = await looked_up(host, port)
    if len(found) > 1:
        with suppress(OSError):  # TimeoutError is one.
            return await _first(found, _FIRST_ROUND)
    return await _first(found, None)


async def looked_up(host: str, port: int) -> list[Any]:
    """Return the addresses of a name.

    Each look-up has a thread of its own.  None can be cut off, and a dozen
    that hang would use up the threads that the loop keeps for everybody.

    Raises:
        OSError: There is none, or too many look-ups hang.
        UnicodeError: It can be no name.
    """
    with suppress(OSError):  # It is a name.
        return socket.getaddrinfo(
            host, port, type=_STREAM, flags=socket.AI_NUMERICHOST
        )
    hanging = sum(each.name == _LOOK_UP for each in threading.enumerate())
    if hanging >= _MOST_LOOK_UPS:
        raise OSError(f"{hanging} look-ups of names hang.")
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Any]] = loop.create_future()

    def tell(addresses: list[Any], error: Exception | None) -> None:
        if found.done():  # It took too long.
            return
        if error is None:
            found.set_result(addresses)
        else:
            found.set_exception(error)

    def look_up() -> None:
        addresses: list[Any] = []
        failed: Exception | None = None
        try:
            addresses = socket.getaddrinfo(host, port, type=_STREAM)
        except Exception as error:  # noqa: BLE001 - raised by `found`
            failed = error
        with suppress(RuntimeError):  # The loop is closed.
            loop.call_soon_threadsafe(tell, addresses, failed)

    # A daemon: a look-up that hangs must not keep the process alive.
    threading.Thread(target=look_up, name=_LOOK_UP, daemon=True).start()
    return await found


async def _first(found: list[Any], limit: float | None) -> socket.socket:
    failure: OSError = OSError("The name has no address.")
    for family, kind, protocol, _, address in found:
        try:
            async with asyncio.timeout(limit):
                return await _connect(family, kind, protocol, address)
        except OSError as error:
            failure = error
    raise failure


async def _connect(
    family: int, kind: int, protocol: int, address: Any
) -> socket.socket:
    loop = asyncio.get_running_loop()
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(0)
        await loop.sock_connect(sock, address)
    except BaseException:
        # While the loop still watches it, its number may not be reused.
        with suppress(NotImplementedError):  # Windows watches none.
            loop.remove_writer(sock)
        sock.close()
        raise
    return sock


_HIGH_WATER = 2**16


class Inbox(asyncio.Protocol):
    """Collects what comes in, and wakes the task that waits for it."""

    def __init__(self) -> None:
        self.received: bytearray = bytearray()
        self.ended: bool = False
        self.error: Exception | None = None
        self.transport: Any = None
        self._full = False
        self._halted = False
        self._waiter: asyncio.Future[bool] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Collect; let the network hold the rest while nobody reads."""
        self.received += data
        if len(self.received) > _HIGH_WATER and not self._halted:
            self._halted = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Take note that no more will come."""
        self.ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the connection is gone."""
        self.ended = True
        self.error = exc
        self._wake()

    def pause_writing(self) -> None:
        """Take note that the network takes no more for now."""
        self._full = True

    def resume_writing(self) -> None:
        """Take note that the network takes more again."""
        self._full = False
        self._wake()

    async def readable(self, timeout: float | None) -> bool:  # noqa: ASYNC109
        """Wait for data or the end; return False where time ran out."""
        while not (self.received or self.ended):
            if not await self._change(timeout):
                return False
        return True

    async def drained(self, timeout: float | None) -> bool:  # noqa: ASYNC109
        """Wait until the network took all; return False where time ran out."""
        while self._full and not self.ended:
            if not await self._change(timeout):
                return False
        return True

    def take(self, count: int) -> bytes:
        """Return at most so many bytes of what has come."""
        data = bytes(self.received[:count])
        del self.received[:count]
        if self._halted and not self.received:
            self._halted = False
            self.transport.resume_reading()
        return data

    async def _change(self, timeout: float | None) -> bool:  # noqa: ASYNC109
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = None
        if timeout is not None:
            timer = loop.call_later(
                timeout, partial(self._wake, happened=False)
            )
        try:
            return await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _wake(self, *, happened: bool = True) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(happened)


class AsyncioStream:
    """What httpcore reads from and writes to.

    Args:
        inbox: What comes in over the connection.
        errors: The httpcore whose exceptions are raised.
    """

    def __init__(self, inbox: Inbox, errors: Any) -> None:
        self._inbox = inbox
        self._errors = errors
        self._request = RequestBuffer()

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> bytes:
        """Read some bytes, not many at once; none at the end."""
        inbox = self._inbox
        if self._request.waiting:
            await self._send(timeout)
        if not inbox.received:
            if not await inbox.readable(timeout):
                raise self._errors.ReadTimeout
            if not inbox.received and inbox.error is not None:
                raise self._errors.ReadError(str(inbox.error)) from inbox.error
        else:
            # A server that never pauses must not keep other tasks, and
            # the deadline, from their turn.
            await asyncio.sleep(0)
        return inbox.take(min(max_bytes, READ_SIZE))

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> None:
        """Write all bytes."""
        send = self._request.add(buffer)
        del buffer  # No traceback may show it as a local of ours.
        if send:
            await self._send(timeout)

    async def aclose(self) -> None:
        """Close at once; the socket is gone when this returns."""
        self._inbox.transport.abort()
        # Or the rest of an answer that was given up would still be parsed.
        self._inbox.received.clear()
        await asyncio.sleep(0)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> AsyncioStream:
        """Put TLS over it."""
        inbox = self._inbox
        loop = asyncio.get_running_loop()
        done = False
        try:
            async with asyncio.timeout(timeout):
                inbox.transport = await loop.start_tls(
                    inbox.transport,
                    inbox,
                    ssl_context,
                    server_hostname=server_hostname,
                )
            done = True
        except OSError as error:  # TimeoutError is one.
            raise connecting_error(error, self._errors) from error
        except TypeError as error:
            # Before 3.11.8 and 3.12.2, asyncio stumbles where TLS in TLS
            # fails (python/cpython#113214), and raises that instead.
            cause = error.__context__
            if not isinstance(cause, OSError):
                raise
            raise connecting_error(cause, self._errors) from cause
        finally:
            if not done:
                inbox.transport.abort()
        return AsyncioStream(inbox, self._errors)

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection says of itself."""
        if info == "is_readable":
            return self._is_readable()
        return self._inbox.transport.get_extra_info(info)

    def _is_readable(self) -> bool:
        """Whether an idle connection has something to say: its end."""
        inbox = self._inbox
        if inbox.ended or inbox.received or inbox.transport.is_closing():
            return True
        # The loop may not have come round to see it yet.
        return is_readable(inbox.transport.get_extra_info("socket"))

    async def _send(self, timeout: float | None) -> None:  # noqa: ASYNC109
        inbox = self._inbox
        if inbox.ended:
            raise self._errors.WriteError("The connection is closed.")
        inbox.transport.write(self._request.take())
        if not await inbox.drained(timeout):
            raise self._errors.WriteTimeout


class AsyncioBackend:
    """Opens streams.

    Args:
        errors: The httpcore whose exceptions are raised.
    """

    def __init__(self, errors: Any) -> None:
        self._errors = errors

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        **options: Any,
    ) -> AsyncioStream:
        """Connect."""
        del options  # Of the socket: our connections have none.
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                sock = await connected(host, port)
                _, inbox = await loop.create_connection(Inbox, sock=sock)
        except (OSError, UnicodeError) as error:  # TimeoutError is one.
            raise connecting_error(error, self._errors) from error
        return AsyncioStream(inbox, self._errors)
