"""HTTP/1.1 on a blocking connection of ours."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import attrs
import httpcore
import pytest

from sesamy_async._http import (
    Allowance,
    BlockingExchanges,
    BlockingStream,
    CoreResponse,
    default_context,
    load_library,
)
from support.leaks import told_by
from support.runtime import FakeRuntime


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
    """What is tested, and what is at the other end."""

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
def pair() -> Iterator[Pair]:
    """Return a connection, and the socket at its other end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = BlockingStream(ours, Allowance(FakeRuntime()), httpcore)
        backend = Backend(stream)
        context = default_context(load_library("httpx"), trust_env=False)
        exchanges = BlockingExchanges(
            ORIGIN,
            context,
            backend,  # type: ignore[arg-type]
            httpcore,
        )
        yield Pair(exchanges, backend, theirs)


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
    """Who switches protocols has answered, and is not asked again."""
    switch = b"HTTP/1.1 101 Now\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
    pair.peer.sendall(switch)
    answered = pair.send(Upgrade=b"x", Connection=b"Upgrade")

    assert 101 == answered.status
    assert b"" == whole(answered)
    assert not pair.exchanges.usable()


def test_answered_before_all_was_sent(pair: Pair) -> None:
    """Who stops reading may still have answered, but for the last time."""
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
    """What is no whole answer ends the connection, and is not repeated."""
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


@pytest.mark.parametrize("behind", [ANSWER, b"\r\n"])
def test_bytes_behind_an_answer(behind: bytes, pair: Pair) -> None:
    """A connection with bytes behind an answer is not used again."""
    pair.peer.sendall(ANSWER + behind)
    whole(pair.send())

    assert not pair.exchanges.usable()


def test_bytes_at_rest(pair: Pair) -> None:
    """Nor is one over which something came while it was idle."""
    pair.peer.sendall(ANSWER)
    whole(pair.send())
    pair.peer.sendall(b"H")

    assert not pair.exchanges.usable()


def test_an_answer_that_is_left_half_way(pair: Pair) -> None:
    """Nor is one whose answer was not read to its end."""
    pair.peer.sendall(ANSWER)
    pair.send().stream.close()

    assert not pair.exchanges.usable()


def test_what_old_versions_ask(pair: Pair) -> None:
    """No call is sent by httpcore before 1.0.3 where it says no."""
    assert pair.exchanges.is_available()
