"""Adapters over httpx clients and transports, awaiting or blocking."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, cast

import httpx

from sesamy_async._call import Record
from sesamy_async._outcome import Failure, FailureKind, TransportFailure

from .blocking_stream import Allowance
from .body import Body
from .stream import usable


if TYPE_CHECKING:
    from .http11 import BlockingExchanges

_ours = ContextVar("sesamy_async_call", default=False)


def _not_ours(record: logging.LogRecord) -> bool:
    del record
    return not _ours.get()


@contextmanager
def httpx_log_silenced() -> Generator[None]:
    """Drop what the logger `httpx` says within the block.

    Only for the present task or thread, and only for requests of ours;
    those that the caller makes with the same client are logged as ever.
    """
    logging.getLogger("httpx").addFilter(_not_ours)
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


_STARTED = ".send_request_headers.started"
_FAILED = ".send_request_headers.failed"
_CONNECTING = ("connection.", "socks.")
_CONNECT = "connect_tcp.started"
_BEHIND = {"proxy.start_tls.started", "socks.start_tls.started"}
_TUNNEL = b"CONNECT"


class Boundary:
    """Keeps `Record.sent` true, from httpcore's trace of one attempt.

    Nothing was sent as long as ``http11.send_request_headers.started`` has
    not fired (or ``http2.``, in a client of the caller's).  It fires for a
    proxy's CONNECT too, which is not ours; and a head that h11 refuses to
    write (``LocalProtocolError``) never left.  What has left once, a second
    try of a transport of the caller's can't call back.

    Attributes:
        fresh: Whether a connection was made for this attempt.
        behind: Whether a proxy led to the target.
    """

    __slots__ = ("_first", "_record", "behind", "fresh")

    def __init__(self, record: Record) -> None:
        self._record = record
        self._first = False
        self.fresh = False
        self.behind = False
        # As long as nothing is traced, nothing can be said: the transport
        # may be one that has no trace.
        record.sent = None

    def see(self, name: str, info: dict[str, Any]) -> None:
        """Take note of an event, in the blocking client."""
        record = self._record
        self.fresh = self.fresh or name.endswith(_CONNECT)
        self.behind = self.behind or name in _BEHIND
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

    async def asee(self, name: str, info: dict[str, Any]) -> None:
        """Take note of an event, in the async client."""
        self.see(name, info)


Known = Callable[[], bool]
"""Says whether exceptions mean what they mean in httpx."""


class Wire(Protocol):
    """One connection of ours, or whatever the caller gave us."""

    @property
    def traced(self) -> bool:
        """Whether nothing can leave without the trace telling of it."""
        ...

    @property
    def known(self) -> bool:
        """Whether its exceptions mean what they mean in httpx.

        Where they don't, a `ConnectTimeout` may come after the request
        has left.
        """
        ...

    @property
    def proxy(self) -> str | None:
        """The name of the proxy that it goes through, if it is ours."""
        ...

    def usable(self) -> bool:
        """Whether it can still be used after a rest."""
        ...

    def trace(self, boundary: Boundary) -> Callable[..., Any]:
        """Return the callback for httpcore's trace."""
        ...

    async def open(self, seconds: float | None, deadline: float) -> None:
        """Connect, if it is ours and has no proxy, and send nothing."""
        ...

    async def send(
        self, request: httpx.Request, deadline: float
    ) -> httpx.Response:
        """Send it and read the head of the answer."""
        ...

    async def read(self, response: httpx.Response, body: Body) -> None:
        """Read the rest into `body`, and close the answer."""
        ...

    async def aclose(self) -> None:
        """Close the connection."""
        ...


class _OverTransport:
    _transport: Any
    _owned: bool
    _connection: Any
    _known: Known
    proxy: str | None

    @property
    def traced(self) -> bool:
        return self._owned

    @property
    def known(self) -> bool:
        return self._owned or self._known()

    def usable(self) -> bool:
        return not self._owned or usable(self._connection, self._transport)


class _OverClient:
    """It may be a mock, it has a pool of its own, and it stays open."""

    _known: Known
    proxy: str | None = None

    @property
    def traced(self) -> bool:
        return False

    @property
    def known(self) -> bool:
        return self._known()

    def usable(self) -> bool:
        return True

    async def open(self, seconds: float | None, deadline: float) -> None:
        pass

    async def aclose(self) -> None:
        pass


class _Awaiting:
    def trace(self, boundary: Boundary) -> Callable[..., Any]:
        return boundary.asee

    async def read(self, response: httpx.Response, body: Body) -> None:
        try:
            if response.is_stream_consumed:
                body.take(response.content)
                return
            stream = cast("httpx.AsyncByteStream", response.stream)
            chunks = aiter(stream)
            try:
                async for chunk in chunks:
                    body.feed(chunk)
            except TransportFailure:
                await response.aclose()
                await _exhaust(chunks)
                raise
        finally:
            await response.aclose()


class AsyncTransportWire(_OverTransport, _Awaiting):
    """Over an async httpx transport."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        *,
        owned: bool,
        connection: Any = None,
        known: Known = bool,  # Says False.
        proxy: str | None = None,
        ahead: Callable[[float | None], Awaitable[None]] | None = None,
    ) -> None:
        self.proxy = proxy
        self._transport = transport
        self._owned = owned
        self._known = known
        self._connection = connection
        self._ahead = ahead

    async def open(self, seconds: float | None, deadline: float) -> None:
        """Connect, if it is ours and has no proxy, and send nothing."""
        del deadline  # A cancellation ends the call in time.
        if self._ahead is not None:
            await self._ahead(seconds)

    async def send(
        self, request: httpx.Request, deadline: float
    ) -> httpx.Response:
        """Send it and read the head of the answer."""
        del deadline  # A cancellation ends the call in time.
        response: httpx.Response
        response = await self._transport.handle_async_request(request)
        return response

    async def aclose(self) -> None:
        """Close the connection, if it is ours."""
        if self._owned:
            await self._transport.aclose()


class AsyncClientWire(_OverClient, _Awaiting):
    """Over an `httpx.AsyncClient` of the caller's."""

    def __init__(self, client: httpx.AsyncClient, known: Known) -> None:
        self._client = client
        self._known = known

    async def send(
        self, request: httpx.Request, deadline: float
    ) -> httpx.Response:
        """Send it and read the head of the answer."""
        del deadline
        refuse_closed(closed=self._client.is_closed)
        request = with_client_headers(self._client, request)
        with httpx_log_silenced():
            return await self._client.send(
                request, stream=True, auth=None, follow_redirects=False
            )


class _Blocking:
    _allowance: Allowance

    def trace(self, boundary: Boundary) -> Callable[..., Any]:
        return boundary.see

    async def read(self, response: httpx.Response, body: Body) -> None:
        try:
            if response.is_stream_consumed:
                body.take(response.content)
                return
            for chunk in cast("httpx.SyncByteStream", response.stream):
                body.feed(chunk)
                if self._allowance.spent:
                    raise TimeoutError("The deadline passed.")
        finally:
            response.close()


class BlockingTransportWire(_OverTransport, _Blocking):
    """Over a blocking httpx transport."""

    def __init__(
        self,
        transport: httpx.BaseTransport,
        allowance: Allowance,
        *,
        owned: bool,
        exchanges: BlockingExchanges | None = None,
        known: Known = bool,  # Says False.
        proxy: str | None = None,
    ) -> None:
        self.proxy = proxy
        self._transport = transport
        self._allowance = allowance
        self._owned = owned
        self._known = known
        self._connection = None
        self._exchanges = exchanges

    def usable(self) -> bool:
        """Whether it can still be used after a rest."""
        if self._exchanges is not None:
            return self._exchanges.usable()
        return super().usable()

    async def open(self, seconds: float | None, deadline: float) -> None:
        """Connect, if it is ours and has no proxy, and send nothing."""
        self._allowance.deadline = deadline
        if self._exchanges is not None:
            self._exchanges.open(seconds)

    async def send(
        self, request: httpx.Request, deadline: float
    ) -> httpx.Response:
        """Send it and read the head of the answer."""
        self._allowance.deadline = deadline
        response: httpx.Response = self._transport.handle_request(request)
        return response

    async def aclose(self) -> None:
        """Close the connection, if it is ours."""
        if self._owned:
            self._transport.close()


class BlockingClientWire(_OverClient, _Blocking):
    """Over an `httpx.Client` of the caller's."""

    def __init__(
        self, client: httpx.Client, allowance: Allowance, known: Known
    ) -> None:
        self._client = client
        self._allowance = allowance
        self._known = known

    async def send(
        self, request: httpx.Request, deadline: float
    ) -> httpx.Response:
        """Send it and read the head of the answer."""
        self._allowance.deadline = deadline
        refuse_closed(closed=self._client.is_closed)
        request = with_client_headers(self._client, request)
        with httpx_log_silenced():
            return self._client.send(
                request, stream=True, auth=None, follow_redirects=False
            )


async def _exhaust(chunks: AsyncIterator[bytes]) -> None:
    """Let the generators that httpx nests come to their end.

    trio warns of each that is left half-way.  What they read from is
    closed, so this soon ends, if with an error.
    """
    with suppress(Exception):  # StopAsyncIteration is one.
        while True:
            await anext(chunks)


def with_client_headers(
    client: httpx.Client | httpx.AsyncClient, request: httpx.Request
) -> httpx.Request:
    """Add the headers and cookies that the caller gave to the client."""
    return client.build_request(
        request.method,
        request.url,
        headers=request.headers,
        content=request.read(),
        extensions=request.extensions,
    )


def refuse_closed(*, closed: bool) -> None:
    """Refuse a client of the caller's that is closed.

    Raises:
        TransportFailure: Nothing was sent.
    """
    if closed:
        raise TransportFailure(
            Failure(
                kind=FailureKind.CONNECT,
                detail="The httpx client given as transport= is closed.",
                sent=False,
            )
        )
