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

from sesamy_async import ConfigurationError
from sesamy_async._cli import doctor
from sesamy_async.idempotency import (
    OrderKey,
    OrderRecord,
    OrderState,
    SQLiteStore,
)
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
    assert "  ok       client_secret     set (SESAMY_CLIENT_SECRET)." in lines
    assert "sandbox-client" not in ran.out
    assert "versions          sesamy-async " in lines[0]


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
        **dict.fromkeys(("token_url", "api connection"), "failed"),
        **dict.fromkeys(("api answer", "clock", "rate limit"), "skipped"),
        **dict.fromkeys(("token name", "token connection"), "skipped"),
        **dict.fromkeys(("token", "granted scope"), "skipped"),
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
        {"token": "failed", "granted scope": "skipped"},
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
    monkeypatch.setenv("SESAMY_CLIENT_SECRET", "a:b")
    ran = sesamy("doctor", "--json", "--token-encoding", "basic")

    assert "skipped" == states(ran)["token"]
    assert "missing or wrong" in seen(ran, "token")


@pytest.mark.usefixtures("served")
def test_a_request_that_can_not_be_sent(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a setting makes impossible is exit code 2."""

    def refuse(*_: object) -> None:
        raise ConfigurationError("It can't be sent.")

    monkeypatch.setattr(doctor, "ask", refuse)
    ran = sesamy("doctor", "--json")

    assert 2 == ran.code
    assert {"token": "failed", "granted scope": "skipped"} == states(ran)


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
    assert {
        "api connection": "failed",
        **dict.fromkeys(("api answer", "clock", "rate limit"), "skipped"),
    } == states(ran)
    assert "it leads to api.sesamy.test" in seen(ran, "api name")
    said = seen(ran, "api connection")
    assert f"(at the proxy 127.0.0.1:{port} of the environment)" in said
    assert "Check the proxy" in said
    assert "CANARY" not in ran.out


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("proxy", "check", "said"),
    [
        ("http://u:CANARY@proxy.invalid:1", "api name", "the proxy proxy.inv"),
        ("socks9://u:CANARY@a.test:1", "api connection", "can't be used"),
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
    """It is named, and tried with the first request."""
    monkeypatch.setattr(doctor, "is_socks", lambda _: True)
    ran = sesamy("doctor", "--json")

    assert {} == states(ran)
    assert "through the SOCKS proxy" in seen(ran, "api connection")


def test_over_tls(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The certificate is shown, with what it is trusted by."""
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted(tmp_path)))
    sandbox = Sandbox()
    with running(sandbox, ssl_context=server_context()) as url:
        lead_to(sandbox, monkeypatch, url)
        ran = sesamy("doctor", "--json")

    assert {} == states(ran)
    for each in ("api connection", "token connection"):
        assert "certificate from trustme" in seen(ran, each)
        assert "(trusted by SSL_CERT_FILE) valid until" in seen(ran, each)


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
    assert "certificate verify failed" in seen(ran, "api connection")
    assert "set SSL_CERT_FILE" in seen(ran, "api connection")


