"""What a call is sent through: a connection of ours, or somebody's httpx."""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, TypeAlias

import attrs
import h11
import httpx

from sesamy_async._call import Call, Record, Request, Runtime
from sesamy_async._outcome import Failure, FailureKind, TransportFailure

from .body import ACCEPT_ENCODING, Body
from .failures import FailureFacts
from .http11 import Connection
from .settings import stream_of
from .stream import Wait, until


Head: TypeAlias = tuple[int, Iterable[tuple[bytes, bytes]]]
"""A status, and headers as they came."""

_LEAST = 0.001  # Zero would make a socket non-blocking.
_WITH_BODY = {"POST", "PUT", "PATCH"}
_TIMEOUTS = ("connect", "read", "write", "pool")
_ACCEPT_ENCODING = (b"Accept-Encoding", ACCEPT_ENCODING.encode())


@attrs.frozen(eq=False, repr=False)
class Patience:
    """How long the network operations of a call may take."""

    call: Call
    runtime: Runtime

    def __call__(self) -> float | None:
        """Return the seconds of the next operation; None for no limit."""
        call = self.call
        left = call.deadline - self.runtime.now()
        if left <= 0:
            raise TimeoutError("The deadline passed.")
        seconds = min(call.timeout, left)
        return None if seconds == math.inf else seconds

    def part(self) -> Wait:
        """Return the limit of an operation in several steps."""
        seconds = self()
        return self if seconds is None else until(self.runtime.now, seconds)

    @property
    def late(self) -> bool:
        return self.runtime.now() >= self.call.deadline


@lru_cache(256)
def _target(url: str) -> bytes:
    """Return the path and query; parsing a URL takes long."""
    return httpx.URL(url).raw_path


def headers_of(request: Request, host: bytes) -> list[tuple[bytes, bytes]]:
    """Return all headers of a request, or raise `UnicodeError`."""
    headers = [(b"Host", host), _ACCEPT_ENCODING]
    for name, value in request.headers.items():
        headers.append((name.encode("ascii"), value.encode("ascii")))
    if request.content or request.method in _WITH_BODY:
        length = str(len(request.content)).encode()
        headers.append((b"Content-Length", length))
    if request.authorization is not None:
        token = request.authorization.reveal().encode("ascii")
        headers.append((b"Authorization", token))
    return headers


class OwnPeer(Connection):
    """A connection of ours, for calls."""

    async def send(self, call: Call, patience: Patience) -> Head:
        """Send a request and return the head of the response."""
        request = call.request
        target = _target(request.url)
        headers = headers_of(request, self.route.target.name)
        data = self.head(request.method, target, headers)
        data += self.encoded(h11.Data, data=request.content)
        data += self.encoded(h11.EndOfMessage)
        await self.connect(patience.part)
        call.record.sent = True
        await self.write(data, patience)
        answer = await self.response(patience)
        return answer.status_code, answer.headers

    async def read(self, body: Body, patience: Patience) -> None:
        while (data := await self.chunk(patience)) is not None:
            body.feed(data)

    def facts(self) -> FailureFacts:
        """Return what is known if an exchange fails."""
        route = self.route
        # Then a server may ask for our certificate after it has read.
        late_tls = route.context.post_handshake_auth
        return FailureFacts(
            unread=self.fresh and not late_tls,
            proxy=route.proxy_name,
            behind_proxy=self.behind_proxy,
        )


def request_of(
    request: Request, httpx: Any, seconds: float | None, trace: object
) -> Any:
    """Return a request of an httpx, which bounds each network operation.

    Its headers are encoded and its stream is ready, or httpx would do that
    again for each request.
    """
    url = httpx.URL(request.url)
    return httpx.Request(
        request.method,
        url,
        headers=headers_of(request, url.netloc),
        stream=stream_of(httpx)(request.content),
        extensions={
            "timeout": dict.fromkeys(_TIMEOUTS, seconds),
            "trace": trace,
        },
    )


_STARTED = ".send_request_headers.started"
_FAILED = ".send_request_headers.failed"
_CONNECTING = ("connection.", "socks.")
_BEHIND_PROXY = {"proxy.start_tls.started", "socks.start_tls.started"}
_TUNNEL = b"CONNECT"


