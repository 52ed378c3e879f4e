"""Open a connection before there is a request for it."""

from __future__ import annotations

from typing import Any

from sesamy_async.core.runtime import Runtime


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
