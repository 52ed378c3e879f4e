"""Blocking streams that know the deadline."""

from __future__ import annotations

import math
import ssl
from typing import Any

import pytest

from sesamy_async.transport.bounded_stream import (
    Allowance,
    BoundedBackend,
    BoundedStream,
)
from support.runtime import FakeRuntime


HEAD = "http11.send_request_headers."


@pytest.mark.parametrize(
    ("deadline", "timeout", "expected"),
    [
        (math.inf, 5.0, 5.0),
        (math.inf, None, None),
        (1002.0, 5.0, 2.0),
        (1002.0, 1.0, 1.0),
        (1002.0, None, 2.0),
        (999.0, 5.0, 0.001),
    ],
)
def test_allowance(
    deadline: float, timeout: float | None, expected: float | None
) -> None:
    """An operation gets its timeout, or what is left if that is less."""
    allowance = Allowance(FakeRuntime())
    allowance.deadline = deadline

    assert expected == allowance.shorten(timeout)


class FakeStream:
    """Notes how it is used."""

    def __init__(self) -> None:
        self.used: list[tuple[Any, ...]] = []

    def read(self, max_bytes: int, timeout: float | None) -> bytes:
        """Note it."""
        self.used.append(("read", max_bytes, timeout))
        return b"x"

    def write(self, buffer: bytes, timeout: float | None) -> None:
        """Note it."""
        self.used.append(("write", buffer, timeout))

    def close(self) -> None:
        """Note it."""
        self.used.append(("close",))

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None,
        timeout: float | None,
    ) -> FakeStream:
        """Note it."""
        del ssl_context
        self.used.append(("tls", server_hostname, timeout))
        return self

    def get_extra_info(self, info: str) -> Any:
        """Note it."""
        return f"the {info}"

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None,
        *options: object,
    ) -> FakeStream:
        """Note it."""
        del options
        self.used.append(("connect", host, port, timeout))
        return self


def test_bounded_stream() -> None:
    """Each operation of a stream is bounded by the deadline."""
    allowance = Allowance(FakeRuntime())
    allowance.deadline = 1002.0
    inner = FakeStream()
    stream = BoundedBackend(inner, allowance).connect_tcp("h", 1, 9.0)
    stream = stream.start_tls(ssl.create_default_context(), "h", 9.0)
    stream.read(5, 9.0)
    stream.write(b"x", 9.0)
    stream.close()

    assert [
        ("connect", "h", 1, 2.0),
        ("tls", "h", 2.0),
        ("read", 5, 2.0),
        ("write", b"x", 2.0),
        ("close",),
    ] == inner.used
    assert isinstance(stream, BoundedStream)
    assert "the socket" == stream.get_extra_info("socket")