@pytest.mark.usefixtures("served")
def test_no_certificates(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file that can't be read is a wrong setting; the home is not shown."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SESAMY_BASE_URL", TARGET)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "CANARY.pem"))
    ran = sesamy("doctor", "--json")

    assert 2 == ran.code
    assert "SSL_CERT_FILE" in seen(ran, "api connection")
    assert str(tmp_path) not in ran.out


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
    assert {
        "api answer": "failed",
        **dict.fromkeys(("clock", "rate limit"), "skipped"),
    } == states(ran)


@pytest.fixture
def _hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let look-ups hang while the test runs."""
    end, look_up = threading.Event(), socket.getaddrinfo

    def hang(*args: Any, **more: Any) -> Any:
        end.wait(30.0)
        return look_up(*args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield
    end.set()


@pytest.mark.usefixtures("served", "_hanging")
def test_look_ups_that_hang(sesamy: CommandLine) -> None:
    """They have no timeout of their own, so they are left."""
    ran = sesamy("doctor", "--json", "--timeout", "0.2")

    assert 1 == ran.code
    for each in ("api", "token"):
        assert "was not found within 0.2 s" in seen(ran, f"{each} name")
        assert "skipped" == states(ran)[f"{each} connection"]


@pytest.mark.usefixtures("served", "_hanging")
def test_the_deadline_of_all(sesamy: CommandLine) -> None:
    """What was found by then is shown, and what was too late is named."""
    ran = sesamy("doctor", "--json", "--deadline", "0.3")

    assert 1 == ran.code
    assert {"api": "failed", "token": "failed"} == states(ran)
    assert "it took more than 0.3 s in all" == seen(ran, "api")
    assert "SQLite" in seen(ran, "store")


@pytest.mark.usefixtures("served")
def test_a_check_that_breaks(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are shown all the same."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("CANARY")

    monkeypatch.setattr(doctor, "judge_answer", broken)
    ran = sesamy("doctor", "--json")

    assert {"api": "failed"} == states(ran)
    assert "it ended with RuntimeError" == seen(ran, "api")
    assert "CANARY" not in ran.out


def test_an_ipv6_host(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many addresses are counted."""
    many = [(2, 1, 6, "", (f"127.0.0.{n}", 1)) for n in range(1, 8)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: many)
    with closed_port() as port:
        monkeypatch.setenv("SESAMY_BASE_URL", f"https://localhost:{port}")
        monkeypatch.setenv("SESAMY_TOKEN_URL", f"https://localhost:{port}/t")
        ran = sesamy("doctor", "--json")

    assert (
        "localhost is at 127.0.0.1, 127.0.0.2, 127.0.0.3, 127.0.0.4 and 3 more"
    ) == seen(ran, "api name")


def record(order: str, state: OrderState) -> OrderRecord:
    """Return an order that a store knows."""
    key = OrderKey("https://a.test", "acme", order)
    made = "c-1" if state is OrderState.CONFIRMED else None
    return OrderRecord(
        key=key,
        state=state,
        begun_at=1.0,
        at=1.0,
        claimed_at=1.0,
        contract_id=made,
    )


@pytest.mark.usefixtures("served")
def test_a_store_with_orders(sesamy: CommandLine) -> None:
    """They are counted, and doubts are a warning."""
    with closing(SQLiteStore(own_store())) as store:
        store.adopt(
            [
                record("o-1", OrderState.CONFIRMED),
                record("o-2", OrderState.UNKNOWN),
            ],
            within=5.0,
        )
    ran = sesamy("doctor", "--json")

    assert (0, {"store": "warning"}) == (ran.code, states(ran))
    assert ", 2 orders: 1 CONFIRMED, 1 UNKNOWN Look at" in seen(ran, "store")
    assert "o-1" not in ran.out


@pytest.mark.usefixtures("served")
def test_a_store_that_takes_long(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orders are counted only as long as there is time."""
    with closing(SQLiteStore(own_store())) as store:
        store.adopt([record("o-1", OrderState.CONFIRMED)], within=5.0)

        def late(*_: Any, **__: Any) -> Iterator[OrderRecord]:
            threading.Event().wait(0.3)
            yield record("o-1", OrderState.CONFIRMED)

        monkeypatch.setattr(SQLiteStore, "entries", late)
        ran = sesamy("doctor", "--json", "--timeout", "0.2")

    assert seen(ran, "store").endswith("more than 0 orders")


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
    monkeypatch.setattr(os, "access", lambda path, _: "proc" not in str(path))
    monkeypatch.setenv("SESAMY_IDEMPOTENCY", url)
    ran = sesamy("doctor", "--json")

    assert state == states(ran).get("store")
    assert said in seen(ran, "store")
    assert "CANARY" not in ran.out


class Served:
    """Stands for a store on a server."""

    def __init__(self, *, there: bool) -> None:
        self._there = there

    def about(self, *, within: float) -> tuple[str, bool]:
        """Return what the server is."""
        assert within == 10.0
        return "Postgres 17.1", self._there

    def entries(self, *, within: float) -> Iterator[OrderRecord]:
        """Return the orders that are there."""
        assert self._there
        assert within == 10.0
        yield record("o-1", OrderState.CONFIRMED)

    def close(self) -> None:
        """Do nothing."""


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("there", "said"),
    [(False, "without tables: the first order"), (True, "1 orders: 1 CONF")],
)
def test_a_store_on_a_server(
    sesamy: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    there: bool,
    said: str,
) -> None:
    """Its version is shown; without tables, nothing is asked."""
    store = Served(there=there)
    monkeypatch.setattr(doctor, "store_of_orders", lambda *_, **__: store)
    ran = sesamy("doctor", "--json")

    assert {} == states(ran)
    assert f"Postgres 17.1, {said}" in seen(ran, "store")


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("home", ["/", ""])
def test_no_home(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    """A container's home hides nothing."""
    monkeypatch.setenv("HOME", home)
    ran = sesamy("doctor", "--json")

    assert "http://127.0.0.1" in seen(ran, "base_url")


@pytest.mark.usefixtures("served")
def test_packages_that_are_missing(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The versions are of what is installed."""
    monkeypatch.setattr(doctor, "_PACKAGES", ("httpx", "no-such-package"))
    ran = sesamy("doctor", "--json")

    assert ", httpx " in seen(ran, "versions")
    assert "no-such-package" not in ran.out
