"""How to talk over an httpx transport or client, awaiting or blocking.

Four small classes of one shape; all differences between async and blocking
I/O in the whole SDK are here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, cast

import httpx

from sesamy_async.core.failure import Failure, FailureKind, TransportFailure

from .blocking_stream import Allowance
from .body import Body
from .boundary import Boundary
from .quiet import quiet
from .usable import usable


if TYPE_CHECKING:
    from .blocking_exchanges import BlockingExchanges


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
        request = merged(self._client, request)
        with quiet():
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
        request = merged(self._client, request)
        with quiet():
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


def merged(
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
