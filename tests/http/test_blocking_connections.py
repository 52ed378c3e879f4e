"""Blocking connections: streams that know the deadline, and HTTP/1.1."""

from __future__ import annotations

import math
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import attrs
import httpcore
import pytest

from sesamy_async._http import (
    Allowance,
    BlockingBackend,
    BlockingExchanges,
    BlockingStream,
    CoreResponse,
    default_context,
    load_library,
)
from support.leaks import told_by
from support.runtime import FakeRuntime


Ends = tuple[BlockingStream, socket.socket]
HEAD = b"POST / HTTP/1.1\r\n\r\n"


@pytest.fixture
def ends() -> Iterator[Ends]:
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
    """An operation gets its timeout, or the rest of the time if shorter."""
    allowance = Allowance(FakeRuntime())
    allowance.deadline = deadline

    assert expected == allowance.shorten(timeout)


def test_nothing_left() -> None:
    """Where nothing is left, an operation does not even begin."""
    allowance = Allowance(FakeRuntime())
    allowance.deadline = 1000.0

    with pytest.raises(TimeoutError, match="deadline"):
        allowance.shorten(5.0)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(None, math.inf), (3.0, 1003.0)]
)
def test_a_part(seconds: float | None, expected: float) -> None:
    """A part of a call has a deadline of its own."""
    part = Allowance(FakeRuntime()).within(seconds)

    assert expected == part.deadline


def test_head_leaves_with_body(ends: Ends) -> None:
    """A head is held back until its body comes."""
    stream, peer = ends
    stream.write(HEAD, 5.0)
    peer.setblocking(False)
    with pytest.raises(BlockingIOError):
        peer.recv(100)
    stream.write(b"body", 5.0)
    stream.write(b"", 5.0)

    assert HEAD + b"body" == peer.recv(100)


def test_head_without_body(ends: Ends) -> None:
    """A head without a body leaves before anything is read."""
    stream, peer = ends
    peer.sendall(b"answer")
    stream.write(HEAD, 5.0)

    assert b"answer" == stream.read(100, 5.0)
    assert HEAD == peer.recv(100)


def test_timeouts(ends: Ends) -> None:
    """What takes too long is what httpcore calls it, and shows nothing."""
    stream, _ = ends
    with pytest.raises(httpcore.ReadTimeout):
        stream.read(100, 0.01)
    with pytest.raises(httpcore.WriteTimeout) as caught:
        stream.write(b"CANARY" * 10_000_000, 0.01)

    assert "CANARY" not in told_by(caught.value)


def test_broken(ends: Ends) -> None:
    """What breaks is what httpcore calls it."""
    stream, peer = ends
    stream.write(b"x", 1.0)
    peer.close()
    with pytest.raises(httpcore.WriteError):
        stream.write(b"x", 1.0)
    with pytest.raises(httpcore.ReadError):
        stream.read(100, 1.0)


def test_extra_info(ends: Ends) -> None:
    """A stream tells its socket, and whether there is something to read."""
    stream, peer = ends

    assert not stream.get_extra_info("is_readable")
    assert None is stream.get_extra_info("ssl_object")
    assert None is stream.get_extra_info("anything")
    assert isinstance(stream.get_extra_info("socket"), socket.socket)

    peer.sendall(b"x")

    assert stream.get_extra_info("is_readable")

    stream.close()

    assert stream.get_extra_info("is_readable")


def test_interrupted_in_the_handshake(ends: Ends) -> None:
    """A handshake that is interrupted leaves no socket behind."""
    stream, peer = ends

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


ORIGIN = httpcore.Origin(b"http", b"a.test", 80)
ANSWER = b"HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\nmade"
BODY = b"CANARY of a customer"
TOKEN = b"CANARY of a token"


@attrs.define
class Backend:
    """Gives the one stream that it has."""

    stream: BlockingStream
    opened: int = 0

    def connect_tcp(
        self, host: str, port: int, timeout: float | None
    ) -> BlockingStream:
        """Connect to the other end of the pair."""
        assert ("a.test", 80, 5.0) == (host, port, timeout)

        self.opened += 1
        return self.stream


@attrs.define
class Pair:
    """A connection, and the socket at its other end."""

    exchanges: BlockingExchanges
    backend: Backend
    peer: socket.socket
    events: list[str] = attrs.field(factory=list)

    def send(self, **headers: bytes) -> CoreResponse:
        """Send an order and read the head of the answer."""
        length = str(len(BODY)).encode()
        request = httpcore.Request(
            b"POST",
            httpcore.URL("http://a.test/orders"),
            headers=[
                (b"Host", b"a.test"),
                (b"Content-Length", length),
                *((name.encode(), headers[name]) for name in headers),
            ],
            content=iter([BODY]),
            extensions={
                "timeout": {"connect": 5.0, "write": 5.0, "read": 5.0},
                "trace": self._see,
            },
        )
        return self.exchanges.handle_request(request)

    def _see(self, name: str, info: dict[str, Any]) -> None:
        del info
        self.events.append(name)

    def received(self) -> bytes:
        """Return what has come to the other end so far."""
        self.peer.setblocking(False)
        try:
            return self.peer.recv(100_000)
        except BlockingIOError:
            return b""


