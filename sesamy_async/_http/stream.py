"""What all network streams have in common."""

from __future__ import annotations

import os
import select
import socket
import ssl
from threading import RLock
from typing import Any, Protocol

from sesamy_async._call import Runtime


_END_OF_HEAD = b"\r\n\r\n"


class RequestBuffer:
    """Holds a head back until its body comes, or an answer is awaited.

    httpcore writes the two one after the other: two system calls, two
    packets, and a server that wakes up twice.  Here, and not in a local of
    whoever sends it, no traceback shows the token and the order.
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


READ_SIZE = 2**13
"""Bytes; what is read at once is parsed before anybody else has a turn.

64 KiB of ``100 Continue`` would keep h11 busy for a tenth of a second, and
with it the deadline from being noticed.  A contract has about one KiB.

h11 refuses a head whose end has not come after 100 KiB, but looks only when
all that was read is parsed: so a sip is by how much a longer one may pass.
"""


class _HasFileno(Protocol):
    def fileno(self) -> int: ...


def is_readable(sock: _HasFileno) -> bool:
    """Look, without waiting, whether there is anything to read.

    Windows has no poll, but its select knows no highest number either.
    """
    number = sock.fileno()
    if number < 0:
        return True
    if not hasattr(select, "poll"):  # pragma: no cover - Windows
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))


def holds_more(tls: ssl.SSLObject) -> bool:
    """Look whether TLS took in more from the network than was read of it.

    Records that came together leave the socket together, so it is silent
    about those that nobody has asked for.  There is no looking without
    reading: where this says yes, the connection is of no more use.
    """
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        return True
    return True


_NO_NAME = "The host's name can't be looked up."


def connecting_error(error: OSError | UnicodeError, errors: Any) -> Exception:
    """Return the exception of httpcore's for one of the system's.

    Args:
        error: As raised; a `UnicodeError` is of a name that is none.
        errors: The module whose exceptions are raised: httpcore's, or that
            of a continuation of it.
    """
    if isinstance(error, UnicodeError):
        kind, words = errors.ConnectError, _NO_NAME
    elif isinstance(error, TimeoutError):
        kind, words = errors.ConnectTimeout, str(error)
    else:
        kind, words = errors.ConnectError, str(error)
    raised: Exception = kind(words)
    return raised


def usable(connection: Any, transport: Any) -> bool:
    """Whether an idle connection can be used once more.

    Bytes behind an answer stay in the buffers of h11 and TLS, and would be
    taken for the answer to the next order: the worst that a connection can
    do.  Only those two know of them; should these private names ever
    change, every second call on a socket fails, and with it half of the
    tests.

    Args:
        connection: httpcore's, or None where there is a pool (a proxy's).
        transport: The httpx transport that has that pool.
    """
    if connection is None:
        pool = transport._pool.connections  # noqa: SLF001
        return all(usable(each, None) for each in pool)
    if connection.is_closed() or connection.has_expired():
        return False
    # A proxy's connection holds that to the target.
    inner = connection
    while inner is not None and not hasattr(inner, "_h11_state"):
        inner = inner._connection  # noqa: SLF001
    return inner is None or not _has_more(inner)


def _has_more(inner: Any) -> bool:
    """Whether there are bytes behind an answer that was read."""
    if inner._h11_state.trailing_data[0]:  # noqa: SLF001 - as said above
        return True
    stream = inner._network_stream  # noqa: SLF001 - as said above
    # Of one that was opened ahead, `has_expired` does not ask that.
    if not inner.is_idle() and stream.get_extra_info("is_readable"):
        return True
    tls = stream.get_extra_info("ssl_object")
    # Of an `SSLSocket`, `has_expired` knows: our stream says "is_readable".
    return isinstance(tls, ssl.SSLObject) and holds_more(tls)


# Of threads, and reentrant: a signal handler may fork too.
UNFORKED = RLock()


class Handshaking(ssl.SSLObject):
    """TLS of an event loop's: a step of its handshake is not forked."""

    def do_handshake(self) -> None:
        """Go on with the handshake, as far as what has come permits."""
        with UNFORKED:
            super().do_handshake()


class _Limit(Protocol):
    def shorten(self, timeout: float | None) -> float | None: ...


def shake_hands(sock: ssl.SSLSocket, limit: _Limit) -> None:
    """Do a whole handshake in steps, between which a fork may happen.

    Raises:
        OSError: It failed, or took too long.
    """
    while True:
        sock.settimeout(0.0)
        try:
            with UNFORKED:
                sock.do_handshake()
        except ssl.SSLWantReadError:
            sock.settimeout(limit.shorten(None))
            # Of the socket beneath TLS: it waits until something comes.
            socket.socket.recv(sock, 1, socket.MSG_PEEK)
        else:
            return


# Windows has no fork, hence no hook for it.
if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(
        before=UNFORKED.acquire,
        after_in_parent=UNFORKED.release,
        after_in_child=UNFORKED.release,
    )


_LEAST_REST = 0.01
_EARLY = "It was ended, or spoken on, before it was used."


async def open_ahead(
    connection: Any, core: Any, seconds: float | None, runtime: Runtime
) -> None:
    """Open a connection of httpcore's, which would wait for its first use.

    Should its private names ever change, each test of this fails.

    Args:
        connection: An `httpcore.AsyncHTTPConnection`.
        core: The httpcore that it is of.
        seconds: What one network operation may take; None for no limit.
        runtime: For the time that it takes.
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
        limit = rest(runtime.now() - began, seconds)
        try:
            await stream.read(1, limit)
        except core.ReadTimeout:
            return
        raise core.ConnectError(_EARLY)


def rest(took: float, seconds: float | None) -> float:
    """Return for how long to read on a connection that was just secured.

    The server sends tickets for later handshakes, a round trip after it.
    Left unread, they look like an answer to nothing, and the connection
    would be thrown away before its first use.  So would one that refuses
    our certificate, which TLS 1.3 says only now.

    Args:
        took: Seconds that connecting took: more than a round trip.
        seconds: What may be taken.
    """
    wanted = max(_LEAST_REST, took)
    return wanted if seconds is None else min(wanted, seconds)


def check_rest(stream: Any, limit: float, core: Any) -> None:
    """Read on a blocking stream, on which nothing should come."""
    try:
        stream.read(1, limit)
    except core.ReadTimeout:
        return
    raise core.ConnectError(_EARLY)
