"""Boundary, failures, bounded streams, opening and binding."""

from __future__ import annotations

import math
import ssl
from typing import Any

import httpx
import pytest

from sesamy_async import ConfigurationError, Connections
from sesamy_async.core.failure import FailureKind
from sesamy_async.core.record import Record
from sesamy_async.runtimes.blocking import BlockingRuntime
from sesamy_async.transport.binding import bind
from sesamy_async.transport.boundary import Boundary
from sesamy_async.transport.bounded_stream import (
    Allowance,
    BoundedBackend,
    BoundedStream,
)
from sesamy_async.transport.failures import failure_of
from sesamy_async.transport.opening import (
    default_context,
    open_async,
    open_blocking,
    proxy_for,
)
from support.runtime import FakeRuntime


HEAD = "http11.send_request_headers."
POST = httpx.Request("POST", "https://api.test/")


class Named:
    """An httpcore request, as the trace shows it."""

    def __init__(self, method: bytes) -> None:
        self.method = method


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], None),
        ([("connection.connect_tcp.started", {})], False),
        ([(f"{HEAD}started", {"request": Named(b"POST")})], True),
        ([(f"{HEAD}started", {"request": Named(b"CONNECT")})], False),
        (
            [
                (f"{HEAD}started", {"request": Named(b"CONNECT")}),
                (f"{HEAD}started", {"request": Named(b"POST")}),
            ],
            True,
        ),
        (
            [
                (f"{HEAD}started", {"request": Named(b"POST")}),
                (
                    f"{HEAD}failed",
                    {"exception": httpx.LocalProtocolError("x")},
                ),
            ],
            False,
        ),
        (
            [
                (f"{HEAD}started", {"request": Named(b"POST")}),
                (f"{HEAD}failed", {"exception": httpx.WriteError("x")}),
            ],
            True,
        ),
        (
            [
                (f"{HEAD}started", {"request": Named(b"POST")}),
                ("http11.receive_response_headers.started", {}),
            ],
            True,
        ),
    ],
)
async def test_boundary(
    events: list[tuple[str, dict[str, Any]]], expected: bool | None
) -> None:
    """Only our own request's head counts as sent, and only once it left."""
    record = Record()
    boundary = Boundary(record)
    for name, info in events:
        await boundary.asee(name, info)

    assert expected is record.sent


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.PoolTimeout("x"), FailureKind.CONNECT),
        (httpx.ConnectTimeout("x"), FailureKind.CONNECT),
        (httpx.ConnectError("x"), FailureKind.CONNECT),
        (httpx.ProxyError("x"), FailureKind.CONNECT),
        (httpx.ReadTimeout("x"), FailureKind.TIMEOUT),
        (httpx.WriteTimeout("x"), FailureKind.TIMEOUT),
        (httpx.ReadError("x"), FailureKind.BROKEN),
        (httpx.WriteError("x"), FailureKind.BROKEN),
        (httpx.CloseError("x"), FailureKind.BROKEN),
        (httpx.RemoteProtocolError("x"), FailureKind.BROKEN),
        (httpx.LocalProtocolError("x"), FailureKind.REQUEST),
        (httpx.UnsupportedProtocol("x"), FailureKind.REQUEST),
        (httpx.InvalidURL("x"), FailureKind.REQUEST),
        ("é".encode, FailureKind.REQUEST),
        (httpx.DecodingError("x"), FailureKind.BODY),
        (RuntimeError("x"), FailureKind.BROKEN),
    ],
)
def test_failure_kinds(error: Any, kind: FailureKind) -> None:
    """Every exception of httpx has its family."""
    if callable(error):
        with pytest.raises(UnicodeError) as caught:
            error("ascii")
        error = caught.value
    failure = failure_of(error, sent=None, status_code=None)

    assert kind is failure.kind


def test_failure_words() -> None:
    """The words of httpx may repeat a header: they are not used."""
    error = httpx.LocalProtocolError("Illegal header value b'Bearer CANARY'")
    failure = failure_of(error, sent=False, status_code=None)

    assert "CANARY" not in failure.detail


