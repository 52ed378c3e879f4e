"""Network streams on trio: httpcore's own, with some fixes."""

from __future__ import annotations

import ssl
from typing import Any

from sesamy_async._call import Runtime

from .stream import READ_SIZE, RequestBuffer, holds_more


class TrioStream:
    """A stream of httpcore's that sends a request's head with its body.

    httpcore's own stream leaves the connection open if a TLS handshake is
    cancelled, does not say why a handshake failed, and does not see what the
    TLS to a proxy holds.

    Args:
        stream: httpcore's.
        runtime: Shields the closing.
        beneath: The stream that this one's TLS is over.
    """

    def __init__(
        self,
        stream: Any,
        runtime: Runtime,
        beneath: TrioStream | None = None,
    ) -> None:
        self._stream = stream
        self._runtime = runtime
        self._beneath = beneath
        self._request = RequestBuffer()

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> bytes:
        """Read some bytes, not many at once; none at the end."""
        if self._request.waiting:
            await self._stream.write(self._request.take(), timeout)
        data: bytes = await self._stream.read(
            min(max_bytes, READ_SIZE), timeout
        )
        return data

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> None:
        """Write all bytes."""
        if not buffer:
            # The body of a CONNECT, from a generator of httpcore's.  If it
            # were cancelled here, trio would warn that nobody closed the
            # generator.  What is held leaves as the answer is awaited.
            return
        send = self._request.add(buffer)
        del buffer  # No traceback may show it as a local of ours.
        if send:
            await self._stream.write(self._request.take(), timeout)

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
        """Whether something has come that nobody asked for."""
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
    """Opens streams.

    Args:
        backend: httpcore's.
        runtime: Shields the closing.
    """

    def __init__(self, backend: Any, runtime: Runtime) -> None:
        self._backend = backend
        self._runtime = runtime

    async def connect_tcp(
        self, host: str, port: int, **how: Any
    ) -> TrioStream:
        """Connect."""
        stream = await self._backend.connect_tcp(host, port, **how)
        return TrioStream(stream, self._runtime)
