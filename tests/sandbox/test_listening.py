"""A sandbox listens where it may, and leaves nothing behind."""

from __future__ import annotations

import gc
import io
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import Future
from contextlib import asynccontextmanager

import httpx
import pytest
import trustme

from sesamy_async.errors import ConfigurationError
from sesamy_async.sandbox import Sandbox, running, serve
from support.sandbox_caller import CREATE, order
from support.served_sandbox import served


SIGNALLED = """
import sys
from sesamy_async.sandbox import Sandbox, serve
serve(Sandbox(), port=0)
sys.stdout.write("ended\\n")
"""


def still_serving() -> bool:
    """Whether a sandbox's thread runs."""
    return any(
        thread.name == "sesamy-sandbox" for thread in threading.enumerate()
    )


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

    assert not still_serving()


def test_port_that_is_none() -> None:
    """A port that no machine has is named rather than waited for."""
    with (
        pytest.raises(ConfigurationError, match=r"port 70000: .*65535"),
        running(Sandbox(), port=70_000),
    ):
        pass

    assert not still_serving()


def test_start_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever keeps it from listening is raised where it was asked for."""

    def fail(*args: object, **kwargs: object) -> None:
        del args, kwargs
        raise MemoryError

    monkeypatch.setattr("sesamy_async.sandbox._listener.web.TCPSite", fail)
    with pytest.raises(MemoryError), running(Sandbox()):
        pass

    assert not still_serving()


def test_end_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong as it ends is told by its thread, as ever."""
    seen: list[threading.ExceptHookArgs] = []

    @asynccontextmanager
    async def failing(*args: object) -> AsyncGenerator[str]:
        del args
        yield "http://127.0.0.1"
        raise MemoryError

    monkeypatch.setattr("sesamy_async.sandbox._listener.listening", failing)
    monkeypatch.setattr(threading, "excepthook", seen.append)
    with running(Sandbox()):
        pass

    assert [MemoryError] == [each.exc_type for each in seen]


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

    assert not still_serving()
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
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a callback the variables to export are printed."""

    class Out(io.StringIO):
        def flush(self) -> None:
            signal.raise_signal(signal.SIGTERM)

    out = Out()
    monkeypatch.setattr(sys, "stdout", out)
    serve(Sandbox(), port=0)
    monkeypatch.undo()
    printed = out.getvalue()

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
        out, err = process.communicate(timeout=120)

    assert first.startswith("# The sandbox listens on http://127.0.0.1:")
    assert (
        out.splitlines()[-1],
        err,
        process.returncode,
    ) == ("ended", "", 0)


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without aiohttp the message says what to install."""
    monkeypatch.delitem(
        sys.modules, "sesamy_async.sandbox._listener", raising=False
    )
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(ConfigurationError, match=r"sesamy-async\[sandbox\]"):
        serve(Sandbox(), port=0)


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

    assert not still_serving()
