"""Byte streams to a server, and TLS over them."""

from __future__ import annotations

import os
import select
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
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
    if not hasattr(select, "poll"):  # pragma: no cover - Windows
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


# A lock for threads, and reentrant: a signal handler may fork too.
FORK_LOCK = RLock()
"""Held while OpenSSL holds locks that a fork must not copy."""

# Windows has no fork, hence no hook for it.
if hasattr(os, "register_at_fork"):  # pragma: no branch
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
