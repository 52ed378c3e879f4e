"""HTTP/1.1 over scripted streams, directly and through proxies."""

from __future__ import annotations

import itertools
import ssl
from base64 import b64encode
from typing import Any

import h11
import httpx
import pytest

from sesamy_async._call import drive
from sesamy_async._http import http11
from sesamy_async._http.http11 import Host, origin_of
from sesamy_async._http.stream import TlsStream, Wait
from support.lines import line
from support.streams import Piece, forever


TARGET = "https://api.sesamy.test"
ANSWER = b"HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\nmade"
REQUEST = b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\norder"
OPENED = b"HTTP/1.1 200 Connected\r\n\r\n"
PROXY = "http://us%40er:pass%3Aword@proxy.test:3128"
LOGIN = b64encode(b"us@er:pass:word")
ANOTHER_PROTOCOL = (
    b"HTTP/1.1 101 Now\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
)


def test_one_exchange_after_the_other() -> None:
    """They go over one connection, without a byte more than there must be."""
    mine = line(ANSWER[:30], ANSWER[30:], ANSWER, url="http://a.test:8000")

    assert not mine.connection.usable()
    for fresh in (True, False):
        assert (201, b"made") == mine.exchange()
        assert mine.connection.usable()
        assert fresh is mine.connection.fresh
    assert [("a.test", 8000)] == mine.opened
    assert REQUEST * 2 == mine.stream.sent

    drive(mine.connection.aclose())

    assert mine.stream.closed
    assert not mine.connection.usable()
    with pytest.raises(httpx.ReadError):
        drive(mine.connection.write(b"", forever))


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://a.test", ("a.test", 80, b"a.test", False)),
        ("https://a.test", ("a.test", 443, b"a.test", True)),
        ("https://[::1]:8000", ("::1", 8000, b"[::1]:8000", True)),
        ("http://b\xfccher.test", ("xn--bcher-kva.test", 80)),
    ],
)
def test_where_a_url_leads(url: str, place: tuple[Any, ...]) -> None:
    """It has a host, a port, and a name for the header Host."""
    found = Host.of(url)
    facts = found.host, found.port, found.name, found.secure

    assert place == facts[: len(place)]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://a.test:8443/x?y#z", "https://a.test:8443"),
        ("ftp://a.test", None),
        ("https:///x", None),
        ("http://[", None),
    ],
)
def test_origins(url: str, origin: str | None) -> None:
    """What shares connections has the same scheme, host and port."""
    assert origin == origin_of(url)


def test_no_password_is_shown() -> None:
    """A proxy's URL may hold one."""
    assert "pass" not in repr(Host.of(PROXY))


@pytest.mark.parametrize("first", [b"100 Continue", b"103 Early Hints"])
def test_what_comes_before_an_answer(first: bytes) -> None:
    """An answer may be announced; the announcement is none."""
    mine = line(b"HTTP/1.1 " + first + b"\r\n\r\n", ANSWER)

    assert (201, b"made") == mine.exchange()
    assert mine.connection.usable()


@pytest.mark.parametrize(
    ("answer", "more", "expected"),
    [
        (
            ANOTHER_PROTOCOL,
            [(b"Upgrade", b"x"), (b"Connection", b"Upgrade")],
            (101, b""),
        ),
        (
            ANSWER.replace(b"\r\n", b"\r\nConnection: close\r\n", 1),
            [],
            (201, b"made"),
        ),
        (b"HTTP/1.0 201 Created\r\n\r\nmade", [], (201, b"made")),
    ],
    ids=["another protocol", "close", "HTTP/1.0"],
)
def test_the_last_answer(
    answer: bytes, more: Any, expected: tuple[int, bytes]
) -> None:
    """A server may answer for the last time."""
    mine = line(answer)

    assert expected == mine.exchange(*more)
    assert not mine.connection.usable()


def test_answered_before_all_was_read() -> None:
    """A server that stops reading may have answered."""
    mine = line(ANSWER)
    mine.stream.refusing = BrokenPipeError()

    assert (201, b"made") == mine.exchange()
    assert not mine.connection.usable()


def test_answered_while_a_body_is_still_being_made() -> None:
    """What comes after the server has stopped reading is not sent."""
    mine = line(ANSWER)
    connection = mine.connection
    headers = [(b"Host", b"a"), (b"Transfer-Encoding", b"chunked")]
    drive(connection.connect(lambda: forever))
    head = connection.head("POST", b"/", headers)
    mine.stream.refusing = BrokenPipeError()
    drive(connection.write(head, forever))

    assert b"" == connection.encoded(h11.Data, data=b"more")
    assert 201 == drive(connection.response(forever)).status_code


@pytest.mark.parametrize("pieces", [(ANSWER + b"H",), (ANSWER + ANSWER,)])
def test_read_behind_an_answer(pieces: tuple[bytes]) -> None:
    """What came together with it makes the connection unusable."""
    mine = line(*pieces)
    mine.exchange()

    assert not mine.connection.usable()


def test_come_behind_an_answer() -> None:
    """So does what the stream has, and the end."""
    mine = line(ANSWER)
    mine.exchange()
    mine.stream.noisy = True

    assert not mine.connection.usable()


