"""Adapters over httpx clients and transports, awaiting or blocking."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, cast

import attrs
import httpx

from sesamy_async._call import Record
from sesamy_async._outcome import Failure, FailureKind, TransportFailure

from .blocking_stream import Allowance
from .body import Body


_STARTED = ".send_request_headers.started"
_FAILED = ".send_request_headers.failed"
_CONNECTING = ("connection.", "socks.")
_CONNECT = "connect_tcp.started"
_BEHIND_PROXY = {"proxy.start_tls.started", "socks.start_tls.started"}
_TUNNEL = b"CONNECT"


class SendTracker:
    """Keeps `Record.sent` true, from httpcore's trace of one attempt.

    Nothing was sent as long as ``http11.send_request_headers.started`` has
    not fired (or ``http2.``, in a client of the user's).  It also fires for
    a proxy's CONNECT, which is not our request; and a head that h11 refuses
    to write (``LocalProtocolError``) never left.  If a transport of the
    user's tries twice, its second try can't call back what has left once.

    Attributes:
        new_connection: Whether a connection was made for this attempt.
        behind_proxy: Whether a proxy had led to the target.
    """

    __slots__ = ("_first", "_record", "behind_proxy", "new_connection")

    def __init__(self, record: Record) -> None:
        self._record = record
        self._first = False
        self.new_connection = False
        self.behind_proxy = False
        # The transport may be one that has no trace.
        record.sent = None

    def on_event(self, name: str, info: dict[str, Any]) -> None:
        """Take note of an event, in the blocking client."""
        record = self._record
        self.new_connection |= name.endswith(_CONNECT)
        self.behind_proxy |= name in _BEHIND_PROXY
        if name.endswith(_STARTED):
            ours = info["request"].method != _TUNNEL
            self._first = ours and not record.sent
            record.sent = bool(record.sent) or ours
        elif name.endswith(_FAILED):
            kind = type(info["exception"]).__name__
            if self._first and kind == "LocalProtocolError":
                record.sent = False
        elif record.sent is None and name.startswith(_CONNECTING):
            record.sent = False

    async def on_event_async(self, name: str, info: dict[str, Any]) -> None:
        """Take note of an event, in the async client."""
        self.on_event(name, info)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class _Adapter:
    """One connection of ours, or whatever the user gave us.

    Attributes:
        through: The httpx client or transport.
        handle: Sends a request through it; returns the answer's head, or an
            awaitable of it.
        owned: Whether it is ours.  Then nothing leaves it untraced, and it
            is closed with us.
        known: Says whether its exceptions mean what they mean in httpx.
            Otherwise a `ConnectTimeout` may come after the request left.
        usable: Says whether it can still be used after a rest.
        connect: Connects ahead and sends nothing, where that is possible.
        proxy: The name of the proxy it goes through, if it is ours.
    """

    through: Any
    handle: Callable[[Any, httpx.Request], Any]
    owned: bool = False
    known: Callable[[], bool] = lambda: True
    usable: Callable[[], bool] = lambda: True
    connect: Callable[[float | None], Any] | None = None
    proxy: str | None = None


class AsyncAdapter(_Adapter):
    """Awaits; a cancellation ends it at the deadline."""

    def trace(self, tracker: SendTracker) -> Callable[..., Any]:
        """Return the callback for httpcore's trace."""
        return tracker.on_event_async

    async def open(self, seconds: float | None, deadline: float) -> None:
        """Connect ahead, if that is possible, and send nothing."""
        del deadline
        if self.connect is not None:
            await self.connect(seconds)

    async def send(
        self, request: httpx.Request, deadline: float
    ) -> httpx.Response:
        """Send a request and read the head of the answer."""
        del deadline
        response: httpx.Response = await self.handle(self.through, request)
        return response

    async def read(self, response: httpx.Response, body: Body) -> None:
        """Read the rest of an answer into `body`, and close the answer."""
        try:
            if response.is_stream_consumed:
                body.take(response.content)
                return
            chunks = aiter(cast("httpx.AsyncByteStream", response.stream))
            try:
                async for chunk in chunks:
                    body.feed(chunk)
            except TransportFailure:
                try:
                    await response.aclose()
                finally:  # Also where that is cancelled.
                    await _exhaust(chunks)
                raise
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close the connection, if it is ours."""
        if self.owned:
            await self.through.aclose()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class BlockingAdapter(_Adapter):
    """Blocks; its allowance ends it at the deadline."""

    allowance: Allowance

    def trace(self, tracker: SendTracker) -> Callable[..., Any]:
        """Return the callback for httpcore's trace."""
        return tracker.on_event

    async def open(self, seconds: float | None, deadline: float) -> None:
        """Connect ahead, if that is possible, and send nothing."""
        self.allowance.deadline = deadline
        if self.connect is not None:
            self.connect(seconds)

    async def send(
        self, request: httpx.Request, deadline: float
    ) -> httpx.Response:
        """Send a request and read the head of the answer."""
        self.allowance.deadline = deadline
        response: httpx.Response = self.handle(self.through, request)
        return response

    async def read(self, response: httpx.Response, body: Body) -> None:
        """Read the rest of an answer into `body`, and close the answer."""
        try:
            if response.is_stream_consumed:
                body.take(response.content)
                return
            for chunk in cast("httpx.SyncByteStream", response.stream):
                body.feed(chunk)
        finally:
            response.close()

    async def aclose(self) -> None:
        """Close the connection, if it is ours."""
        if self.owned:
            self.through.close()


Adapter = AsyncAdapter | BlockingAdapter


async def _exhaust(chunks: AsyncIterator[bytes]) -> None:
    """Let the generators that httpx nests come to their end.

    trio warns of each that is left half-way.  What they read from is
    closed, so this soon ends, if with an error.
    """
    with suppress(Exception):  # StopAsyncIteration is one.
        while True:
            await anext(chunks)


# These look the method up at each call: it may be patched meanwhile.
def by_transport(
    transport: httpx.BaseTransport, request: httpx.Request
) -> httpx.Response:
    """Send a request by a blocking transport."""
    return transport.handle_request(request)


async def by_async_transport(
    transport: httpx.AsyncBaseTransport, request: httpx.Request
) -> httpx.Response:
    """Send a request by an async transport."""
    return await transport.handle_async_request(request)


def by_client(client: httpx.Client, request: httpx.Request) -> httpx.Response:
    """Send a request by a blocking client."""
    request = _prepared(client, request)
    with _httpx_log_silenced():
        return client.send(
            request, stream=True, auth=None, follow_redirects=False
        )


async def by_async_client(
    client: httpx.AsyncClient, request: httpx.Request
) -> httpx.Response:
    """Send a request by an async client."""
    request = _prepared(client, request)
    with _httpx_log_silenced():
        return await client.send(
            request, stream=True, auth=None, follow_redirects=False
        )


def _prepared(
    client: httpx.Client | httpx.AsyncClient, request: httpx.Request
) -> httpx.Request:
    """Add the headers and cookies that the user gave to the client.

    Raises:
        TransportFailure: The client is closed.
    """
    if client.is_closed:
        raise TransportFailure(
            Failure(
                kind=FailureKind.CONNECT,
                detail="The httpx client given as transport= is closed.",
                sent=False,
            )
        )
    return client.build_request(
        request.method,
        request.url,
        headers=request.headers,
        content=request.read(),
        extensions=request.extensions,
    )


_sending = ContextVar("sesamy_async_call", default=False)


def _not_sending(record: logging.LogRecord) -> bool:
    del record
    return not _sending.get()


@contextmanager
def _httpx_log_silenced() -> Generator[None]:
    """Drop what the logger `httpx` says within the block.

    Only for the present task or thread: requests that the user makes with
    the same client are still logged.
    """
    logging.getLogger("httpx").addFilter(_not_sending)
    token = _sending.set(True)
    try:
        yield
    finally:
        _sending.reset(token)