@pytest.fixture
def pair(ends: Ends) -> Pair:
    """Return a connection, and the socket at its other end."""
    stream, theirs = ends
    backend: Any = Backend(stream)
    context = default_context(load_library("httpx"), trust_env=False)
    exchanges = BlockingExchanges(ORIGIN, context, backend, httpcore)
    return Pair(exchanges, backend, theirs)


def whole(answered: CoreResponse) -> bytes:
    """Read an answer to its end."""
    body = b"".join(answered.stream)
    answered.stream.close()
    return body


def test_one_after_the_other(pair: Pair) -> None:
    """A connection carries one exchange after the other."""
    assert not pair.exchanges.usable()
    for _ in range(2):
        pair.peer.sendall(ANSWER)
        answered = pair.send()

        assert 201 == answered.status
        assert [(b"Content-Length", b"4")] == answered.headers
        assert b"Created" == answered.extensions["reason_phrase"]
        assert b"made" == whole(answered)
        assert pair.exchanges.usable()
        assert pair.received().endswith(b"\r\n\r\n" + BODY)
    assert 1 == pair.backend.opened


def test_what_is_traced(pair: Pair) -> None:
    """The trace tells when connecting begins, and when a head leaves."""
    pair.peer.sendall(ANSWER)
    whole(pair.send())

    assert [
        "connection.connect_tcp.started",
        "http11.send_request_headers.started",
    ] == pair.events


def test_what_comes_before_an_answer(pair: Pair) -> None:
    """An answer may be announced; the announcement is none."""
    pair.peer.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" + ANSWER)

    assert b"made" == whole(pair.send())
    assert pair.exchanges.usable()


def test_another_protocol(pair: Pair) -> None:
    """A server that switches protocols has answered, for the last time."""
    switch = b"HTTP/1.1 101 Now\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
    pair.peer.sendall(switch)
    answered = pair.send(Upgrade=b"x", Connection=b"Upgrade")

    assert 101 == answered.status
    assert b"" == whole(answered)
    assert not pair.exchanges.usable()


def test_answered_before_all_was_sent(pair: Pair) -> None:
    """A server that stops reading may still answer, for the last time."""
    pair.peer.sendall(ANSWER)
    pair.peer.shutdown(socket.SHUT_RD)

    assert b"made" == whole(pair.send())
    assert not pair.exchanges.usable()


def test_a_head_that_cannot_be_sent(pair: Pair) -> None:
    """A head that h11 refuses has not left, and the trace says so."""
    with pytest.raises(httpcore.LocalProtocolError):
        pair.send(Odd=b"a\nb")

    assert "http11.send_request_headers.failed" == pair.events[-1]
    assert b"" == pair.received()
    assert not pair.exchanges.usable()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nCANARY",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    ],
)
def test_no_whole_answer(answer: bytes, pair: Pair) -> None:
    """A broken answer ends the connection, and no traceback shows it."""
    pair.peer.sendall(answer)
    pair.peer.shutdown(socket.SHUT_WR)
    with pytest.raises(httpcore.RemoteProtocolError) as caught:
        whole(pair.send(Authorization=TOKEN))
    pair.exchanges.finish()

    assert not pair.exchanges.usable()
    assert "CANARY" not in told_by(caught.value)


def test_nothing_is_told_of_a_request(pair: Pair) -> None:
    """A request that can't be written shows up in no local of ours."""
    pair.peer.close()
    with pytest.raises(httpcore.RemoteProtocolError) as caught:
        pair.send(Authorization=TOKEN)

    assert "CANARY" not in told_by(caught.value)


@pytest.mark.parametrize(
    ("at_once", "later"), [(ANSWER, b""), (b"\r\n", b""), (b"", b"H")]
)
def test_bytes_behind_an_answer(
    at_once: bytes, later: bytes, pair: Pair
) -> None:
    """A connection with bytes behind an answer is not used again."""
    pair.peer.sendall(ANSWER + at_once)
    whole(pair.send())
    pair.peer.sendall(later)

    assert not pair.exchanges.usable()


def test_an_answer_that_is_left_half_way(pair: Pair) -> None:
    """Nor is one whose answer was not read to its end."""
    pair.peer.sendall(ANSWER)
    pair.send().stream.close()

    assert not pair.exchanges.usable()


def test_what_old_versions_ask(pair: Pair) -> None:
    """No call is sent by httpcore before 1.0.3 where it says no."""
    assert pair.exchanges.is_available()
