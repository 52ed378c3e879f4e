"""An httpx transport that ends in a function of this process."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio.lowlevel
import httpcore
import httpx

from sesamy_async._call import AnyioRuntime, BlockingRuntime, drive, present

from ._exchange import Answer, Delivery, SandboxRequest


# The events of httpcore's trace by which the SDK knows whether a request
# was sent.
_CONNECTING = "connection.connect_tcp.started"
_SENDING = "http11.send_request_headers.started"


class HandlerTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Calls a function instead of the network, blocking or async.

    A broken delivery raises what httpx raises for a real connection.  The
    function is called from any thread.
    """

    def __init__(self, handler: Callable[[SandboxRequest], Answer]) -> None:
        self._handler = handler
        self._blocking = present(BlockingRuntime())
        self._runtime = present(AnyioRuntime())

    # Nobody sets the events that are waited for.  The `sleep` of a runtime is
    # for what a client does, which a test may look at.

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Respond to a request of a blocking client."""
        request.read()
        trace = request.extensions.get("trace")
        if trace is not None:
            trace(_SENDING, _as_sent(request))
        answer = self._handler(_described(request))
        if wait := min(answer.delay, _patience(request)):
            drive(self._blocking.event().wait(wait))
        return _response(answer, request)

    async def handle_async_request(
        self, request: httpx.Request
    ) -> httpx.Response:
        """Respond to a request of an async client."""
        await request.aread()
        trace = request.extensions.get("trace", _no_trace)
        await trace(_CONNECTING, {"host": request.url.host})
        # As on a network, a call can be cancelled before it is sent, and
        # (below) after it was.
        await anyio.lowlevel.checkpoint()
        await trace(_SENDING, _as_sent(request))
        answer = self._handler(_described(request))
        if wait := min(answer.delay, _patience(request)):
            await self._runtime.event().wait(wait)
        else:
            await anyio.lowlevel.checkpoint()
        return _response(answer, request)


def _described(request: httpx.Request) -> SandboxRequest:
    path, _, query = request.url.raw_path.decode("ascii").partition("?")
    return SandboxRequest(
        method=request.method,
        path=path,
        query=query,
        headers=request.headers,
        body=request.content,
    )


def _as_sent(request: httpx.Request) -> dict[str, httpcore.Request]:
    return {"request": httpcore.Request(request.method, str(request.url))}


async def _no_trace(name: str, info: dict[str, Any]) -> None:
    """Do nothing."""


def _patience(request: httpx.Request) -> float:
    timeout: float | None = request.extensions.get("timeout", {}).get("read")
    return math.inf if timeout is None else timeout


def _response(answer: Answer, request: httpx.Request) -> httpx.Response:
    if answer.delay > _patience(request):
        raise httpx.ReadTimeout("The response is late.", request=request)
    if answer.delivery is Delivery.NOTHING:
        raise httpx.ReadError("The connection was closed.", request=request)
    if answer.delivery is Delivery.HALF:
        headers = {**answer.headers, "Content-Length": str(answer.promised)}
        stream = _HalfStream(answer.half, request)
        return httpx.Response(answer.status, headers=headers, stream=stream)
    return httpx.Response(
        answer.status, headers=answer.headers, content=answer.body
    )


class _HalfStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, half: bytes, request: httpx.Request) -> None:
        self._half = half
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        yield self._half
        raise httpx.RemoteProtocolError(
            "peer closed connection without sending complete message body",
            request=self._request,
        )

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for half in self:
            yield half
