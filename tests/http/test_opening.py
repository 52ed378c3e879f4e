"""Making connections: proxies, contexts, what may be given."""

from __future__ import annotations

import ssl
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from sesamy_async import (
    AsyncSesamy,
    ConfigurationError,
    Connections,
    Outcome,
    Sesamy,
    StaticToken,
)
from sesamy_async._http import bind, load_library, settings
from sesamy_async._http.opening import default_context, prepare, proxy_for
from sesamy_async._http.settings import library_of
from sesamy_async.sandbox import Sandbox, running
from support.calling import World, create, onboard
from support.fault_server import FaultServer
from support.faults import good
from support.leaks import told_by
from support.marks import every_world
from support.runtime import FakeRuntime
from support.tls import trusted


HTTPX = load_library("httpx")
LOOPBACK = (
    "localhost",
    "LOCALHOST:8000",
    "127.0.0.1:8000",
    "127.8.9.10",
    "[::1]",
    "[::1]:8000",
)


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
                "https://[2001:db8::1]:8000",
                {"all_proxy": "http://p:1", "no_proxy": exempt},
                None,
            )
            for exempt in (
                "2001:db8::1",
                "[2001:db8::1]",
                "[2001:db8::1]:8000",
            )
        ),
        *(
            (f"{scheme}://{host}", {variable: "http://p:1"}, None)
            for scheme in ("http", "https")
            for host in LOOPBACK
            for variable in ("http_proxy", "https_proxy", "all_proxy")
        ),
        (
            "http://127.0.0.1:8000",
            {"http_proxy": "http://p:1", "no_proxy": "b.test"},
            None,
        ),
        ("https://128.0.0.1", {"all_proxy": "http://p:1"}, "http://p:1"),
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


@pytest.mark.parametrize("name", ["base_url", "token_url"])
@pytest.mark.parametrize("kind", [AsyncSesamy, Sesamy])
@pytest.mark.parametrize("proxy", ["http://p:1", "https://u:CANARY@p:1"])
def test_plain_loopback_through_a_proxy_elsewhere(
    proxy: str, kind: Any, name: str
) -> None:
    """A proxy elsewhere does not see requests to this machine."""
    with pytest.raises(ConfigurationError, match="proxy on") as caught:
        kind(
            "acme",
            client_id="c",
            client_secret="s",
            transport=Connections(proxy=proxy),
            **{name: "http://127.0.0.1:8000"},
        )

    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("origin", "proxy"),
    [
        ("http://127.0.0.1:8000", "http://localhost:3128"),
        ("http://localhost", "http://u:p@127.0.0.1:3128"),
        ("https://localhost", "http://p:1"),
    ],
)
def test_loopback_through_a_proxy_that_was_given(
    origin: str, proxy: str
) -> None:
    """One of this machine, or one that sees only TLS, is obeyed."""
    settings = Connections(proxy=proxy)
    with Sesamy(
        "acme", auth=StaticToken("t"), base_url=origin, transport=settings
    ):
        assert proxy == proxy_for(origin, settings)


@every_world
def test_what_is_for_this_machine_stays_on_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither token nor order goes to a proxy of the environment."""
    with FaultServer([], good) as proxy, running(Sandbox()) as url:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.lower(), proxy.url)
        ending = world.one(
            onboard,
            base_url=url,
            token_url=f"{url}/oauth/token",
            client_id="c",
            client_secret="s",
        )

        assert (0, []) == (proxy.connections, proxy.received)
    assert "token endpoint" in str(ending.error)


def test_environment_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without trust_env, the environment is not asked."""
    monkeypatch.setenv("https_proxy", "http://p:1")

    assert None is proxy_for("https://a.test", Connections(trust_env=False))


