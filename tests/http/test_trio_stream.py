"""Streams on trio: httpcore's own, with some fixes; and what TLS holds."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from sesamy_async._http import READ_SIZE, TrioStream, holds_more
from support.runtime import FakeRuntime
from support.tls import client_context, server_context


HEAD = b"GET / HTTP/1.1\r\n\r\n"


class FakeStream:
    """Notes what is written, and fails in start_tls."""

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


@pytest.mark.parametrize("bodies", [[], [b""]])
async def test_head_without_body(bodies: list[bytes]) -> None:
    """A head without a body leaves before anything is read.

    Not while httpcore's generator of the body of a CONNECT is under way.
    """
    inner = FakeStream()
    stream = TrioStream(inner, FakeRuntime())
    for data in (HEAD, *bodies):
        await stream.write(data, 1.0)
    held = list(inner.written)
    await stream.read(10, 1.0)

    assert ([], [HEAD]) == (held, inner.written)


async def test_read_size() -> None:
    """However much is wanted, little is parsed at once."""
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


def shaken() -> tuple[ssl.SSLObject, ssl.SSLObject, ssl.MemoryBIO]:
    """Return both ends of TLS in memory, and what leads to the client."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context().wrap_bio(
        down, up, server_hostname="api.sesamy.test"
    )
    server = server_context().wrap_bio(up, down, server_side=True)
    ends = [client, server]
    while ends:
        end = ends.pop(0)
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            ends.append(end)
    return client, server, down


def test_what_nobody_has_read() -> None:
    """Each record beyond the one that was read is something more."""
    client, server, _ = shaken()
    server.write(b"an answer")
    server.write(b"and another")

    assert b"an answer" == client.read(100)
    assert holds_more(client)


def test_all_was_read() -> None:
    """What TLS says to itself, such as tickets, is nothing."""
    client, _, down = shaken()

    assert down.pending  # The tickets.
    assert not holds_more(client)


def test_no_tls_at_all() -> None:
    """What can't be read is of no use either."""
    client, _, down = shaken()
    down.write(b"HTTP/1.1 200 OK\r\n\r\n")

    assert holds_more(client)
