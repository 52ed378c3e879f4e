"""Blocking streams that know the deadline."""

from __future__ import annotations

import math
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import httpcore
import pytest

from sesamy_async._http import Allowance, BlockingBackend, BlockingStream
from support.leaks import told_by
from support.runtime import FakeRuntime


HEAD = b"POST / HTTP/1.1\r\n\r\n"


@pytest.fixture
def pair() -> Iterator[tuple[BlockingStream, socket.socket]]:
    """Return a stream, and the socket at its other end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(5)
        yield BlockingStream(ours, Allowance(FakeRuntime()), httpcore), theirs


@pytest.mark.parametrize(
    ("deadline", "timeout", "expected"),
    [
        (math.inf, 5.0, 5.0),
        (math.inf, None, None),
        (1002.0, 5.0, 2.0),
        (1002.0, 1.0, 1.0),
        (1002.0, None, 2.0),
    ],
)
def test_allowance(
    deadline: float, timeout: float | None, expected: float | None
) -> None:
    """An operation gets its timeout, or what is left if that is less."""
    allowance = Allowance(FakeRuntime())
    allowance.deadline = deadline

    assert expected == allowance.shorten(timeout)


def test_nothing_left() -> None:
    """Where nothing is left, an operation does not even begin."""
    allowance = Allowance(FakeRuntime())
    allowance.deadline = 1000.0

    assert allowance.spent
    with pytest.raises(TimeoutError, match="deadline"):
        allowance.shorten(5.0)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(None, math.inf), (3.0, 1003.0)]
)
def test_a_part(seconds: float | None, expected: float) -> None:
    """A part of a call has a deadline of its own."""
    part = Allowance(FakeRuntime()).within(seconds)

    assert expected == part.deadline


def test_head_leaves_with_body(
    pair: tuple[BlockingStream, socket.socket],
) -> None:
    """A head is held back until its body comes."""
    stream, peer = pair
    stream.write(HEAD, 5.0)
    peer.setblocking(False)
    with pytest.raises(BlockingIOError):
        peer.recv(100)
    stream.write(b"body", 5.0)
    stream.write(b"", 5.0)

    assert HEAD + b"body" == peer.recv(100)


def test_head_without_body(
    pair: tuple[BlockingStream, socket.socket],
) -> None:
    """A head without a body leaves before anything is read."""
    stream, peer = pair
    peer.sendall(b"answer")
    stream.write(HEAD, 5.0)

    assert b"answer" == stream.read(100, 5.0)
    assert HEAD == peer.recv(100)


def test_timeouts(pair: tuple[BlockingStream, socket.socket]) -> None:
    """What takes too long is what httpcore calls it."""
    stream, _ = pair
    with pytest.raises(httpcore.ReadTimeout):
        stream.read(100, 0.01)
    with pytest.raises(httpcore.WriteTimeout):
        stream.write(b"x" * 10_000_000, 0.01)


def test_broken(pair: tuple[BlockingStream, socket.socket]) -> None:
    """What breaks is what httpcore calls it."""
    stream, peer = pair
    stream.write(b"x", 1.0)
    peer.close()
    with pytest.raises(httpcore.WriteError):
        stream.write(b"x", 1.0)
    with pytest.raises(httpcore.ReadError):
        stream.read(100, 1.0)


def test_extra_info(pair: tuple[BlockingStream, socket.socket]) -> None:
    """A stream tells its socket, and whether there is something to read."""
    stream, peer = pair

    assert not stream.get_extra_info("is_readable")
    assert None is stream.get_extra_info("ssl_object")
    assert None is stream.get_extra_info("anything")
    assert isinstance(stream.get_extra_info("socket"), socket.socket)

    peer.sendall(b"x")

    assert stream.get_extra_info("is_readable")

    stream.close()

    assert stream.get_extra_info("is_readable")


def test_interrupted_in_the_handshake(
    pair: tuple[BlockingStream, socket.socket],
) -> None:
    """A handshake that is interrupted leaves no socket behind."""
    stream, peer = pair

    class Interrupting(ssl.SSLContext):
        def wrap_socket(self, *_: Any, **__: Any) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stream.start_tls(Interrupting(ssl.PROTOCOL_TLS_CLIENT), "h", 1.0)

    assert b"" == peer.recv(1)


@pytest.mark.parametrize("found", [[], [(99, 99, 99, "", ())]])
def test_no_address(found: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A name without an address that we could use gives no connection."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    backend = BlockingBackend(Allowance(FakeRuntime()), httpcore)
    with pytest.raises(httpcore.ConnectError):
        backend.connect_tcp("a.test", 1, 1.0)


def test_interrupted_while_connecting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C while connecting leaves no socket behind."""
    made: list[socket.socket] = []

    class Interrupting(socket.socket):
        def connect(self, address: Any) -> None:
            del address
            made.append(self)
            raise KeyboardInterrupt

    monkeypatch.setattr(socket, "socket", Interrupting)
    backend = BlockingBackend(Allowance(FakeRuntime()), httpcore)
    with pytest.raises(KeyboardInterrupt):
        backend.connect_tcp("127.0.0.1", 1, 1.0)

    assert [-1] == [each.fileno() for each in made]


def test_a_name_that_is_none() -> None:
    """A name that can't be looked up gives no connection."""
    backend = BlockingBackend(Allowance(FakeRuntime()), httpcore)
    with pytest.raises(httpcore.ConnectError, match="name"):
        backend.connect_tcp("x" * 64 + ".test", 1, 1.0)


def test_second_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that never answers has only a share of the time."""
    timeouts: list[float | None] = []

    class Mute(socket.socket):
        def connect(self, address: Any) -> None:
            del address
            timeouts.append(self.gettimeout())
            raise TimeoutError

    kind = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))
    found = [kind, kind]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket, "socket", Mute)
    backend = BlockingBackend(Allowance(FakeRuntime()), httpcore)
    with pytest.raises(httpcore.ConnectTimeout):
        backend.connect_tcp("a.test", 1, 4.0)

    assert [2.0, 4.0] == timeouts


@pytest.mark.parametrize("size", [10_000_000])
def test_nothing_of_it_in_tracebacks(
    pair: tuple[BlockingStream, socket.socket], size: int
) -> None:
    """What is being written is in no local of our frames."""
    stream, _ = pair
    with pytest.raises(httpcore.WriteTimeout) as caught:
        stream.write(b"CANARY" * size, 0.01)

    assert "CANARY" not in told_by(caught.value)
