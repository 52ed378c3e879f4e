"""Servers and proxies that refuse us, and what errors say of them."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
import trustme

from sesamy_async import (
    ConnectionFailedError,
    Connections,
    Outcome,
    OutcomeUnknownError,
)
from support.calling import AT_ONCE, Ending, World, create
from support.fault_server import FaultServer, Peer
from support.faults import good, refuse_tunnel
from support.marks import every_world
from support.patience import patiently
from support.ports import closed_port, mute_port
from support.tls import TARGET, client_context, server_context
from support.tls_proxy import tls_proxy


AUTHORITY, ELSEWHERE = trustme.CA(), trustme.CA()
NEWEST = ssl.TLSVersion.TLSv1_3


def contexts(
    version: ssl.TLSVersion = NEWEST,
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return that of a server that wants certificates, and a client's."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(server)
    AUTHORITY.configure_trust(server)
    server.verify_mode = ssl.CERT_REQUIRED
    server.minimum_version = server.maximum_version = version
    client = ssl.create_default_context()
    AUTHORITY.configure_trust(client)
    return server, client


def made_over_tls(
    world: World, server: FaultServer, context: ssl.SSLContext, **more: Any
) -> Ending:
    """Create a contract over TLS, and return how that ended."""
    settings = Connections(ssl_context=context)
    return world.one(create, base_url=server.url, transport=settings, **more)


class Refusing:
    """Shakes hands, lets the alert arrive, and closes."""

    def __init__(self) -> None:
        self.read = 0

    def __call__(self, peer: Peer) -> None:
        """Do it; an end that came too early could take the alert along."""
        with peer._sock.dup():  # Closed only after the pause.
            try:
                peer.secure()
            except ssl.SSLError:
                peer.pause(0.5)
                raise
        peer.read_request()
        self.read += 1


@every_world
@pytest.mark.parametrize("shown", [None, "of another authority"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, NEWEST])
def test_a_client_certificate_that_is_not_accepted(
    version: ssl.TLSVersion, shown: str | None, world: World
) -> None:
    """The server has read nothing, and the error repeats its alert."""
    secured, context = contexts(version)
    if shown is not None:
        ELSEWHERE.issue_cert("client@other.test").configure_cert(context)

    def attempt(timeout: float) -> tuple[object, bool, int]:
        step = Refusing()
        with FaultServer([], step, context=secured) as server:
            ending = made_over_tls(world, server, context, timeout=timeout)
        said = str(ending.error).lower().replace("_", " ")
        return ending.facts, "alert" in said, step.read

    expected = (ConnectionFailedError, Outcome.NOT_SENT, 1), True, 0

    assert expected == patiently(expected, attempt)


@every_world
def test_a_client_certificate_that_is_missed_ahead(world: World) -> None:
    """Getting ready says so, before there is an order."""
    secured, context = contexts()
    settings = Connections(ssl_context=context)

    def attempt(timeout: float) -> object:
        with FaultServer([], Refusing(), context=secured) as server:
            ending = world.one(
                lambda client: client.ready(),
                base_url=server.url,
                transport=settings,
                timeout=timeout,
            )
        return ending.facts, "ALERT" in str(ending.error).upper()

    expected = (ConnectionFailedError, Outcome.NOT_SENT, 1), True

    assert expected == patiently(expected, attempt)


@every_world
def test_a_client_certificate_that_is_accepted(world: World) -> None:
    """With the right one, all is well."""
    secured, context = contexts()
    AUTHORITY.issue_cert("client@our.test").configure_cert(context)
    with FaultServer([], good, context=secured) as server:
        ending = made_over_tls(world, server, context)

    assert "c-1" == ending.value.id


@every_world
def test_a_server_that_may_ask_later(world: World) -> None:
    """If it may ask for a certificate after a request, that is in doubt."""
    secured, context = contexts()
    context.post_handshake_auth = True
    expected = OutcomeUnknownError, Outcome.UNKNOWN, 1

    def attempt(timeout: float) -> object:
        with FaultServer([], Refusing(), context=secured) as server:
            return made_over_tls(world, server, context, timeout=timeout).facts

    assert expected == patiently(expected, attempt)


def through_proxy(port: int, world: World, **more: Any) -> Ending:
    """Create a contract through a proxy, and return how that ended."""
    return world.one(
        create,
        base_url=TARGET,
        transport=Connections(
            ssl_context=client_context(),
            proxy=f"http://user:CANARY@127.0.0.1:{port}",
        ),
        **more,
    )


@every_world
@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "403 Forbidden; it does not permit this host"),
        (
            407,
            (
                "407 Proxy Authentication Required; its URL needs another "
                "user and password"
            ),
        ),
        (599, "599"),
    ],
)
def test_a_proxy_that_refuses(status: int, said: str, world: World) -> None:
    """Its status is said, its name too, its own words not."""
    with FaultServer([], refuse_tunnel(status)) as proxy:
        ending = through_proxy(proxy.port, world)
    name = f"127.0.0.1:{proxy.port}"

    assert (ConnectionFailedError, Outcome.NOT_SENT, 1) == ending.facts
    assert f"The proxy refused: {said} (at the proxy {name})." in str(
        ending.error
    )
    assert "CANARY" not in str(ending.error)


@every_world
@pytest.mark.parametrize(
    "settings",
    [{}, {"client_id": "c", "client_secret": "s", "retry": AT_ONCE}],
    ids=["before the order", "before the token"],
)
def test_a_dead_proxy(settings: dict[str, Any], world: World) -> None:
    """It is named, so that nobody looks for the fault at Sesamy."""
    with closed_port() as port:
        ending = through_proxy(port, world, **settings)

    assert Outcome.NOT_SENT is ending.outcome
    assert f"at the proxy 127.0.0.1:{port}" in str(ending.error)
    assert "CANARY" not in str(ending.error)


@every_world
def test_a_dead_proxy_of_the_environment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says that the environment names it."""
    with closed_port() as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://u:CANARY@127.0.0.1:{port}")
        ending = world.one(create, base_url=TARGET)

    assert (ConnectionFailedError, Outcome.NOT_SENT, 1) == ending.facts
    assert f"(at the proxy 127.0.0.1:{port} of the environment)" in str(
        ending.error
    )
    assert "CANARY" not in str(ending.error)


