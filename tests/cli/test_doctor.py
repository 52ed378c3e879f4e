"""``sesamy doctor`` checks everything, and shows nothing secret."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sesamy_async._cli import doctor
from sesamy_async.idempotency import Holder, OrderKey, SQLiteStore
from sesamy_async.sandbox import Sandbox, SandboxConfig, running
from support.command_line import CommandLine, Ran, own_store
from support.fault_server import FaultServer, Peer
from support.faults import good
from support.ports import closed_port
from support.sandbox_settings import lead_to
from support.tls import TARGET, server_context, trusted


def states(ran: Ran) -> dict[str, str]:
    """Return the states of the checks that are not "ok"."""
    return {
        each["check"]: each["state"]
        for each in ran.json["checks"]
        if each["state"] != "ok"
    }


def seen(ran: Ran, check: str) -> str:
    """Return what a check saw, and its advice."""
    [found] = [each for each in ran.json["checks"] if each["check"] == check]
    return f"{found['seen']} {found['advice']}".strip()


@pytest.mark.usefixtures("served")
def test_for_people(sesamy: CommandLine) -> None:
    """Each check is one line; it says that it can be shared."""
    ran = sesamy("doctor")
    first, shared, *lines = ran.out.splitlines()

    assert (0, "") == (ran.code, ran.err)
    assert "No problem was found." == first
    assert "Nothing below is secret" in shared
    assert {"ok"} == {each.split()[0] for each in lines}
    assert "  ok       client_secret  set (SESAMY_CLIENT_SECRET)." in lines
    assert "sandbox-client" not in ran.out
    assert "versions       sesamy-async " in lines[0]


def test_sends_no_order_and_makes_nothing(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path
) -> None:
    """One token is requested, and neither a file nor an order is created."""
    before = [*tmp_path.rglob("*")]
    ran = sesamy("doctor", "--json")

    assert {} == states(ran)
    assert 1 == served.ledger.requests("token")
    assert [0, 0] == [
        served.ledger.requests(each) for each in ("create", "confirm")
    ]
    assert before == [*tmp_path.rglob("*")]
    assert not own_store().parent.exists()
    assert "the first order creates it" in seen(ran, "store")


def test_without_any_settings(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is missing is said at once; the rest is still checked."""
    with closed_port() as port:
        monkeypatch.setenv("SESAMY_BASE_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("SESAMY_TOKEN_URL", "http://a.test")
        ran = sesamy("doctor", "--json")

    assert 2 == ran.code
    assert not ran.json["ok"]
    assert {
        **dict.fromkeys(("vendor_id", "client_id", "client_secret"), "failed"),
        **dict.fromkeys(("token_url", "connection", "token"), "failed"),
    } == states(ran)
    assert "it is missing Set SESAMY_CLIENT_ID." == seen(ran, "client_id")


WRONG = {
    "log": ("LOG", "loud", "SESAMY_LOG must be"),
    "vendor_id": ("VENDOR_ID", "..", "must be an id"),
    "client_secret": ("CLIENT_SECRET", '"x"', "has quotes"),
    "encoding": ("TOKEN_ENCODING", "xml", "must be one of json"),
    "base_url": ("BASE_URL", "http://a.test", "must be https"),
    "store": ("IDEMPOTENCY", "mysql:x", "unknown scheme"),
}


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("check", WRONG)
def test_wrong_settings(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch, check: str
) -> None:
    """One that is wrong is exit code 2, and named."""
    name, value, said = WRONG[check]
    monkeypatch.setenv(f"SESAMY_{name}", value)
    ran = sesamy("doctor", "--json")

    assert (2, "failed") == (ran.code, states(ran)[check])
    assert said in seen(ran, check)


@pytest.mark.usefixtures("served")
def test_the_variable_of_the_sandbox(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not a setting of the client, but no mistake either."""
    monkeypatch.setenv("SESAMY_WEBHOOK_AUTHORIZATION", "Bearer CANARY")
    ran = sesamy("doctor", "--json")

    assert (0, {}) == (ran.code, states(ran))
    assert "CANARY" not in ran.out


@pytest.mark.usefixtures("served")
def test_a_misspelt_variable(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a warning, with the name that was meant."""
    monkeypatch.setenv("SESAMY_CLIENTID", "CANARY")
    ran = sesamy("doctor", "--json")

    assert (0, {"SESAMY_CLIENTID": "warning"}) == (ran.code, states(ran))
    assert "Did you mean SESAMY_CLIENT_ID?" in seen(ran, "SESAMY_CLIENTID")
    assert "CANARY" not in ran.out


OTHERS: dict[str, tuple[SandboxConfig, int, dict[str, str], str]] = {
    "without scope": (
        SandboxConfig(tokens_without_scope=True),
        0,
        {"granted scope": "warning"},
        "urn:sesamy",
    ),
    "unknown tenant": (
        SandboxConfig(unknown_tenant=True),
        1,
        {"token": "failed"},
        "no such tenant",
    ),
    "forms only": (
        SandboxConfig(form_only=True),
        0,
        {},
        "issued, valid for 86400 s",
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_servers(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The token is examined as orders would use it."""
    config, code, expected, said = OTHERS[kind]
    sandbox = Sandbox(config)
    with running(sandbox) as url:
        lead_to(sandbox, monkeypatch, url)
        ran = sesamy("doctor", "--json")

    assert (code, expected) == (ran.code, states(ran))
    assert said in ran.out


@pytest.mark.usefixtures("served")
def test_credentials_that_can_not_be_sent(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the token request does not take is a wrong setting."""
    monkeypatch.setenv("SESAMY_CLIENT_ID", "CANARY:b")
    ran = sesamy("doctor", "--json", "--token-encoding", "basic")

    assert (2, {"token": "failed"}) == (ran.code, states(ran))
    assert "by HTTP Basic" in seen(ran, "token")
    assert "CANARY" not in ran.out


@pytest.mark.usefixtures("served")
def test_a_dead_proxy(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, without user and password, and the rest goes on."""
    monkeypatch.setenv("SESAMY_BASE_URL", TARGET)
    with closed_port() as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://u:CANARY@127.0.0.1:{port}")
        ran = sesamy("doctor", "--json")

    assert 1 == ran.code
    assert {"connection": "failed"} == states(ran)
    assert "it leads to api.sesamy.test" in seen(ran, "dns")
    said = seen(ran, "connection")
    assert f"(at the proxy 127.0.0.1:{port} of the environment)" in said
    assert "Check the proxy" in said
    assert "CANARY" not in ran.out


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("proxy", "check", "said"),
    [
        ("http://u:CANARY@proxy.invalid:1", "dns", "the proxy proxy.inv"),
        ("socks9://u:CANARY@a.test:1", "connection", "can't be used"),
    ],
)
def test_a_proxy_that_is_none(
    sesamy: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    proxy: str,
    check: str,
    said: str,
) -> None:
    """A name that leads nowhere, and a URL that can't be used, are named."""
    monkeypatch.setenv("SESAMY_BASE_URL", TARGET)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    ran = sesamy("doctor", "--json")

    assert "failed" == states(ran)[check]
    assert said in seen(ran, check)
    assert "CANARY" not in ran.out


@pytest.mark.usefixtures("served")
def test_a_proxy_for_socks(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried with the request, which connects by httpx."""
    monkeypatch.setattr(doctor, "is_socks", lambda _: True)
    ran = sesamy("doctor", "--json")

    assert {} == states(ran)
    assert "answered 200" in seen(ran, "answer")
    assert "connection" not in {each["check"] for each in ran.json["checks"]}


def test_over_tls(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The version of TLS is shown, and how long the certificate is valid."""
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted(tmp_path)))
    sandbox = Sandbox()
    with running(sandbox, ssl_context=server_context()) as url:
        lead_to(sandbox, monkeypatch, url)
        ran = sesamy("doctor", "--json")

    assert {} == states(ran)
    assert "directly, TLSv1.3, certificate valid" in seen(ran, "connection")


@pytest.mark.usefixtures("served")
def test_a_certificate_that_nobody_knows(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The advice is about a proxy that inspects TLS."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with FaultServer([], good, context=server_context()) as server:
        monkeypatch.setenv("SESAMY_BASE_URL", server.url)
        ran = sesamy("doctor", "--json")

    assert 1 == ran.code
    assert "certificate verify failed" in seen(ran, "connection")
    assert "set SSL_CERT_FILE" in seen(ran, "connection")


@pytest.mark.usefixtures("served")
def test_no_certificates(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file that can't be read is a wrong setting."""
    monkeypatch.setenv("SESAMY_BASE_URL", TARGET)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "CANARY.pem"))
    ran = sesamy("doctor", "--json")

    assert 2 == ran.code
    assert "SSL_CERT_FILE" in seen(ran, "connection")


@pytest.mark.usefixtures("served")
def test_an_answer_that_does_not_come(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is there, so only what needs an answer fails."""

    def close(peer: Peer) -> None:
        peer.close()

    with FaultServer([], close) as server:
        monkeypatch.setenv("SESAMY_BASE_URL", server.url)
        ran = sesamy("doctor", "--json")

    assert 1 == ran.code
    assert {"answer": "failed"} == states(ran)
    assert "a firewall" in seen(ran, "answer")


@pytest.fixture
def _hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let look-ups of names hang while the test runs."""
    end, look_up = threading.Event(), socket.getaddrinfo

    def hang(*args: Any, **more: Any) -> Any:
        if not more.get("flags"):
            end.wait(30.0)
        return look_up(*args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield
    end.set()


@pytest.mark.usefixtures("served", "_hanging")
def test_look_ups_that_hang(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have no timeout of their own, so they are left."""
    monkeypatch.setenv("SESAMY_BASE_URL", "https://api.sesamy.test")
    monkeypatch.setenv("SESAMY_TOKEN_URL", "https://token.sesamy.test")
    ran = sesamy("doctor", "--json", "--timeout", "0.2")

    assert (1, {"dns": "failed", "token": "failed"}) == (ran.code, states(ran))
    assert "was not found within 0.2 s" in seen(ran, "dns")
    assert "Connecting took too long" in seen(ran, "token")


def test_a_host_with_many_addresses(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of many addresses are shown."""
    many = [(2, 1, 6, "", (f"127.0.0.{n}", 1)) for n in range(1, 8)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: many)
    with closed_port() as port:
        monkeypatch.setenv("SESAMY_BASE_URL", f"https://localhost:{port}")
        monkeypatch.setenv("SESAMY_TOKEN_URL", f"https://localhost:{port}/t")
        ran = sesamy("doctor", "--json")

    assert (
        "localhost is at 127.0.0.1, 127.0.0.2, 127.0.0.3, 127.0.0.4"
    ) == seen(ran, "dns")


@pytest.mark.usefixtures("served")
def test_a_store_with_orders(sesamy: CommandLine) -> None:
    """It is opened, and nothing of its orders is shown."""
    with closing(SQLiteStore(own_store())) as store:
        key = OrderKey("https://a.test", "acme", "o-1")
        assert store.claim(key, Holder(token="t"), within=5.0).done
    ran = sesamy("doctor", "--json")

    assert (0, {}) == (ran.code, states(ran))
    assert f"{own_store()} can be read" == seen(ran, "store")
    assert "o-1" not in ran.out


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("url", "state", "said"),
    [
        ("none", None, "gets a second contract"),
        ("memory:", "warning", "ends with the process"),
        ("sqlite:broken.db", "failed", "The store of orders"),
        (
            "sqlite:/proc/nowhere/orders.db",
            "failed",
            ("have no permission to write to"),
        ),
        ("redis://:CANARY@127.0.0.1:1/0", "failed", "connection failed"),
    ],
)
def test_other_stores(
    sesamy: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    state: str | None,
    said: str,
) -> None:
    """Each says what it is, or why it can't be used."""
    Path("broken.db").write_bytes(b"x" * 4096)

    def access(path: Path, mode: int) -> bool:
        readable = mode == os.F_OK or "proc" not in str(path)
        return path.exists() and readable

    monkeypatch.setattr(os, "access", access)
    monkeypatch.setenv("SESAMY_IDEMPOTENCY", url)
    ran = sesamy("doctor", "--json")

    assert state == states(ran).get("store")
    assert said in seen(ran, "store")
    assert "CANARY" not in ran.out
