"""Served, the sandbox breaks real connections, and ends cleanly."""

from __future__ import annotations

import gc
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import trustme
from aiohttp.test_utils import make_mocked_request

from sesamy_async.errors import ConfigurationError
from sesamy_async.sandbox import NO_ANSWER, Sandbox, listener, running, serve
from support.sandbox_caller import CREATE, order


SIGNALLED = """
import sys
from sesamy_async.sandbox import Sandbox, serve
serve(Sandbox(), port=0)
sys.stdout.write("ended\\n")
"""


@contextmanager
def served(sandbox: Sandbox, **more: Any) -> Iterator[httpx.Client]:
    """Serve, and yield a client with a token."""
    verify = more.pop("verify", True)
    environment = sandbox.environment()
    with (
        running(sandbox, **more) as url,
        httpx.Client(base_url=url, verify=verify, timeout=10) as client,
    ):
        answer = client.post(
            "/oauth/token",
            data={
                "client_id": environment["SESAMY_CLIENT_ID"],
                "client_secret": environment["SESAMY_CLIENT_SECRET"],
                "grant_type": "client_credentials",
            },
        )
        token = answer.json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def test_served_like_in_process() -> None:
    """A served sandbox creates contracts, encoded paths and all."""
    sandbox = Sandbox()
    with served(sandbox) as client:
        path = CREATE.replace("SPRING-12", "SPRING%2D12")
        answer = client.post(f"{path}?confirm=1", json=order())
        missing = client.get("/nowhere")
    (contract,) = sandbox.ledger.confirmed("A-1")

    assert (200, contract.id) == (answer.status_code, answer.json()["id"])
    assert "X-RateLimit-Remaining" in answer.headers
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("fault", "raised", "applied"),
    [
        # Which of the two depends on how much httpx has written by then.
        (
            "drop-before",
            (httpx.ReadError, httpx.RemoteProtocolError),
            0,
        ),
        ("drop-after", httpx.ReadError, 1),
        ("half", httpx.RemoteProtocolError, 1),
        ("delay:5", httpx.ReadTimeout, 1),
    ],
)
def test_served_faults(
    fault: str,
    raised: type[Exception] | tuple[type[Exception], ...],
    applied: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each broken connection raises what it does in process; none logs."""
    caplog.set_level("WARNING", "aiohttp")
    sandbox = Sandbox()
    with served(sandbox) as client:
        sandbox.faults.add(fault, on="create")
        with pytest.raises(raised):
            client.post(CREATE, json=order(), timeout=0.2)
        answer = client.post(CREATE, json=order("A-2"))

    assert answer.status_code == 200
    assert applied == sandbox.ledger.count("A-1")
    assert caplog.records == []


def test_dropped_before_the_body_is_read() -> None:
    """A connection dies although the body has not come yet."""
    sandbox = Sandbox()
    sandbox.faults.add("drop-before")
    with running(sandbox) as url:
        address = "127.0.0.1", int(url.rpartition(":")[2])
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(
                f"POST {CREATE} HTTP/1.1\r\nHost: x\r\n"
                "Content-Length: 10\r\n\r\n".encode()
            )
            with pytest.raises(ConnectionResetError):
                connection.recv(1)

    assert sandbox.ledger.requests("create", NO_ANSWER) == 1


def test_end_does_not_wait_for_late_answers() -> None:
    """A server ends soon, whatever it still has to answer."""
    sandbox = Sandbox()
    with served(sandbox) as client:
        sandbox.faults.add("delay:50")
        with pytest.raises(httpx.ReadTimeout):
            client.post(CREATE, json=order(), timeout=0.1)
        began = time.monotonic()

    assert time.monotonic() - began < 5


def test_short_delay() -> None:
    """An answer that is late but in time is the answer."""
    sandbox = Sandbox()
    with served(sandbox) as client:
        sandbox.faults.add("delay:0.05")
        began = time.monotonic()
        answer = client.post(CREATE, json=order())

    assert answer.status_code == 200
    assert time.monotonic() - began >= 0.05


def test_ledger_is_served() -> None:
    """The ledger can be read from other processes, and reset."""
    sandbox = Sandbox()
    with served(sandbox) as client:
        client.post(CREATE, json=order())
        before = client.get("/_sandbox/ledger").json()
        reset = client.post("/_sandbox/reset")
        after = client.get("/_sandbox/ledger").json()

    assert list(before["orders"]) == ["A-1"]
    assert before["requests"] == {"create": {"200": 1}, "token": {"200": 1}}
    assert (reset.status_code, after["orders"]) == (200, {})


def test_faults_are_served() -> None:
    """Faults can be queued from other processes."""
    sandbox = Sandbox()
    with served(sandbox) as client:
        queued = client.post(
            "/_sandbox/faults",
            json={"fault": "status:503", "times": 2, "on": "create"},
        )
        broken = client.post(CREATE, json=order())

    assert queued.json() == {"pending": ["status:503", "status:503"]}
    assert broken.status_code == 503


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "must be JSON"),
        (b"[]", "must be an object"),
        (b'{"fault": "empty", "x": 1}', "Only fault, times and on"),
        (b'{"fault": 5}', "fault is required"),
        (b"{}", "fault is required"),
        (b'{"fault": "empty", "times": "2"}', "times must be"),
        (b'{"fault": "empty", "on": 2}', "on must be"),
        (b'{"fault": "explode"}', "is none of"),
    ],
)
def test_wrong_faults_are_refused(body: bytes, said: str) -> None:
    """What can't be queued is refused in words that help."""
    with served(Sandbox()) as client:
        answer = client.post("/_sandbox/faults", content=body)

    assert answer.status_code == 400
    assert said in answer.json()["message"]


def test_other_endpoints_of_its_own() -> None:
    """An unknown endpoint names those there are."""
    with served(Sandbox()) as client:
        answer = client.get("/_sandbox/reset")

    assert answer.status_code == 404
    assert "POST /_sandbox/reset" in answer.json()["message"]


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


def test_ipv6() -> None:
    """The other loopback has brackets in its URL."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("This machine has no IPv6.")
    with running(Sandbox(), "::1") as url:
        answer = httpx.get(f"{url}/_sandbox/ledger")

    assert re.fullmatch(r"http://\[::1\]:\d+", url)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "192.168.0.1", "::", "example.com", ""],  # noqa: S104
)
def test_only_loopback(host: str) -> None:
    """What others can reach is refused, by name or number."""
    with (
        pytest.raises(ConfigurationError, match="loopback only"),
        running(Sandbox(), host),
    ):
        pass
    with pytest.raises(ConfigurationError, match="loopback only"):
        serve(Sandbox(), host)


def test_localhost_is_loopback() -> None:
    """The name of this machine is good."""
    with running(Sandbox(), "localhost") as url:
        answer = httpx.get(f"{url}/_sandbox/ledger")

    assert answer.status_code == 200


def test_port_in_use() -> None:
    """A port that somebody has is named, and no thread is left."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(ConfigurationError, match=f"port {port}"),
            running(Sandbox(), port=port),
        ):
            pass

    assert "sesamy-sandbox" not in {
        thread.name for thread in threading.enumerate()
    }