@every_world
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_without_an_address(scheme: str, world: World) -> None:
    """A name that leads nowhere is that of the proxy."""
    proxy = f"{scheme}://user:CANARY@proxy.invalid:3128"
    ending = world.one(
        create, base_url=TARGET, transport=Connections(proxy=proxy)
    )

    assert (ConnectionFailedError, Outcome.NOT_SENT, 1) == ending.facts
    assert "(at the proxy proxy.invalid:3128)" in str(ending.error)
    assert "CANARY" not in str(ending.error)


@every_world
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_does_not_answer(scheme: str, world: World) -> None:
    """A timeout of connecting to a proxy is the proxy's."""
    with mute_port() as port:
        proxy = f"{scheme}://user:CANARY@127.0.0.1:{port}"
        ending = world.one(
            create,
            base_url=TARGET,
            transport=Connections(proxy=proxy),
            timeout=0.2,
        )

    assert (ConnectionFailedError, Outcome.NOT_SENT, 1) == ending.facts
    assert f"took too long (at the proxy 127.0.0.1:{port})" in str(
        ending.error
    )
    assert "CANARY" not in str(ending.error)


@every_world
def test_a_token_that_a_dead_proxy_delays(world: World) -> None:
    """The advice is about the proxy, not about the token endpoint."""
    with closed_port() as port:
        ending = through_proxy(port, world, client_id="c", client_secret="s")

    assert "Check the proxy (proxy=, or HTTPS_PROXY" in str(ending.error)
    assert "token_url" not in str(ending.error)


def _closing(peer: Peer) -> None:
    peer.read_head()
    peer.send(b"HTTP/1.1 200 Connected\r\n\r\n")
    peer.close()


@every_world
def test_a_dead_target_behind_a_proxy(world: World) -> None:
    """Where the proxy led to the target, the target failed."""
    with FaultServer([], _closing) as proxy:
        ending = through_proxy(proxy.port, world)

    assert (ConnectionFailedError, Outcome.NOT_SENT, 1) == ending.facts
    assert f"(through the proxy 127.0.0.1:{proxy.port})" in str(ending.error)


@every_world
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_whom_it_trusts(library: str, world: World) -> None:
    """The context that was given holds for the proxy as for Sesamy."""
    with (
        FaultServer([], good, context=server_context()) as far,
        tls_proxy(far.port, record=65_536) as proxy,
    ):
        connections = Connections(
            ssl_context=client_context(),
            proxy=proxy,
            library=library,  # type: ignore[arg-type] # of a parameter
        )
        endings = world.run(
            [create, create], base_url=TARGET, transport=connections
        )

    assert ["c-1", "c-2"] == [each.value.id for each in endings]
    assert 1 == far.connections


@every_world
@pytest.mark.parametrize(
    ("trusting", "url", "said"),
    [
        (False, TARGET, "certificate verify failed"),
        (True, "https://another.test", "is not valid for 'another.test'"),
    ],
    ids=["proxy", "target"],
)
def test_whom_it_does_not_trust(
    trusting: bool, url: str, said: str, world: World
) -> None:
    """Nothing is sent past a certificate that nobody vouches for."""
    context = client_context() if trusting else None
    with (
        FaultServer([], good, context=server_context()) as far,
        tls_proxy(far.port, record=65_536) as proxy,
    ):
        connections = Connections(ssl_context=context, proxy=proxy)
        ending = world.one(create, base_url=url, transport=connections)

    assert Outcome.NOT_SENT is ending.outcome
    assert said in str(ending.error)
    assert [] == far.received