@pytest.mark.parametrize(
    ("pieces", "error"),
    [
        ([], httpx.RemoteProtocolError),
        ([b"no HTTP\r\n\r\n"], httpx.RemoteProtocolError),
        ([ANSWER[:-1]], httpx.RemoteProtocolError),
        (
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"],
            httpx.RemoteProtocolError,
        ),
        ([ANSWER[:30], ConnectionResetError("reset")], httpx.ReadError),
        ([ANSWER[:30], TimeoutError("late")], httpx.ReadTimeout),
        ([ANSWER[:-1], ssl.SSLError("odd")], httpx.ReadError),
    ],
)
def test_no_whole_answer(pieces: list[Piece], error: type[Exception]) -> None:
    """It is httpx's error, and the end of the connection."""
    mine = line(*pieces)
    with pytest.raises(error):
        mine.exchange()

    assert not mine.connection.is_idle
    assert not mine.connection.usable()


def test_a_server_that_reads_too_slowly() -> None:
    """That is an error of its own."""
    mine = line(ANSWER)
    mine.stream.refusing = TimeoutError()
    with pytest.raises(httpx.WriteTimeout):
        mine.exchange()


def test_a_head_that_cannot_be_sent() -> None:
    """Of such a request nothing leaves: nobody even connects."""
    mine = line(ANSWER)
    with pytest.raises(httpx.LocalProtocolError):
        mine.exchange((b"Odd", b"a\nb"))

    assert [] == mine.opened


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (ConnectionRefusedError("refused"), httpx.ConnectError),
        (TimeoutError("late"), httpx.ConnectTimeout),
        ("é".encode, httpx.ConnectError),
    ],
)
def test_no_connection(failure: Any, error: type[Exception]) -> None:
    """Whatever keeps us from connecting, it is httpx's error."""
    if callable(failure):
        with pytest.raises(UnicodeError) as caught:
            failure("ascii")
        failure = caught.value
    mine = line(failure=failure)
    with pytest.raises(error):
        mine.exchange()

    assert not mine.connection.is_open


def test_through_a_proxy_that_sees_all() -> None:
    """A proxy is told the whole URL, and who asks."""
    mine = line(ANSWER, url="http://a:8000", proxy=PROXY)
    head, _, _ = REQUEST.partition(b"\r\n\r\n")
    whole = head.replace(b"/orders", b"http://a:8000/orders", 1)
    login = b"\r\nProxy-Authorization: Basic " + LOGIN

    assert (201, b"made") == mine.exchange()
    assert whole + login + b"\r\n\r\norder" == mine.stream.sent
    assert [("proxy.test", 3128)] == mine.opened
    assert not mine.connection.behind_proxy


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (TARGET, b"api.sesamy.test:443"),
        ("https://[::1]:8000", b"[::1]:8000"),
    ],
)
@pytest.mark.parametrize("proxy", [PROXY, "http://proxy.test:3128"])
def test_how_a_tunnel_is_asked_for(proxy: str, url: str, name: bytes) -> None:
    """By the name of the target and the login, which no target sees."""
    mine = line(b"HTTP/1.1 103 So\r\n\r\n", OPENED, url=url, proxy=proxy)
    with pytest.raises(httpx.ConnectError):  # The end comes, but no TLS.
        mine.connect()
    asked, _, hello = mine.stream.sent.partition(b"\r\n\r\n")
    login = b"\r\nProxy-Authorization: Basic " + LOGIN

    assert asked == b"CONNECT %s HTTP/1.1\r\nHost: %s\r\nAccept: */*%s" % (
        name,
        name,
        login if "@" in proxy else b"",
    )
    assert hello.startswith(b"\x16\x03")
    assert LOGIN not in hello
    assert mine.connection.behind_proxy


@pytest.mark.parametrize(
    ("piece", "error", "words"),
    [
        (b"HTTP/1.1 407 CANARY\r\n\r\n", httpx.ProxyError, "^407 $"),
        (b"HTTP/1.1 302 CANARY\r\n\r\n", httpx.ProxyError, "^302 $"),
        (ANOTHER_PROTOCOL, httpx.ConnectError, "not speak HTTP"),
        (b"SSH-2.0-OpenSSH\r\n", httpx.ConnectError, "not speak HTTP"),
        (b"", httpx.ConnectError, "not speak HTTP"),
        (OPENED + b"\x16", httpx.ProxyError, "after its response"),
        (TimeoutError("late"), httpx.ConnectTimeout, "late"),
        (ConnectionResetError("reset"), httpx.ConnectError, "reset"),
    ],
)
def test_a_proxy_that_does_not_lead_on(
    piece: Piece, error: type[Exception], words: str
) -> None:
    """Whatever it says instead, nothing is sent through it."""
    mine = line(piece, url=TARGET, proxy=PROXY)
    with pytest.raises(error, match=words):
        mine.exchange()

    assert mine.stream.sent.startswith(b"CONNECT")
    assert mine.stream.sent.endswith(b"\r\n\r\n")
    assert not mine.connection.behind_proxy
    assert b"order" not in mine.stream.sent


def test_tickets_that_drip(monkeypatch: pytest.MonkeyPatch) -> None:
    """To connect ahead ends in time, however little comes each time."""
    times = itertools.count(0.0, 0.004)
    monkeypatch.setattr(http11, "monotonic", lambda: next(times))

    async def drip(stream: object, wait: Wait) -> bytes:
        del stream
        for _ in range(1000):
            wait()
        raise AssertionError("It goes on.")

    async def shake_hands(stream: object, wait: Wait) -> None:
        del stream, wait

    monkeypatch.setattr(TlsStream, "receive", drip)
    monkeypatch.setattr(TlsStream, "shake_hands", shake_hands)
    mine = line(url=TARGET)
    drive(mine.connection.connect_ahead(lambda: forever))

    assert mine.connection.is_open