def test_failure_words_of_connecting() -> None:
    """Why there is no connection is said."""
    error = httpx.ConnectError("[Errno 111] Connection refused")
    failure = failure_of(error, sent=False, status_code=None)

    assert "No connection: [Errno 111] Connection refused." == failure.detail


def test_failure_after_the_status() -> None:
    """After the status, every failure is one of the body."""
    error = httpx.ReadTimeout("x")
    failure = failure_of(error, sent=True, status_code=200)

    assert (FailureKind.BODY, 200) == (failure.kind, failure.status_code)


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


@pytest.mark.parametrize(
    ("origin", "environ", "expected"),
    [
        ("https://a.test", {}, None),
        ("https://a.test", {"https_proxy": "http://p:1"}, "http://p:1"),
        ("https://a.test", {"HTTPS_PROXY": "p:1"}, "http://p:1"),
        ("https://a.test", {"http_proxy": "http://p:1"}, None),
        ("https://a.test", {"all_proxy": "http://p:1"}, "http://p:1"),
        (
            "https://a.test:8443",
            {"all_proxy": "http://p:1", "no_proxy": "a.test"},
            None,
        ),
        (
            "https://a.test",
            {"all_proxy": "http://p:1", "no_proxy": "[::1],b.test"},
            "http://p:1",
        ),
        ("https://a.test", {"all_proxy": "http://p:1", "no_proxy": "*"}, None),
    ],
)
def test_proxy_from_the_environment(
    origin: str,
    environ: dict[str, str],
    expected: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Proxies are found where every other tool finds them."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    assert expected == proxy_for(origin, Connections())


def test_proxy_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that was given goes before the environment."""
    monkeypatch.setenv("https_proxy", "http://other:1")

    assert "http://p:1" == proxy_for("x", Connections(proxy="http://p:1"))


def test_environment_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without trust_env, the environment is not asked."""
    monkeypatch.setenv("https_proxy", "http://p:1")

    assert None is proxy_for("https://a.test", Connections(trust_env=False))


@pytest.mark.parametrize(
    "proxy", ["socks9://user:CANARY@p:1", "http://[:CANARY", "p\n"]
)
def test_impossible_proxy(proxy: str) -> None:
    """An impossible proxy is refused, without its password."""
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY") as caught:
        open_async("https://a.test", Connections(proxy=proxy))

    assert "CANARY" not in str(caught.value)


def test_one_context() -> None:
    """The context that takes 20 ms to build is built once."""
    assert default_context(trust_env=True) is default_context(trust_env=True)


async def test_own_context() -> None:
    """A context of the caller's, and a TLS proxy, are possible."""
    context = ssl.create_default_context()
    settings = Connections(ssl_context=context, proxy="https://p:1")
    runtime = BlockingRuntime()
    wires = (
        open_async("https://a.test", settings),
        open_blocking("https://a.test", settings, runtime),
        open_blocking("http://a.test", Connections(trust_env=False), runtime),
    )
    for wire in wires:
        await wire.aclose()


@pytest.mark.parametrize(
    ("given", "blocking", "named"),
    [
        (httpx.Client(), False, "httpx.AsyncClient"),
        (httpx.AsyncClient(), True, "httpx.Client"),
        (httpx.AsyncHTTPTransport(), True, "got AsyncHTTPTransport"),
        ("http://x", False, "got str"),
    ],
)
def test_wrong_transport(given: Any, blocking: bool, named: str) -> None:
    """A transport for the other client, or none at all, is refused."""
    with pytest.raises(ConfigurationError, match=named):
        bind(given, FakeRuntime(), blocking=blocking)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cap": 0}, "transport.cap"),
        ({"idle": -1}, "transport.idle"),
        ({"max_response_size": 0}, "transport.max_response_size"),
    ],
)
def test_impossible_settings(changes: dict[str, Any], named: str) -> None:
    """Impossible settings are refused by name."""
    with pytest.raises(ConfigurationError, match=named):
        Connections(**changes)


def test_proxy_password_is_not_shown() -> None:
    """A proxy's URL may hold a password."""
    assert "CANARY" not in repr(Connections(proxy="http://u:CANARY@p:1"))
