"""Servers and proxies that let nobody in, and what is said of them."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import httpcore
import httpx
import pytest
import trustme

from sesamy_async import (
    ConnectionFailedError,
    Connections,
    Outcome,
    OutcomeUnknownError,
)
from sesamy_async._http import failure_of, over_proxy, tls_alert, unread
from sesamy_async._outcome import Failure, FailureKind
from support.calling import AT_ONCE, World, create
from support.fault_server import FaultServer, Peer, Step
from support.faults import good, refuse_tunnel
from support.marks import every_world
from support.patience import patiently
from support.ports import closed_port
from support.tls import TARGET, client_context


ELSEWHERE = trustme.CA()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return an authority for both ends."""
    return trustme.CA()


def contexts(
    authority: trustme.CA, version: ssl.TLSVersion
) -> tuple[ssl.SSLContext, Callable[[], ssl.SSLContext]]:
    """Return that of a server that wants certificates, and clients'."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(server)
    server.verify_mode = ssl.CERT_REQUIRED
    server.minimum_version = server.maximum_version = version

    def client() -> ssl.SSLContext:
        context = ssl.create_default_context()
        authority.configure_trust(context)
        return context

    return server, client


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
@pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
)
def test_a_client_certificate_that_is_not_accepted(
    version: ssl.TLSVersion,
    shown: str | None,
    world: World,
    authority: trustme.CA,
) -> None:
    """The server has read nothing, and what it says is said on."""
    secured, client = contexts(authority, version)
    context = client()
    if shown is not None:
        ELSEWHERE.issue_cert("client@other.test").configure_cert(context)

    def attempt(timeout: float) -> tuple[object, bool, int]:
        step = Refusing()
        with FaultServer([], step, context=secured) as server:
            ending = world.one(
                create,
                base_url=server.url,
                timeout=timeout,
                transport=Connections(ssl_context=context),
            )
        said = str(ending.error).lower().replace("_", " ")
        return ending.facts, "alert" in said, step.read

    expected = (ConnectionFailedError, Outcome.NOT_SENT, 1), True, 0

    assert expected == patiently(expected, attempt)


@every_world
def test_a_client_certificate_that_is_accepted(
    world: World, authority: trustme.CA
) -> None:
    """With the right one, all is well."""
    secured, client = contexts(authority, ssl.TLSVersion.TLSv1_3)
    context = client()
    authority.issue_cert("client@our.test").configure_cert(context)
    with FaultServer([], good, context=secured) as server:
        ending = world.one(
            create,
            base_url=server.url,
            transport=Connections(ssl_context=context),
        )

    assert "c-1" == ending.value.id


@every_world
def test_a_server_that_may_ask_later(
    world: World, authority: trustme.CA
) -> None:
    """Where certificates may be asked for after a request, it is in doubt."""
    secured, client = contexts(authority, ssl.TLSVersion.TLSv1_3)
    context = client()
    context.post_handshake_auth = True
    expected = OutcomeUnknownError, Outcome.UNKNOWN, 1

    def attempt(timeout: float) -> object:
        with FaultServer([], Refusing(), context=secured) as server:
            return world.one(
                create,
                base_url=server.url,
                timeout=timeout,
                transport=Connections(ssl_context=context),
            ).facts

    assert expected == patiently(expected, attempt)


def _alert(reason: str | None) -> httpx.ReadError:
    """Return what httpx raises of an alert, as deep as it comes."""
    inner = ssl.SSLError(1, "CANARY")
    inner.reason = reason  # type: ignore[assignment]
    middle = httpcore.ReadError("CANARY")
    middle.__context__ = inner
    error = httpx.ReadError("CANARY")
    error.__cause__ = middle
    return error


@pytest.mark.parametrize(
    ("reason", "kind", "sent"),
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", FailureKind.CONNECT, False),
        ("TLSV1_ALERT_UNKNOWN_CA", FailureKind.CONNECT, False),
        ("SSLV3_ALERT_BAD_CERTIFICATE", FailureKind.CONNECT, False),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", FailureKind.CONNECT, False),
        ("TLSV1_ALERT_ACCESS_DENIED", FailureKind.CONNECT, False),
        ("TLSV1_ALERT_INTERNAL_ERROR", FailureKind.BROKEN, True),
        ("SSLV3_ALERT_BAD_RECORD_MAC", FailureKind.BROKEN, True),
        ("CANARY of somebody's", FailureKind.BROKEN, True),
        (None, FailureKind.BROKEN, True),
    ],
)
def test_alerts(reason: str | None, kind: FailureKind, sent: bool) -> None:
    """Only an alert about our certificate says that nothing was read."""
    error = _alert(reason)
    failure = failure_of(error, httpx, sent=True, status_code=None)
    failure = unread(failure, error)

    assert (kind, sent) == (failure.kind, failure.sent)
    assert "CANARY" not in failure.detail


def test_the_reason_of_a_broken_connection() -> None:
    """What TLS says is said on."""
    error = _alert("TLSV1_ALERT_INTERNAL_ERROR")
    failure = failure_of(error, httpx, sent=True, status_code=None)

    assert (
        'The connection broke: TLS says "tlsv1 alert internal error".'
        == failure.detail
    )


def test_an_alert_behind_a_status() -> None:
    """After the status, an alert changes nothing."""
    error = _alert("TLSV1_ALERT_UNKNOWN_CA")
    failure = failure_of(error, httpx, sent=True, status_code=200)

    assert failure == unread(failure, error)


def test_no_alert() -> None:
    """What has nothing to do with TLS has none."""
    assert None is tls_alert(httpx.ReadError("x"))


def through_proxy(port: int, world: World, **more: Any) -> Any:
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
        (403, "403 Forbidden; it does not let us reach this host"),
        (
            407,
            (
                "407 Proxy Authentication Required; its URL needs another "
                "user and password"
            ),
        ),
        (502, "502 Bad Gateway"),
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
def test_a_proxy_that_is_dead(world: World) -> None:
    """It is named, so that nobody looks for the fault at Sesamy's."""
    with closed_port() as port:
        ending = through_proxy(port, world)

    assert (ConnectionFailedError, Outcome.NOT_SENT, 1) == ending.facts
    assert f"(at the proxy 127.0.0.1:{port})" in str(ending.error)
    assert "CANARY" not in str(ending.error)


