"""Byte streams to a server: what they have in common, and TLS over them."""

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
"""Bytes; what is read at once is parsed before anybody else has a turn.

64 KiB of ``100 Continue`` would keep h11 busy for a tenth of a second, and
the deadline would pass unnoticed.  A contract has about one KiB.
"""

Wait: TypeAlias = Callable[[], float | None]
"""Says how many seconds the next operation may take; None for no limit.

It is asked before each operation, and raises `TimeoutError` where no time is
left: so a server that sends a byte now and then can't outlast a deadline.
Where many operations make one, such as a handshake, it comes from `until`.
"""


def until(now: Callable[[], float], seconds: float | None) -> Wait:
    """Return what bounds all operations together that begin now.

    Args:
        now: A monotonic clock.
        seconds: What they may take in all; None for no limit.
    """
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
    """A connection as the protocol above sees it; its errors are `OSError`.

    A blocking stream never suspends.
    """

    async def receive(self, wait: Wait) -> bytes:
        """Return the next bytes, at most `READ_SIZE`; none at the end."""
        ...

    async def send(self, data: bytes, wait: Wait) -> None:
        """Send all bytes."""
        ...

    def readable(self) -> bool:
        """Whether something came, or the end, that nobody asked for."""
        ...

    async def aclose(self) -> None:
        """Close the connection at once."""
        ...


def is_readable(sock: Any) -> bool:
    """Look, without waiting, whether there is anything to read.

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
"""Seconds until the next address is tried too (RFC 8305, section 5)."""

Address: TypeAlias = tuple[int, Any]
"""A family of addresses, and an address of it for `socket.connect`."""


def interleaved(found: Iterable[tuple[Any, ...]]) -> list[Address]:
    """Return the addresses in turns of families (RFC 8305, section 4).

    Args:
        found: As `socket.getaddrinfo` returns them.
    """
    families: dict[int, list[Address]] = {}
    for family, *_, address in found:
        families.setdefault(family, []).append((family, address))
    turns = chain.from_iterable(zip_longest(*families.values()))
    return [each for each in turns if each is not None]


NO_ADDRESS = "The name has no address."


# A lock for threads, and reentrant: a signal handler may fork too.
FORK_LOCK = RLock()
"""Held where OpenSSL has locks of its own that a fork must not copy."""

# Windows has no fork, hence no hook for it.
if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(
        before=FORK_LOCK.acquire,
        after_in_parent=FORK_LOCK.release,
        after_in_child=FORK_LOCK.release,
    )


class TlsStream:
    """TLS over another stream, the same for event loops and threads.

    Args:
        stream: What carries the records.
        context: Says whom to trust.
        host: The name that the server's certificate must have.
    """

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
        """The version of TLS, and the server's certificate."""
        return self._tls

    async def shake_hands(self, wait: Wait) -> None:
        """Agree on keys, and check the server's certificate."""
        await self._step(self._shake_hands, wait)

    async def receive(self, wait: Wait) -> bytes:
        """Return the next bytes, at most `READ_SIZE`; none at the end.

        Whether the end was announced does not matter: HTTP shows whether
        an answer is complete.
        """
        try:
            return await self._step(lambda: self._tls.read(READ_SIZE), wait)
        except ssl.SSLError:
            if not self._incoming.eof:
                raise
            return b""

    async def send(self, data: bytes, wait: Wait) -> None:
        """Send all bytes."""
        await self._step(lambda: self._tls.write(data), wait)

    def readable(self) -> bool:
        """Whether something came, or the end, that nobody asked for.

        Records that came together leave the socket together, so the socket
        does not show the unread ones.  To look means to read: where this
        says yes, the connection can't be used any more.
        """
        try:
            self._tls.read(1)
        except ssl.SSLWantReadError:
            return self._stream.readable()
        except ssl.SSLError:
            pass
        return True

    async def aclose(self) -> None:
        """Close the connection at once."""
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
                # The alert that says what we did not like.
                with suppress(OSError):
                    await self._flush(wait)
                raise
            else:
                await self._flush(wait)
                return result

    async def _flush(self, wait: Wait) -> None:
        if self._outgoing.pending:
            await self._stream.send(self._outgoing.read(), wait)
