"""Byte streams to a server: over blocking sockets, and TLS over any stream."""

from __future__ import annotations

import os
import select
import selectors
import socket
import ssl
import sys
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from itertools import chain, zip_longest
from threading import RLock
from typing import Any, Protocol, TypeAlias, TypeVar


READ_SIZE = 2**13
"""Bytes that are read, and so parsed, before others have their turn.

64 KiB of ``100 Continue`` would keep h11 busy for a tenth of a second, in
which the deadline could pass.  A contract has about one KiB.
"""

Wait: TypeAlias = Callable[[], float | None]
"""Returns the seconds that the next operation may take; None for no limit.

It is called before each operation, and raises `TimeoutError` if no time is
left, so that a server that drips bytes can't outlast a deadline.
"""


def until(now: Callable[[], float], seconds: float | None) -> Wait:
    """Return a `Wait` that bounds all operations together from now on."""
    if seconds is None:
        return lambda: None
    end = now() + seconds

    def left() -> float:
        seconds = end - now()
        if seconds <= 0:
            raise TimeoutError("It took too long.")
        return seconds

    return left


_T = TypeVar("_T")


class Stream(Protocol):
    """A connection to a host.  Its errors are `OSError`.

    A blocking stream never suspends.
    """

    async def receive(self, wait: Wait) -> bytes:
        """Return the next bytes, at most `READ_SIZE`; b"" at the end."""
        ...

    async def send(self, data: bytes, wait: Wait) -> None:
        """Send all bytes."""
        ...

    def readable(self) -> bool:
        """Whether bytes or the end came that nobody asked for."""
        ...

    async def aclose(self) -> None:
        """Close the connection at once."""
        ...


def is_readable(sock: Any) -> bool:
    """Whether there is anything to read now.

    Windows has no poll, but its select has no highest number either.
    """
    number: int = sock.fileno()
    if number < 0:
        return True
    if sys.platform == "win32":  # pragma: no cover - Windows
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))


NEXT_ADDRESS = 0.25
"""Seconds until the next address is also tried (RFC 8305, section 5)."""

Address: TypeAlias = tuple[int, Any]
"""A family, and an address of it for `socket.connect`."""


def interleaved(found: Iterable[tuple[Any, ...]]) -> list[Address]:
    """Return what `getaddrinfo` found, families in turn (RFC 8305, 4)."""
    families: dict[int, list[Address]] = {}
    for family, *_, address in found:
        families.setdefault(family, []).append((family, address))
    turns = chain.from_iterable(zip_longest(*families.values()))
    return [each for each in turns if each is not None]


NO_ADDRESS = "The name has no address."


class BlockingStream:
    """A connected socket; each operation has a timeout."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    async def receive(self, wait: Wait) -> bytes:
        self._bound(wait)
        return self._socket.recv(READ_SIZE)

    async def send(self, data: bytes, wait: Wait) -> None:
        left = memoryview(data)
        while left:
            self._bound(wait)
            left = left[self._socket.send(left) :]

    def readable(self) -> bool:
        return is_readable(self._socket)

    async def aclose(self) -> None:
        self._socket.close()

    def _bound(self, wait: Wait) -> None:
        seconds = wait()
        if self._socket.gettimeout() != seconds:  # A system call.
            self._socket.settimeout(seconds)


async def connect_blocking(host: str, port: int, wait: Wait) -> BlockingStream:
    """Connect to the address of a name that answers first (RFC 8305).

    Looking the name up is not bounded: no system call for it has a timeout.

    Raises:
        OSError: None does, or not in time.
        UnicodeError: The name can't be one.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return BlockingStream(_first(interleaved(found), wait))


def _first(addresses: Iterable[Address], wait: Wait) -> socket.socket:
    failure = OSError(NO_ADDRESS)
    left = deque(addresses)
    with ExitStack() as losers, selectors.DefaultSelector() as selector:
        while left or selector.get_map():
            seconds = wait()
            if left:
                family, address = left.popleft()
                try:
                    sock = socket.socket(family, socket.SOCK_STREAM)
                    losers.callback(sock.close)
                    sock.settimeout(0.0)
                    with suppress(BlockingIOError):
                        sock.connect(address)
                except OSError as error:  # This machine knows no way there.
                    failure = error
                    continue
                selector.register(sock, selectors.EVENT_WRITE, sock)
            if left:
                seconds = min(seconds or NEXT_ADDRESS, NEXT_ADDRESS)
            for key, _ in selector.select(seconds):
                sock = key.data
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not code:
                    winner = socket.socket(fileno=sock.detach())
                    winner.settimeout(None)
                    winner.setsockopt(
                        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
                    )
                    return winner
                failure = OSError(code, os.strerror(code))
                selector.unregister(sock)
    raise failure


# A lock for threads, and reentrant: a signal handler may fork too.
FORK_LOCK = RLock()
"""Held while OpenSSL holds locks that a fork must not copy."""

# Windows has no fork, hence no hook for it.
if sys.platform != "win32":  # pragma: no branch
    os.register_at_fork(
        before=FORK_LOCK.acquire,
        after_in_parent=FORK_LOCK.release,
        after_in_child=FORK_LOCK.release,
    )


class TlsStream:
    """TLS over another stream, the same for event loops and threads."""

    def __init__(
        self, stream: Stream, context: ssl.SSLContext, host: str
    ) -> None:
        self._stream = stream
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=host
        )

    @property
    def session(self) -> ssl.SSLObject:
        return self._tls

    async def shake_hands(self, wait: Wait) -> None:
        await self._step(self._shake_hands, wait)

    async def receive(self, wait: Wait) -> bytes:
        # HTTP shows whether a response is complete, so an end that was not
        # announced is an end, too.
        try:
            return await self._step(lambda: self._tls.read(READ_SIZE), wait)
        except ssl.SSLError:
            if not self._incoming.eof:
                raise
            return b""

    async def send(self, data: bytes, wait: Wait) -> None:
        await self._step(lambda: self._tls.write(data), wait)

    def readable(self) -> bool:
        # The socket does not show records that came together with others.  To
        # look means to read, so after a yes the connection can't be used.
        try:
            self._tls.read(1)
        except ssl.SSLWantReadError:
            return self._stream.readable()
        except ssl.SSLError:
            pass
        return True

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _shake_hands(self) -> None:
        with FORK_LOCK:
            self._tls.do_handshake()

    async def _step(self, work: Callable[[], _T], wait: Wait) -> _T:
        while True:
            try:
                result = work()
            except ssl.SSLWantReadError:
                await self._flush(wait)
                data = await self._stream.receive(wait)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            except ssl.SSLError:
                # The alert that says what was wrong.
                with suppress(OSError):
                    await self._flush(wait)
                raise
            else:
                await self._flush(wait)
                return result

    async def _flush(self, wait: Wait) -> None:
        if self._outgoing.pending:
            await self._stream.send(self._outgoing.read(), wait)