@every_world
def test_a_dead_proxy_of_the_environment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it was named is said."""
    with closed_port() as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://u:CANARY@127.0.0.1:{port}")
        ending = world.one(create, base_url=TARGET)

    assert f"(at the proxy 127.0.0.1:{port} of the environment)" in str(
        ending.error
    )
    assert "CANARY" not in str(ending.error)


@every_world
def test_a_dead_proxy_before_the_token(world: World) -> None:
    """It is named too where it keeps us from the token."""
    with closed_port() as port:
        ending = through_proxy(
            port, world, client_id="c", client_secret="s", retry=AT_ONCE
        )

    assert f"at the proxy 127.0.0.1:{port}" in str(ending.error)


def _closing(peer: Peer) -> None:
    peer.read_head()
    peer.send(b"HTTP/1.1 200 Connected\r\n\r\n")
    peer.close()


@every_world
@pytest.mark.parametrize("step", [_closing])
def test_a_target_that_is_dead_behind_a_proxy(
    step: Step, world: World
) -> None:
    """Where the proxy led to the target, it is not the one that failed."""
    with FaultServer([], step) as proxy:
        ending = through_proxy(proxy.port, world)

    assert (ConnectionFailedError, Outcome.NOT_SENT, 1) == ending.facts
    assert f"(through the proxy 127.0.0.1:{proxy.port})" in str(ending.error)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "Proxy Server could not connect: Host unreachable.",
            (
                "The proxy refused: Proxy Server could not connect: Host "
                "unreachable."
            ),
        ),
        (
            "Invalid username/password",
            "The proxy refused: Invalid username/password.",
        ),
        ("CANARY", "The proxy refused."),
        ("407 CANARY", "The proxy refused: 407 Proxy Authentication Required"),
    ],
)
def test_what_a_proxy_says(said: str, expected: str) -> None:
    """Only words that can't be the proxy's own are said on."""
    failure = failure_of(
        httpx.ProxyError(said), httpx, sent=False, status_code=None
    )

    assert failure.detail.startswith(expected)
    assert "CANARY" not in failure.detail


@pytest.mark.parametrize(
    ("kind", "sent"),
    [(FailureKind.REQUEST, False), (FailureKind.BROKEN, True)],
)
def test_a_proxy_that_had_no_part_in_it(kind: FailureKind, sent: bool) -> None:
    """It is named only where it may be the cause."""
    failure = Failure(kind=kind, detail="It broke.", sent=sent)

    assert failure == over_proxy(failure, "p:1", behind=False)
