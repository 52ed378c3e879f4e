"""Streams on trio: httpcore's own, with some things mended."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from sesamy_async._http import READ_SIZE, TrioStream
from support.runtime import FakeRuntime


HEAD = b"GET / HTTP/1.1\r\n\r\n"


class FakeStream:
    """Notes what is written, and fails to put on TLS."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    async def read(self, max_bytes: int, seconds: float | None) -> bytes:
        """Return as much as is wanted."""
        del seconds
        return b"x" * max_bytes

    async def write(self, buffer: bytes, seconds: float | None) -> None:
        """Note it."""
        del seconds
        self.written.append(buffer)

    async def start_tls(self, *_: Any) -> Any:
        """Fail, as a cancellation would."""
        raise KeyboardInterrupt

    async def aclose(self) -> None:
        """Note it."""
        self.closed = True


async def test_head_without_body() -> None:
    """A head without a body leaves before anything is read."""
    inner = FakeStream()
    stream = TrioStream(inner, FakeRuntime())
    await stream.write(HEAD, 1.0)
    held = list(inner.written)
    await stream.read(10, 1.0)

    assert ([], [HEAD]) == (held, inner.written)


async def test_a_body_of_nothing() -> None:
    """Nothing is sent while httpcore's generator of it is under way."""
    inner = FakeStream()
    stream = TrioStream(inner, FakeRuntime())
    await stream.write(HEAD, 1.0)
    await stream.write(b"", 1.0)
    held = list(inner.written)
    await stream.read(10, 1.0)

    assert ([], [HEAD]) == (held, inner.written)


async def test_sips() -> None:
    """However much is wanted, what is parsed at once is little."""
    stream = TrioStream(FakeStream(), FakeRuntime())

    assert READ_SIZE == len(await stream.read(65_536, 1.0))


async def test_interrupted_handshake() -> None:
    """A connection whose handshake was interrupted is closed."""
    inner = FakeStream()
    stream = TrioStream(inner, FakeRuntime())
    context = ssl.create_default_context()
    with pytest.raises(KeyboardInterrupt):
        await stream.start_tls(context, "h", 1.0)

    assert inner.closed
