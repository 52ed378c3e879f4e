"""The SDK's connections as transports for any httpx client."""

from __future__ import annotations

import math
from collections.abc import AsyncIterable
from contextlib import suppress
from functools import partial
from typing import Self, cast

import h11
import httpx

from sesamy_async._call import (
    AnyioRuntime,
    BlockingRuntime,
    Runtime,
    drive,
    guarded,
)
from sesamy_async.errors import ConfigurationError

from .http11 import Connection, origin_of
from .opening import connector, is_socks, prepare, route_to
from .pool import Pool, Pools
from .settings import AsyncChunks, Connections, OneShotBody
from .stream import until


# A larger request is sent in parts.
_LARGEST_WRITE = 2**16
# Ignored, they would send the request elsewhere, or trust another name.
_UNKNOWN_EXTENSIONS = {"sni_hostname", "target"}


class _Exchanges:
    """Sends requests of httpx over a pool of connections."""

    def __init__(
        self, settings: Connections | None, runtime: Runtime, *, blocking: bool
    ) -> None:
        given = settings or Connections()
        ready = prepare(given, httpx, (), blocking=blocking)
        self._runtime = runtime

        def make(origin: str) -> Connection:
            route = route_to(origin, ready, httpx)
            if is_socks(route):
                raise ConfigurationError(
                    "transport.proxy: a SOCKS proxy needs httpx's own "
                    "transport."
                )
            return Connection(route, connector(blocking=blocking))

        def new(origin: str) -> Pool[Connection]:
            connect = partial(make, origin)
            return Pool(connect, runtime, cap=given.cap, idle=given.idle)

        self.pools = Pools(new, runtime)

    async def send(
        self, request: httpx.Request, content: AsyncIterable[bytes]
    ) -> httpx.Response:
        """Send a request and return the head of the response."""
        origin = origin_of(str(request.url))
        if origin is None:
            raise httpx.UnsupportedProtocol("The URL is not http or https.")
        for name in _UNKNOWN_EXTENSIONS & {*request.extensions}:
            raise httpx.LocalProtocolError(
                f"This transport does not support the extension {name!r}."
            )
        seconds = request.extensions.get("timeout", {}).get
        pool, patience = self.pools.get(origin), seconds("pool")
        connection = await pool.acquire(
            math.inf if patience is None else self._runtime.now() + patience
        )
        if connection is None:
            raise httpx.PoolTimeout("No connection became free.")
        try:
            await self._write(connection, request, content)
            answer = await connection.response(lambda: seconds("read"))
        except BaseException:
            await self.pools.put_back(pool, connection, again=False)
            raise
        return httpx.Response(
            answer.status_code,
            headers=answer.headers.raw_items(),
            stream=_Content(self.pools, pool, connection, seconds("read")),
            extensions={
                "http_version": b"HTTP/" + answer.http_version,
                "reason_phrase": answer.reason,
            },
        )

    async def _write(
        self,
        connection: Connection,
        request: httpx.Request,
        content: AsyncIterable[bytes],
    ) -> None:
        seconds = request.extensions.get("timeout", {}).get
        data = connection.head(
            request.method, request.url.raw_path, request.headers.raw
        )
        if not connection.is_open:
            await _trace(request, "connection.connect_tcp.started")
        await connection.connect(
            lambda: until(self._runtime.now, seconds("connect"))
        )
        await _trace(request, "http11.send_request_headers.started")
        with suppress(httpx.RequestNotRead):
            content = OneShotBody(request.content)
        async for chunk in content:
            data += connection.encoded(h11.Data, data=chunk)
            if len(data) > _LARGEST_WRITE:
                await connection.write(data, lambda: seconds("write"))
                data = b""
            if connection.refuses:
                break
        data += connection.encoded(h11.EndOfMessage)
        await connection.write(data, lambda: seconds("write"))


async def _trace(request: httpx.Request, name: str) -> None:
    trace = request.extensions.get("trace")
    if trace is not None:
        told = trace(name, {"request": request})
        if told is not None:
            await told


class _Content(httpx.AsyncByteStream, httpx.SyncByteStream):
    """The body of a response, as it comes; closing it frees the connection."""

    def __init__(
        self,
        pools: Pools[str, Connection],
        pool: Pool[Connection],
        connection: Connection,
        seconds: float | None,
    ) -> None:
        self._pools = pools
        self._pool = pool
        self._connection: Connection | None = connection
        self._seconds = seconds

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._chunk()
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        chunk = drive(self._chunk())
        if chunk is None:
            raise StopIteration
        return chunk

    async def _chunk(self) -> bytes | None:
        if self._connection is None:
            return None
        return await self._connection.chunk(lambda: self._seconds)

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._pools.put_back(
                self._pool, connection, again=connection.is_idle
            )

    def close(self) -> None:
        drive(self.aclose())


class AsyncPoolTransport(httpx.AsyncBaseTransport):
    """The SDK's connections as a transport for any `httpx.AsyncClient`.

    Its pool serves a hundred requests at once without slowing down, survives
    cancelled ones, and does not use a connection again if bytes came behind
    the last response.  HTTP/1.1 only.

    Args:
        settings: How to connect.  It uses `cap`, `idle`, `proxy` (http or
            https), `trust_env` and `ssl_context`.

    Raises:
        ConfigurationError: A setting can't be used here.
    """

    def __init__(self, settings: Connections | None = None) -> None:
        self._exchanges = _Exchanges(settings, AnyioRuntime(), blocking=False)

    @guarded
    async def handle_async_request(
        self, request: httpx.Request
    ) -> httpx.Response:
        """Send a request; return the response before its body is read.

        Raises:
            httpx.TransportError: As httpx's own transports do.
        """
        content = cast("httpx.AsyncByteStream", request.stream)
        return await self._exchanges.send(request, content)

    async def aclose(self) -> None:
        """Close the free connections of the running event loop."""
        await self._exchanges.pools.aclose()


class PoolTransport(httpx.BaseTransport):
    """The SDK's connections as a transport for any `httpx.Client`.

    As `AsyncPoolTransport`, for threads.

    Args:
        settings: As for `AsyncPoolTransport`.

    Raises:
        ConfigurationError: A setting can't be used here.
    """

    def __init__(self, settings: Connections | None = None) -> None:
        self._exchanges = _Exchanges(
            settings, BlockingRuntime(), blocking=True
        )

    @guarded
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; return the response before its body is read.

        Raises:
            httpx.TransportError: As httpx's own transports do.
        """
        content = AsyncChunks(
            iter(cast("httpx.SyncByteStream", request.stream))
        )
        return drive(self._exchanges.send(request, content))

    def close(self) -> None:
        """Close the free connections."""
        drive(self._exchanges.pools.aclose())