@every_world
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize(
    "proxy",
    [
        "socks9://user:CANARY@p:1",
        "http://[:CANARY",
        "p\n",
        "socks5://u:CANARY@p:1",  # There is no httpx[socks] here.
    ],
)
def test_impossible_proxy(
    proxy: str, given: bool, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An impossible proxy is refused, without its password."""
    monkeypatch.setitem(sys.modules, "socksio", None)
    if not given:
        monkeypatch.setenv("HTTPS_PROXY", proxy)

    def attempt() -> None:
        settings = Connections(proxy=proxy if given else None)
        raise world.one(create, transport=settings).failed

    with pytest.raises(ConfigurationError, match="HTTPS_PROXY") as caught:
        attempt()

    assert Outcome.NOT_SENT is caught.value.outcome
    assert "CANARY" not in told_by(caught.value)


@every_world
@pytest.mark.parametrize("proxy", ["socks9://u:CANARY@p:1", "socks5://p:1"])
def test_a_proxy_that_becomes_impossible(
    proxy: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment may change after a client was made."""
    monkeypatch.setitem(sys.modules, "socksio", None)

    def attempt(client: Any) -> Any:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        return create(client)

    ending = world.one(attempt)

    assert isinstance(ending.error, ConfigurationError)
    assert Outcome.NOT_SENT is ending.outcome
    assert "CANARY" not in told_by(ending.error)


@every_world
def test_through_socks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is left to httpx, of which each call has a transport."""
    made: list[Any] = []

    def recorded(kind: Any) -> Any:
        def make(self: Any, proxy: Any, limits: Any, **more: Any) -> None:
            made.append((str(proxy.url), limits.max_keepalive_connections))
            kind.__init__(self, limits=limits, **more)

        return type("Recorded", (kind,), {"__init__": make})

    for name in ("HTTPTransport", "AsyncHTTPTransport"):
        monkeypatch.setattr(httpx, name, recorded(getattr(httpx, name)))
    monkeypatch.setitem(sys.modules, "socksio", ModuleType("socksio"))
    settings = Connections(proxy="socks5h://127.0.0.1:1")
    with FaultServer([], good) as server:
        endings = world.run(
            [create, create], base_url=server.url, transport=settings
        )

        assert 0 == server.settle(0)
    assert ["c-1", "c-2"] == [each.value.id for each in endings]
    assert [("socks5h://127.0.0.1:1", 0)] * 2 == made
    assert 2 == server.connections


def test_one_context() -> None:
    """The context that takes 20 ms to build is built once."""
    assert default_context(HTTPX, trust_env=True) is default_context(
        HTTPX, trust_env=True
    )


def test_no_certificates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong SSL_CERT_FILE is named, and no client is created."""
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
    made = prepare(Connections(), HTTPX, urls, blocking=True)
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
    """A client without TLS does not wait for one."""
    made = prepare(settings, HTTPX, urls, blocking=True)

    assert expected is (made.ssl_context is not None)


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
        ({"cap": "3"}, "transport.cap"),
        ({"cap": 1.5}, "transport.cap must be a whole number"),
        ({"cap": True}, "transport.cap"),
        ({"idle": None}, "transport.idle"),
        ({"max_response_size": 1e6}, "transport.max_response_size"),
        ({"trust_env": "no"}, "transport.trust_env"),
        ({"trust_env": None}, "transport.trust_env"),
        ({"ssl_context": "ca.pem"}, "transport.ssl_context .* got str"),
        ({"ssl_context": False}, "transport.ssl_context .* got bool"),
        (
            {"ssl_context": ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)},
            "transport.ssl_context is one for servers",
        ),
        ({"library": "aiohttp"}, "transport.library"),
        ({"library": ["httpx"]}, "transport.library"),
    ],
)
def test_impossible_settings(changes: dict[str, Any], named: str) -> None:
    """Impossible settings are refused by name."""
    with pytest.raises(ConfigurationError, match=named):
        Connections(**changes)


def test_proxy_password_is_not_shown() -> None:
    """A proxy's URL may hold a password."""
    assert "CANARY" not in repr(Connections(proxy="http://u:CANARY@p:1"))


def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that is missing says how to get it."""

    def missing(name: str) -> ModuleType:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(settings, "import_module", missing)
    with pytest.raises(ConfigurationError, match=r"sesamy-async\[httpx2\]"):
        load_library("httpx2")


def test_httpx_is_whose_class_it_is() -> None:
    """A transport of either is known by its class, and nothing else is."""
    httpx2 = import_module("httpx2")
    mine = type("Mine", (httpx2.BaseTransport,), {})

    assert load_library("httpx2") is library_of(mine())
    assert None is library_of(object())


@every_world
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_connections_over_either(library: Any, world: World) -> None:
    """Connections of our own work over either."""
    with FaultServer([], good) as server:
        endings = world.run(
            [create, create],
            base_url=server.url,
            transport=Connections(library=library),
        )

    assert ["c-1", "c-2"] == [ending.value.id for ending in endings]
    assert 1 == server.connections
