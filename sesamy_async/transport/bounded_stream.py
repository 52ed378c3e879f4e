"""Blocking network streams that know the deadline of the call.

A timeout bounds one read.  A server that sends a byte now and then holds a
call for as long as it likes; in async code a cancellation ends that, in
blocking code only the stream itself can.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Iterable
from typing import Any, Protocol

from sesamy_async.core.runtime import Runtime

from .outbox import Outbox


_LEAST = 0.001  # Zero would make the socket non-blocking.


class _Stream(Protocol):
    """What httpcore calls a NetworkStream."""

    def read(self, max_bytes: int, timeout: float | None) -> bytes: ...

    def write(self, buffer: bytes, timeout: float | None) -> None: ...

    def close(self) -> None: ...

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None,
        timeout: float | None,
    ) -> _Stream: ...

    def get_extra_info(self, info: str) -> Any: ...


class _Backend(Protocol):
    """What httpcore calls a NetworkBackend."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None,
        local_address: str | None,
        socket_options: Iterable[Any] | None,
    ) -> _Stream: ...


class Allowance:
    """How long the present call may still use a connection."""

    __slots__ = ("_runtime", "deadline")

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.deadline: float = math.inf

    @property
    def spent(self) -> bool:
        """Whether the deadline has passed."""
        return self._runtime.now() >= self.deadline

    def shorten(self, timeout: float | None) -> float | None:
        """Return the timeout, or what is left if that is less."""
        if self.deadline == math.inf:
            return timeout
        left = max(_LEAST, self.deadline - self._runtime.now())
        return left if timeout is None else min(timeout, left)


class BoundedStream:
    """A stream each of whose operations ends by the deadline."""

    def __init__(self, stream: _Stream, allowance: Allowance) -> None:
        self._stream = stream
        self._allowance = allowance
        self._outbox = Outbox()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read some bytes."""
        if held := self._outbox.take():
            self._stream.write(held, self._allowance.shorten(timeout))
        return self._stream.read(max_bytes, self._allowance.shorten(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all bytes."""
        if data := self._outbox.add(buffer):
            self._stream.write(data, self._allowance.shorten(timeout))

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> BoundedStream:
        """Put TLS over it."""
        left = self._allowance.shorten(timeout)
        inner = self._stream.start_tls(ssl_context, server_hostname, left)
        return BoundedStream(inner, self._allowance)

    def get_extra_info(self, info: str) -> Any:
        """Return what the stream says of itself."""
        return self._stream.get_extra_info(info)


class BoundedBackend:
    """Opens streams that are bounded by an allowance."""

    def __init__(self, backend: _Backend, allowance: Allowance) -> None:
        self._backend = backend
        self._allowance = allowance

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> BoundedStream:
        """Connect."""
        left = self._allowance.shorten(timeout)
        stream = self._backend.connect_tcp(
            host, port, left, local_address, socket_options
        )
        return BoundedStream(stream, self._allowance)