def test_nothing_is_left_behind() -> None:
    """After the block neither thread nor socket remains, even on error."""
    seen: list[str] = []

    def fail() -> None:
        with running(Sandbox()) as url:
            seen.append(url)
            httpx.get(f"{url}/_sandbox/ledger")
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        fail()
    gc.collect()

    assert "sesamy-sandbox" not in {
        thread.name for thread in threading.enumerate()
    }
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{seen[0]}/_sandbox/ledger")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_until_signalled(number: signal.Signals) -> None:
    """Either signal ends the server cleanly; its handlers are restored."""
    before = signal.getsignal(number)
    ready: list[str] = []
    sandbox = Sandbox()

    def on_ready(url: str) -> None:
        ready.append(url)
        os.kill(os.getpid(), number)

    serve(sandbox, port=0, ready=on_ready)

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", ready[0])
    assert before == signal.getsignal(number)


def test_serve_prints_the_variables(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without a callback the variables to export are printed."""
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    serve(Sandbox(), port=0)
    timer.join()
    printed = capsys.readouterr().out

    assert "export SESAMY_CLIENT_ID=sandbox-client\n" in printed
    assert re.search(r"export SESAMY_BASE_URL=http://127.0.0.1:\d+", printed)


def test_process_ends_cleanly() -> None:
    """A process of its own ends on SIGTERM without a word of complaint."""
    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-W", "error", "-c", SIGNALLED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)

    assert first.startswith("# The sandbox listens on http://127.0.0.1:")
    assert (
        out.splitlines()[-1],
        err,
        process.returncode,
    ) == ("ended", "", 0)


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without aiohttp the message says what to install."""
    monkeypatch.delitem(
        sys.modules, "sesamy_async.sandbox.listener", raising=False
    )
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(ConfigurationError, match=r"sesamy-async\[sandbox\]"):
        serve(Sandbox(), port=0)


def test_many_clients_at_once() -> None:
    """Thirty-two threads of clients lose nothing."""
    sandbox = Sandbox()
    with served(sandbox) as client, ThreadPoolExecutor(32) as pool:
        answers = list(
            pool.map(
                lambda number: client.post(CREATE, json=order(str(number))),
                range(200),
            )
        )

    assert {200} == {answer.status_code for answer in answers}
    assert sandbox.ledger.total == 200


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("fault", ["half", "drop-after"])
async def test_client_that_left(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is gone already need not be cut."""
    sandbox = Sandbox()
    sandbox.faults.add(fault)
    request = make_mocked_request("POST", "/oauth/token")
    monkeypatch.setattr(type(request), "transport", None)
    answer = await listener._Connection(sandbox).answer(request)

    assert fault == ("half" if answer.prepared else "drop-after")


def test_client_that_left_within_its_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing is done for it, and nothing is logged of it."""
    sandbox = Sandbox()
    head = f"POST {CREATE} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
    with running(sandbox) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(head.encode())
            time.sleep(0.05)
        time.sleep(0.05)

    assert 0 == sandbox.ledger.requests()
    assert [] == caplog.messages


def test_interrupted_while_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C before it listens ends it all the same."""
    with monkeypatch.context() as patch:

        def interrupted(self: Future[object]) -> object:
            del self
            patch.undo()
            raise KeyboardInterrupt

        patch.setattr(Future, "result", interrupted)
        with pytest.raises(KeyboardInterrupt), running(Sandbox()):
            pytest.fail("It must not get here.")

    assert not any(
        thread.name == "sesamy-sandbox" for thread in threading.enumerate()
    )
