"""One HTTP/1.1 exchange after another on a blocking connection of ours.

It does what httpcore does for a connection, between httpx above and h11
below.  It leaves out what the pool does already, the state of a connection,
and all but the few traced events that `SendTracker` needs.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from time import monotonic
from typing import Any, Self

import attrs
import h11  # httpcore requires it.

from .blocking_stream import BlockingBackend, BlockingStream
from .stream import READ_SIZE, ended_early, ticket_wait


_LARGEST_HEAD = 100 * 1024
_ALPN = ["http/1.1"]


class BlockingExchanges:
    """Takes the place of the HTTP/1.1 connection in one of httpcore's.

    An exchange that does not end as it should closes the connection.
    No bytes and events are in locals here: a traceback would show them.

    Args:
        origin: Where it leads, an `httpcore.Origin`.
        context: For TLS.
        backend: Opens the stream.
        errors: The httpcore whose exceptions are raised.
    """

    def __init__(
        self,
        origin: Any,
        context: ssl.SSLContext,
        backend: BlockingBackend,
        errors: Any,
    ) -> None:
        self._origin = origin
        self._context = context
        self._backend = backend
        self._errors = errors
        self._stream: BlockingStream | None = None
        self._h11 = h11.Connection(
            h11.CLIENT, max_incomplete_event_size=_LARGEST_HEAD
        )

    def usable(self) -> bool:
        """Whether it can be used once more: see `connection_usable`.

        h11 has the bytes that were read behind an answer; what else can be
        read of an idle connection is more of them, or its end.
        """
        if self._stream is None or self._h11.trailing_data[0]:
            return False
        return not self._stream.get_extra_info("is_readable")

    def is_available(self) -> bool:
        """Say yes to httpcore before 1.0.3: the pool has looked already."""
        return True

    def open(self, seconds: float | None) -> None:
        """Connect before there is a request.

        Args:
            seconds: What one network operation may take; None for no limit.
        """
        if self._stream is not None:
            return
        began = monotonic()
        stream = self._stream = self._connected(seconds)
        if self._origin.scheme == b"https":
            try:
                stream.read(1, ticket_wait(monotonic() - began, seconds))
            except self._errors.ReadTimeout:
                return
            raise ended_early(self._errors)

    def handle_request(self, request: Any) -> CoreResponse:
        """Send a request of httpcore's and read the head of the answer."""
        timeouts = request.extensions["timeout"]
        trace = request.extensions["trace"]
        try:
            stream = self._stream
            if stream is None:
                trace("connection.connect_tcp.started", {})
                stream = self._stream = self._connected(timeouts["connect"])
            # A server that stops reading may have answered before.
            with suppress(self._errors.WriteError):
                self._send(stream, request, timeouts["write"], trace)
            return self._answered(stream, timeouts["read"])
        except BaseException:
            self.close()
            raise

    def next_event(self, stream: BlockingStream, timeout: float | None) -> Any:
        """Return what h11 makes of the next bytes."""
        try:
            while (event := self._h11.next_event()) is h11.NEED_DATA:
                self._h11.receive_data(stream.read(READ_SIZE, timeout))
        except h11.RemoteProtocolError as error:
            raise self._errors.RemoteProtocolError(str(error)) from error
        return event

    def finish(self) -> None:
        """Make ready for the next exchange, or close."""
        if self._h11.our_state is self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
        else:
            self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _connected(self, timeout: float | None) -> BlockingStream:
        origin = self._origin
        host = origin.host.decode()
        stream = self._backend.connect_tcp(host, origin.port, timeout)
        if origin.scheme != b"https":
            return stream
        self._context.set_alpn_protocols(_ALPN)
        return stream.start_tls(self._context, host, timeout)

    def _send(
        self,
        stream: BlockingStream,
        request: Any,
        timeout: float | None,
        trace: Callable[..., Any],
    ) -> None:
        trace("http11.send_request_headers.started", {"request": request})
        try:
            stream.write(
                self._h11.send(
                    h11.Request(
                        method=request.method,
                        target=request.url.target,
                        headers=request.headers,
                    )
                ),
                timeout,
            )
        except h11.LocalProtocolError as error:
            raised = self._errors.LocalProtocolError(str(error))
            trace("http11.send_request_headers.failed", {"exception": raised})
            raise raised from error
        stream.write(
            self._h11.send(h11.Data(data=b"".join(request.stream))), timeout
        )
        stream.write(self._h11.send(h11.EndOfMessage()), timeout)

    def _answered(
        self, stream: BlockingStream, timeout: float | None
    ) -> CoreResponse:
        event = self.next_event(stream, timeout)
        while not _is_answer(event):
            event = self.next_event(stream, timeout)
        return CoreResponse(
            status=event.status_code,
            headers=event.headers.raw_items(),
            stream=AnswerStream(self, stream, timeout),
            extensions={
                "http_version": b"HTTP/" + event.http_version,
                "reason_phrase": event.reason,
                "network_stream": stream,
            },
        )


class AnswerStream:
    """The body of an answer, as it comes.

    Args:
        exchanges: The connection's.
        stream: Where it comes from.
        timeout: Seconds that one read may take.
    """

    def __init__(
        self,
        exchanges: BlockingExchanges,
        stream: BlockingStream,
        timeout: float | None,
    ) -> None:
        self._exchanges = exchanges
        self._stream = stream
        self._timeout = timeout

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        event = self._exchanges.next_event(self._stream, self._timeout)
        if isinstance(event, h11.Data):
            return bytes(event.data)
        raise StopIteration

    def close(self) -> None:
        """Say that nobody reads on."""
        self._exchanges.finish()


@attrs.frozen(kw_only=True)
class CoreResponse:
    """What httpx needs of an `httpcore.Response`."""

    status: int
    headers: list[tuple[bytes, bytes]] = attrs.field(repr=False)
    stream: AnswerStream
    extensions: dict[str, Any] = attrs.field(repr=False)


def _is_answer(event: Any) -> bool:
    """Whether no further answer follows this one."""
    return (
        isinstance(event, h11.Response)
        or event.status_code == HTTPStatus.SWITCHING_PROTOCOLS
    )
