"""What all network streams have in common."""

from __future__ import annotations

import os
import select
import ssl
from threading import RLock
from typing import Any

from sesamy_async._call import Runtime


READ_SIZE = 2**13
"""Bytes; what is read at once is parsed before anybody else has a turn.

64 KiB of ``100 Continue`` would keep h11 busy for a tenth of a second, and
the deadline would pass unnoticed.  A contract has about one KiB.

h11 refuses a head whose end has not come after 100 KiB, but looks only when
all that was read is parsed: so a head may be longer by one read.
"""

_END_OF_HEAD = b"\r\n\r\n"


class RequestBuffer:
    """Holds a head back until its body comes, or an answer is awaited.

    httpcore writes the two one after the other: two system calls, two
    packets, and a server that wakes up twice.  What is held here, and not in
    a local, no traceback shows.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def add(self, data: bytes) -> bool:
        """Take what is to be written; return whether to send it now."""
        if not self._held and data.endswith(_END_OF_HEAD):
            self._held = data
            return False
        self._held += data
        return bool(self._held)

    @property
    def waiting(self) -> bool:
        """Whether something has to be sent before anything is read."""
        return bool(self._held)

    def take(self) -> bytes:
        """Return what has to be sent."""
        held, self._held = self._held, b""
        return held


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


def holds_more(tls: ssl.SSLObject) -> bool:
    """Look whether TLS took in more from the network than was read of it.

    Records that came together leave the socket together, so the socket does
    not show the unread ones.  To look means to read: where this says yes,
    the connection can't be used any more.
    """
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        return True
    return True


def connecting_error(error: OSError | UnicodeError, errors: Any) -> Exception:
    """Return the exception of httpcore's for one of the system's.

    Args:
        error: As raised; a `UnicodeError` means an impossible name.
        errors: The httpcore whose exceptions are raised.
    """
    kind, words = errors.ConnectError, str(error)
    if isinstance(error, UnicodeError):
        words = "The host's name can't be looked up."
    elif isinstance(error, TimeoutError):
        kind = errors.ConnectTimeout
    raised: Exception = kind(words)
    return raised


def pool_usable(transport: Any) -> bool:
    """Whether all connections of an httpx transport can be used again."""
    pool = transport._pool.connections  # noqa: SLF001
    return all(connection_usable(each) for each in pool)


def connection_usable(connection: Any) -> bool:
    """Whether an idle connection of httpcore's can be used once more.

    Bytes behind an answer stay in the buffers of h11 and TLS, and would be
    taken for the answer to the next order: the worst that a connection can
    do.  Only those two know of them.  Should these private names ever
    change, every second call on a socket fails, and half of the tests do.
    """
    if connection.is_closed() or connection.has_expired():
        return False
    # A proxy's connection holds that to the target.
    inner = connection
    while inner is not None and not hasattr(inner, "_h11_state"):
        inner = inner._connection  # noqa: SLF001
    if inner is None:
        return True
    if inner._h11_state.trailing_data[0]:  # noqa: SLF001
        return False
    stream = inner._network_stream  # noqa: SLF001
    # `has_expired` does not ask that of one that was opened ahead.
    if not inner.is_idle() and stream.get_extra_info("is_readable"):
        return False
    tls = stream.get_extra_info("ssl_object")
    # For an `SSLSocket`, `has_expired` has asked "is_readable" of our stream.
    return not (isinstance(tls, ssl.SSLObject) and holds_more(tls))


# A lock for threads, and reentrant: a signal handler may fork too.
FORK_LOCK = RLock()
"""Held where OpenSSL has locks of its own that a fork must not copy."""


class ForkSafeTLS(ssl.SSLObject):
    """TLS on an event loop; no fork happens in a step of its handshake."""

    def do_handshake(self) -> None:
        """Go on with the handshake, as far as what has come permits."""
        with FORK_LOCK:
            super().do_handshake()


# Windows has no fork, hence no hook for it.
if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(
        before=FORK_LOCK.acquire,
        after_in_parent=FORK_LOCK.release,
        after_in_child=FORK_LOCK.release,
    )


_LEAST_WAIT = 0.01


def ticket_wait(took: float, seconds: float | None) -> float:
    """Return for how long to read on a connection that was just secured.

    The server sends tickets for later handshakes, a round trip after it.
    Left unread, they look like an answer to nothing, and the connection
    would be thrown away before its first use.  So would one that refuses
    our certificate, which TLS 1.3 says only now.

    Args:
        took: Seconds that connecting took: more than a round trip.
        seconds: What may be taken; None for no limit.
    """
    wanted = max(_LEAST_WAIT, took)
    return wanted if seconds is None else min(wanted, seconds)


def ended_early(errors: Any) -> Exception:
    """Return the error for something that came before any request."""
    raised: Exception = errors.ConnectError(
        "The server ended it, or sent something, before it was used."
    )
    return raised


async def open_ahead(
    connection: Any, core: Any, runtime: Runtime, seconds: float | None
) -> None:
    """Open a connection of httpcore's, which would wait for its first use.

    Should its private names ever change, each test of this fails.

    Args:
        connection: An `httpcore.AsyncHTTPConnection`.
        core: The httpcore that it is of.
        runtime: For the time that it takes.
        seconds: What one network operation may take; None for no limit.
    """
    if connection._connection is not None:  # noqa: SLF001
        return
    began = runtime.now()
    origin = connection._origin  # noqa: SLF001
    url = core.URL(
        scheme=origin.scheme, host=origin.host, port=origin.port, target=b"/"
    )
    timeout = {"timeout": {"connect": seconds}}
    request = core.Request(b"GET", url, extensions=timeout)
    stream = await connection._connect(request)  # noqa: SLF001
    # At once, so that it is closed with the connection from here on.
    connection._connection = core.AsyncHTTP11Connection(  # noqa: SLF001
        origin=origin, stream=stream
    )
    if origin.scheme == b"https":
        try:
            await stream.read(1, ticket_wait(runtime.now() - began, seconds))
        except core.ReadTimeout:
            return
        raise ended_early(core)
