"""Network streams on trio: httpcore's own, with some things mended."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from .stream import READ_SIZE, RequestBuffer, holds_more


class _Shields(Protocol):
    def shield(self) -> AbstractContextManager[object]: ...


class TrioStream:
    """Sends a request's head with its body, and forgets no connection.

    httpcore leaves the connection open where the TLS handshake over it was
    cancelled, and does not say why it failed; and it sees nothing of what
    the TLS to a proxy holds.

    Args:
        stream: httpcore's.
        runtime: Shields what has to be closed.
        beneath: What this one's TLS was put over.
    """

    def __init__(
        self,
        stream: Any,
        runtime: _Shields,
        beneath: TrioStream | None = None,
    ) -> None:
        self._stream = stream
        self._runtime = runtime
        self._beneath = beneath
        self._outbox = RequestBuffer()

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> bytes:
        """Read some bytes, not many at once; none at the end."""
        if self._outbox.waiting:
            await self._stream.write(self._outbox.take(), timeout)
        sip = min(max_bytes, READ_SIZE)
        data: bytes = await self._stream.read(sip, timeout)
        return data

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> None:
        """Write all bytes."""
        if not buffer:
            # The body of a CONNECT, from a generator of httpcore's: were it
            # cancelled here, trio would warn that nobody has closed that.
            # What is held leaves as the answer is awaited.
            return
        send = self._outbox.add(buffer)
        del buffer  # No traceback may show it as a local of ours.
        if send:
            await self._stream.write(self._outbox.take(), timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> TrioStream:
        """Put TLS over it."""
        try:
            secured = await self._stream.start_tls(
                ssl_context, server_hostname, timeout
            )
        except BaseException as error:
            with self._runtime.shield():
                await self.aclose()
            reason = _reason(error)
            if reason is None:
                raise
            raise type(error)(str(reason)) from reason
        return TrioStream(secured, self._runtime, beneath=self)

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection says of itself."""
        if info == "is_readable" and self._beneath is not None:
            return self._beneath.has_more()
        return self._stream.get_extra_info(info)

    def has_more(self) -> bool:
        """Whether something has come that was not asked for."""
        tls = self._stream.get_extra_info("ssl_object")
        if tls is not None and holds_more(tls):
            return True
        return bool(self.get_extra_info("is_readable"))


def _reason(error: BaseException) -> ssl.SSLError | None:
    """Return why TLS failed, from beneath trio's error without words."""
    broken = error.__cause__
    reason = broken and broken.__cause__
    return reason if isinstance(reason, ssl.SSLError) else None


class TrioBackend:
    """Opens such streams.

    Args:
        backend: httpcore's.
        runtime: Shields what has to be closed.
    """

    def __init__(self, backend: Any, runtime: _Shields) -> None:
        self._backend = backend
        self._runtime = runtime

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> TrioStream:
        """Connect."""
        stream = await self._backend.connect_tcp(
            host, port, timeout, local_address, socket_options
        )
        return TrioStream(stream, self._runtime)
