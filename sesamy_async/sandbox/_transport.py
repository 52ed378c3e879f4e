"""An httpx transport that ends in a function of this process."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeAlias

import anyio
import anyio.lowlevel
import attrs
import httpcore
import httpx

from ._exchange import Answer, Delivery, SandboxRequest


Handler: TypeAlias = Callable[[SandboxRequest], Answer]
"""What turns a request into an answer.
"""

# What httpcore tells of a real connection, as far as it says when a request
# begins to leave.
_CONNECTING = "connection.connect_tcp.started"
_SENDING = "http11.send_request_headers.started"


class HandlerTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Ask a function instead of the network, blocking or async.

    What the answer says about its delivery becomes what httpx makes of it
    on a real connection.

    Args:
        handler: Turns a request into an answer; called from any thread.
        sleep: How the blocking side waits.
        async_sleep: How the async side waits.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        sleep: Callable[[float], object] = time.sleep,
        async_sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        self._handler = handler
        self._sleep = sleep
        self._async_sleep = async_sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a blocking client.

        Raises:
            httpx.ReadError: The connection dies before an answer.
            httpx.ReadTimeout: The answer comes too late.
        """
        request.read()
        trace = request.extensions.get("trace")
        if trace is not None:
            trace(_SENDING, {"request": _as_sent(request)})
        exchange = _Exchange.of(request, self._handler(_described(request)))
        if exchange.wait:
            self._sleep(exchange.wait)
        return exchange.response()

    async def handle_async_request(
        self, request: httpx.Request
    ) -> httpx.Response:
        """Answer a request of an async client.

        Raises:
            httpx.ReadError: The connection dies before an answer.
            httpx.ReadTimeout: The answer comes too late.
        """
        await request.aread()
        trace = request.extensions.get("trace", _no_trace)
        await trace(_CONNECTING, {"host": request.url.host})
        # A cancelled call must get the chance not to be sent, and another
        # one (below) the chance to be cancelled after it was.
        await anyio.lowlevel.checkpoint()
        await trace(_SENDING, {"request": _as_sent(request)})
        exchange = _Exchange.of(request, self._handler(_described(request)))
        await self._async_sleep(exchange.wait)
        return exchange.response()


@attrs.frozen(kw_only=True)
class _Exchange:
    """An answer, and how long the client is ready to wait for it."""

    request: httpx.Request
    answer: Answer
    patience: float

    @classmethod
    def of(cls, request: httpx.Request, answer: Answer) -> _Exchange:
        timeout: dict[str, Any] = request.extensions.get("timeout", {})
        patience = timeout.get("read")
        return cls(
            request=request,
            answer=answer,
            patience=float("inf") if patience is None else patience,
        )

    @property
    def wait(self) -> float:
        return min(self.answer.delay, self.patience)

    def response(self) -> httpx.Response:
        answer = self.answer
        if answer.delay > self.patience:
            raise httpx.ReadTimeout(
                "The answer comes too late.", request=self.request
            )
        match answer.delivery:
            case Delivery.NOTHING:
                raise httpx.ReadError(
                    "The connection was cut.", request=self.request
                )
            case Delivery.HALF:
                length = {"Content-Length": str(answer.promised)}
                return httpx.Response(
                    answer.status,
                    headers={**answer.headers, **length},
                    stream=_HalfStream(answer.half, self.request),
                )
            case _:
                return httpx.Response(
                    answer.status,
                    headers=answer.headers,
                    content=answer.body,
                )


class _HalfStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Half a body, and the end of the connection."""

    def __init__(self, half: bytes, request: httpx.Request) -> None:
        self._half = half
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        yield self._half
        raise self._cut()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._half
        raise self._cut()

    def _cut(self) -> httpx.RemoteProtocolError:
        return httpx.RemoteProtocolError(
            "peer closed connection without sending complete message body",
            request=self._request,
        )


async def _no_trace(name: str, info: dict[str, Any]) -> None:
    """Tell nobody."""


def _described(request: httpx.Request) -> SandboxRequest:
    target = request.url.raw_path.decode("ascii")
    path, _, query = target.partition("?")
    return SandboxRequest(
        method=request.method,
        path=path,
        query=query,
        headers=request.headers,
        body=request.content,
    )


def _as_sent(request: httpx.Request) -> httpcore.Request:
    """Return what the trace of a real connection shows."""
    return httpcore.Request(request.method, str(request.url))
