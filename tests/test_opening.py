"""Making connections: proxies, contexts, what may be given."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
    InMemorySpanExporter,
)

from sesamy_async import (
    AsyncSesamy,
    ConfigurationError,
    Connections,
    Outcome,
    Sesamy,
    SesamyError,
    StaticToken,
)
from sesamy_async.runtimes.blocking import BlockingRuntime
from sesamy_async.sandbox import Sandbox, running
from sesamy_async.transport.binding import bind
from sesamy_async.transport.library import library
from sesamy_async.transport.opening import (
    default_context,
    open_async,
    open_blocking,
    prepared,
    proxy_for,
)
from support.runtime import FakeRuntime
from support.tls import trusted
from support.wire import ORDER


HEAD = "http11.send_request_headers."


HTTPX = library("httpx")


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
        *(
            (
                "http://[::1]:8000",
                {"all_proxy": "http://p:1", "no_proxy": exempt},
                None,
            )
            for exempt in ("::1", "[::1]", "[::1]:8000")
        ),
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
        open_async(
            "https://a.test",
            Connections(proxy=proxy),
            HTTPX,
            FakeRuntime(),
        )

    assert "CANARY" not in str(caught.value)


def test_one_context() -> None:
    """The context that takes 20 ms to build is built once."""
    assert default_context(HTTPX, trust_env=True) is default_context(
        HTTPX, trust_env=True
    )


def test_no_certificates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A SSL_CERT_FILE that can't be used is named, and no client is made."""
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("missing.pem", "ca.pem"):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / name))
        with pytest.raises(
            ConfigurationError, match="SSL_CERT_FILE"
        ) as caught:
            Sesamy("acme", auth=StaticToken("t"))

        assert Outcome.NOT_SENT is caught.value.outcome


def test_certificates_are_read_when_a_client_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each client trusts what the environment named at that moment."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    before = default_context(HTTPX, trust_env=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted(tmp_path)))
    urls = ["http://127.0.0.1:8000", "https://a.test"]
    made = prepared(Connections(), HTTPX, urls, blocking=True)
    monkeypatch.delenv("SSL_CERT_FILE")

    assert before is default_context(HTTPX, trust_env=True)
    assert before is not made.ssl_context
    assert 1 == len((made.ssl_context or before).get_ca_certs())


@pytest.mark.parametrize(
    ("urls", "settings", "expected"),
    [
        (["http://127.0.0.1:8000"], Connections(), False),
        (["http://127.0.0.1:8000", "https://a.test"], Connections(), True),
        (["http://a.test"], Connections(proxy="http://p:1"), False),
        (["http://a.test"], Connections(proxy="https://p:1"), True),
    ],
)
def test_a_context_is_made_where_it_is_needed(
    urls: list[str], settings: Connections, *, expected: bool
) -> None:
    """Who uses no TLS does not wait for one."""
    made = prepared(settings, HTTPX, urls, blocking=True)

    assert expected is (made.ssl_context is not None)


async def test_own_context() -> None:
    """A context of the caller's, and a TLS proxy, are possible."""
    context = ssl.create_default_context()
    settings = Connections(ssl_context=context, proxy="https://p:1")
    runtime = BlockingRuntime()
    wires = (
        open_async("https://a.test", settings, HTTPX, runtime),
        open_blocking("https://a.test", settings, HTTPX, runtime),
        open_blocking(
            "http://a.test", Connections(trust_env=False), HTTPX, runtime
        ),
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
        ({"proxy": 5}, "transport.proxy"),
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


def test_own_httpx_stays_open() -> None:
    """A transport of the caller's is used, and never closed."""
    closed: list[bool] = []

    class Theirs(httpx.MockTransport):
        def close(self) -> None:
            closed.append(True)

    theirs = Theirs(lambda _: httpx.Response(200, json={"id": "c1"}))
    with Sesamy("acme", auth=StaticToken("t"), transport=theirs) as sesamy:
        contract = sesamy.contracts.create("P", ORDER)

    assert ("c1", []) == (contract.id, closed)


async def test_telemetry(anyio_backend: str) -> None:
    """OpenTelemetry's instrumentation of httpx sees our connections."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        await _two_calls()
    finally:
        instrumentor.uninstrument()
        provider.shutdown()

    assert anyio_backend
    assert ["POST", "POST"] == [
        span.name for span in exporter.get_finished_spans()
    ]


async def _two_calls() -> None:
    with running(Sandbox()) as url:
        settings: dict[str, Any] = {
            "base_url": url,
            "auth": StaticToken("t"),
        }
        async with AsyncSesamy("acme", **settings) as client:
            with pytest.raises(SesamyError):
                await client.contracts.create("P", ORDER)
        with (
            Sesamy("acme", **settings) as sesamy,
            pytest.raises(SesamyError),
        ):
            sesamy.contracts.create("P", ORDER)


async def test_asgi_transport() -> None:
    """An application can be called without any network."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        start = {"type": "http.response.start", "status": 201, "headers": []}
        await send(start)
        await send({"type": "http.response.body", "body": b'{"id": "c1"}'})

    async with AsyncSesamy(
        "acme",
        auth=StaticToken("t"),
        transport=httpx.ASGITransport(app),
    ) as client:
        contract = await client.contracts.create("P", ORDER)

    assert "c1" == contract.id