class SendTracker:
    """Keeps `Record.sent` true, from httpcore's trace of one attempt.

    Nothing is sent before ``http11.send_request_headers.started`` (or
    ``http2.``, in a client of the user's).  That event also comes for a
    proxy's CONNECT, which is not our request; and a head that h11 refuses to
    write (``LocalProtocolError``) never left.  If a transport of the user's
    tries twice, the second attempt can't undo that the first was sent.

    Attributes:
        behind_proxy: Whether a proxy had led to the target.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._first = False
        self.behind_proxy: bool = False
        # The transport may have no trace.
        record.sent = None

    def on_event(self, name: str, info: dict[str, Any]) -> None:
        record = self._record
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
        self.on_event(name, info)


class HttpxPeer:
    """An httpx client or transport, through which one call goes at a time.

    Args:
        httpx: The module.
        through: The client or transport.
        blocking: Whether it blocks.
        owned: Whether it was made for one call, and is closed after it.
        known: Whether its exceptions mean what they mean in httpx.
            Otherwise a `ConnectTimeout` may come after the request left.
        proxy: The name of the proxy that it uses, if known.
    """

    def __init__(
        self,
        httpx: Any,
        through: Any,
        *,
        blocking: bool,
        owned: bool = False,
        known: bool = True,
        proxy: str | None = None,
    ) -> None:
        self._httpx = httpx
        self._through = through
        self._awaits = not blocking
        self._is_client = hasattr(through, "send")
        self._known = known
        self._proxy = proxy
        self._tracker: SendTracker | None = None
        self._answer: Any = None
        self._owned = owned
        # Bytes behind a response are invisible in httpx, so what is ours
        # serves one call.
        self.is_idle = not owned

    def usable(self) -> bool:
        return True  # httpx looks after its connections itself.

    async def connect_ahead(self, part: Callable[[], Wait]) -> None:
        """Do nothing: httpx connects with a request."""

    async def send(self, call: Call, patience: Patience) -> Head:
        tracker = self._tracker = SendTracker(call.record)
        trace = tracker.on_event_async if self._awaits else tracker.on_event
        try:
            seconds = patience()
        except TimeoutError:
            seconds = _LEAST
        try:
            request = request_of(call.request, self._httpx, seconds, trace)
        except Exception:
            call.record.sent = False
            raise
        with _httpx_log_silenced():
            answer = self._begin(request)
            self._answer = await answer if self._awaits else answer
        return self._answer.status_code, self._answer.headers.raw

    async def read(self, body: Body, patience: Patience) -> None:
        del patience  # It was bounded with the request.
        answer = self._answer
        try:
            if answer.is_stream_consumed:
                body.take(answer.content)
            elif self._awaits:
                await self._read_stream(aiter(answer.stream), body)
            else:
                for chunk in answer.stream:
                    body.feed(chunk)
        finally:
            await self._close(answer)

    def facts(self) -> FailureFacts:
        tracker = self._tracker
        return FailureFacts(
            known=self._known,
            proxy=self._proxy,
            behind_proxy=bool(tracker and tracker.behind_proxy),
        )

    async def aclose(self) -> None:
        if self._owned:
            await self._close(self._through)

    async def _close(self, opened: Any) -> None:
        if self._awaits:
            await opened.aclose()
        else:
            opened.close()

    async def _read_stream(
        self, chunks: AsyncIterator[bytes], body: Body
    ) -> None:
        try:
            async for chunk in chunks:
                body.feed(chunk)
        except TransportFailure:
            try:
                await self._answer.aclose()
            finally:  # Also where that is cancelled.
                await _exhaust(chunks)
            raise

    def _begin(self, request: Any) -> Any:
        """Return the response, or an awaitable of it."""
        through = self._through
        if self._is_client:
            return through.send(
                _prepared(through, request),
                stream=True,
                auth=None,
                follow_redirects=False,
            )
        if self._awaits:
            return through.handle_async_request(request)
        return through.handle_request(request)


async def _exhaust(chunks: AsyncIterator[bytes]) -> None:
    """Let the generators that httpx nests end: trio warns of others.

    What they read from is closed, so this ends soon, perhaps with an error.
    """
    with suppress(Exception):  # StopAsyncIteration is one.
        while True:
            await anext(chunks)


def _prepared(client: Any, request: Any) -> Any:
    """Add the headers and cookies that the user gave to the client."""
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
    """Drop what httpx logs in the block, in this task or thread only."""
    logging.getLogger("httpx").addFilter(_not_sending)
    token = _sending.set(True)
    try:
        yield
    finally:
        _sending.reset(token)


Peer: TypeAlias = OwnPeer | HttpxPeer
