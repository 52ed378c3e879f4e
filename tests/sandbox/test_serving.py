"""A served sandbox: where it listens, how it ends, and what it answers."""

from __future__ import annotations

import gc
import os
import re
import signal
import socket
import ssl
import threading
import time
from concurrent.futures import Future

import httpx
import pytest
import trustme

from sesamy_async.errors import ConfigurationError
from sesamy_async.sandbox import NO_ANSWER, Sandbox, running, serve
from support.sandbox_caller import CREATE, order
from support.served_sandbox import served


LEDGER = "/_sandbox/ledger"


def still_serving() -> bool:
    """Whether a sandbox's thread runs."""
    return any(
        thread.name == "sesamy-sandbox" for thread in threading.enumerate()
    )


def test_leaves_no_connection_unclosed() -> None:
    """Not even one that was made just before the sandbox ended."""
    for _ in range(20):
        with running(Sandbox()) as url:
            port = int(url.rpartition(":")[2])
            socket.create_connection(("127.0.0.1", port)).close()
    gc.collect()  # What is unclosed warns now, which is an error.


@pytest.mark.parametrize(
    ("fault", "raised", "applied"),
    [
        # Which of the two depends on how much httpx has written by then.
        ("drop-before", (httpx.ReadError, httpx.RemoteProtocolError), 0),
        ("drop-after", httpx.ReadError, 1),
        ("half", httpx.RemoteProtocolError, 1),
        ("delay:50", httpx.ReadTimeout, 1),
    ],
)
def test_served_faults(
    fault: str,
    raised: type[Exception] | tuple[type[Exception], ...],
    applied: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each broken connection raises what it does in process; none logs.

    The server ends soon, whatever it still has to answer.
    """
    caplog.set_level("WARNING", "aiohttp")
    sandbox = Sandbox()
    read = 1.0 if fault == "delay:50" else 20.0
    with served(sandbox) as client:
        sandbox.faults.add(fault, on="create")
        with pytest.raises(raised):
            client.post(
                CREATE, json=order(), timeout=httpx.Timeout(20.0, read=read)
            )
        answer = client.post(CREATE, json=order("A-2"), timeout=20.0)
        began = time.monotonic()
    took = time.monotonic() - began

    assert answer.status_code == 200
    assert applied == sandbox.ledger.count("A-1")
    assert caplog.records == []
    assert took < 20


def test_request_that_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    """It may be dropped before its body; if the client leaves, it is not done.

    Nothing is logged.
    """
    sandbox = Sandbox()
    sandbox.faults.add("drop-before")
    head = f"POST {CREATE} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
    with running(sandbox) as url:
        address = "127.0.0.1", int(url.rpartition(":")[2])
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(head.encode())
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
        with socket.create_connection(address) as connection:
            connection.sendall(head.encode())
            time.sleep(0.05)
        time.sleep(0.05)

    assert sandbox.ledger.requests("create", NO_ANSWER) == 1
    assert sandbox.ledger.requests() == 1
    assert [] == caplog.messages


def test_tls() -> None:
    """With a context it is served over TLS, faults included."""
    authority = trustme.CA()
    mine = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(mine)
    theirs = ssl.create_default_context()
    authority.configure_trust(theirs)
    sandbox = Sandbox()
    with served(sandbox, ssl_context=mine, verify=theirs) as client:
        answer = client.post(CREATE, json=order())
        sandbox.faults.add("drop-after")
        with pytest.raises(httpx.TransportError):
            client.post(CREATE, json=order())

    assert (answer.url.scheme, answer.status_code) == ("https", 200)
    assert sandbox.ledger.total == 2


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("localhost", r"http://localhost:\d+"),
        ("::1", r"http://\[::1\]:\d+"),
    ],
)
def test_loopback(host: str, url: str) -> None:
    """Every name and number of this machine is good."""
    try:
        socket.create_server(
            (host, 0),
            family=socket.AF_INET6 if ":" in host else socket.AF_INET,
        ).close()
    except OSError:
        pytest.skip("This machine has no such address.")
    with running(Sandbox(), host) as listening:
        answer = httpx.get(f"{listening}{LEDGER}")

    assert re.fullmatch(url, listening)
    assert answer.status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.com", ""])  # noqa: S104
def test_only_loopback(host: str) -> None:
    """What others can reach is refused, by name or number."""
    with (
        pytest.raises(ConfigurationError, match="loopback only"),
        running(Sandbox(), host),
    ):
        pass
    with pytest.raises(ConfigurationError, match="loopback only"):
        serve(Sandbox(), host)


@pytest.mark.parametrize(
    ("port", "said"), [(None, "in use"), (70_000, "65535")]
)
def test_wrong_port(port: int | None, said: str) -> None:
    """A port that is taken, or impossible, is named; no thread is left."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = port or taken.getsockname()[1]
        with (
            pytest.raises(ConfigurationError, match=f"port {port}.*{said}"),
            running(Sandbox(), port=port),
        ):
            pass

    assert not still_serving()


def test_nothing_is_left_behind() -> None:
    """After the block neither thread nor socket remains, even on error."""
    seen: list[str] = []

    def fail() -> None:
        with running(Sandbox()) as url:
            seen.append(url)
            httpx.get(f"{url}{LEDGER}")
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        fail()
    gc.collect()

    assert not still_serving()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{seen[0]}{LEDGER}")


@pytest.mark.parametrize("at", [0, 1])
def test_interrupted_while_it_starts(
    monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Ctrl-C before it listens ends it, for its thread or for its port."""
    result, main = Future[object].result, threading.main_thread()
    calls = iter(range(at + 1))

    def interrupted(
        self: Future[object], timeout: float | None = None
    ) -> object:
        # Ctrl-C comes to the main thread.
        if threading.current_thread() is main and next(calls) == at:
            patch.undo()
            raise KeyboardInterrupt
        return result(self, timeout)

    with monkeypatch.context() as patch:
        patch.setattr(Future, "result", interrupted)
        with pytest.raises(KeyboardInterrupt), running(Sandbox()):
            pytest.fail("It must not get here.")
    gc.collect()  # What is unclosed warns now, which is an error.

    assert not still_serving()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_until_signalled(number: signal.Signals) -> None:
    """Either signal ends the server cleanly; its handlers are restored."""
    before = signal.getsignal(number)
    ready: list[str] = []

    def on_ready(url: str) -> None:
        ready.append(url)
        os.kill(os.getpid(), number)

    serve(Sandbox(), port=0, ready=on_ready)

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", ready[0])
    assert before == signal.getsignal(number)


def test_controlled_from_outside() -> None:
    """Other processes queue faults, read the ledger, and reset it."""
    with served(Sandbox()) as client:
        queued = client.post(
            "/_sandbox/faults", json={"fault": "status:503", "on": "create"}
        )
        client.post(CREATE, json=order())
        client.post(CREATE, json=order())
        before = client.get(LEDGER).json()
        reset = client.post("/_sandbox/reset")
        after = client.get(LEDGER).json()

    assert {"pending": ["status:503"]} == queued.json()
    assert list(before["orders"]) == ["A-1"]
    assert {"create": {"200": 1, "503": 1}, "token": {"200": 1}} == (
        before["requests"]
    )
    assert (reset.status_code, after["orders"]) == (200, {})


def test_web_pages_change_nothing() -> None:
    """What a browser may be made to send is refused, and does nothing."""
    sandbox = Sandbox()
    with served(sandbox) as client:
        answer = client.post(
            "/_sandbox/faults",
            json={"fault": "empty"},
            headers={"Origin": "https://evil.example"},
        )

    assert (403, ()) == (answer.status_code, sandbox.faults.pending)
    assert "another origin" in answer.json()["message"]
