"""The endpoints that control a sandbox, and what goes wrong in its thread."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from aiohttp.test_utils import make_mocked_request

from sesamy_async import Headers
from sesamy_async.errors import ConfigurationError
from sesamy_async.sandbox import (
    Answer,
    Sandbox,
    SandboxRequest,
    _listener,
    running,
    serve,
)
from sesamy_async.sandbox._page import refuse_foreign


FAULT = b'{"fault": "empty"}'
OWN = "http://127.0.0.1:8787"


def asked(
    method: str = "POST", body: bytes = b"", **headers: str
) -> SandboxRequest:
    """Return a request that queues a fault."""
    sent = {"Host": "127.0.0.1:8787"}
    sent |= {name.replace("_", "-"): headers[name] for name in headers}
    return SandboxRequest(
        method=method,
        path="/_sandbox/faults",
        headers=Headers(sent),
        body=body,
    )


def message(answer: Answer) -> str:
    """Return what an answer says."""
    said: str = json.loads(answer.body)["message"]
    return said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "must be JSON"),
        (b"[]", "must be an object"),
        (b'{"fault": "empty", "x": 1}', "unknown: x (known are fault, times"),
        (b"{}", "fault: missing"),
        (b'{"fault": "empty", "times": 0}', "times must be at least 1"),
        (b'{"fault": "explode"}', "must be one of"),
    ],
)
def test_wrong_faults_are_refused(body: bytes, said: str) -> None:
    """A fault that can't be queued is refused with the reason."""
    answer = Sandbox().administer(asked(body=body))

    assert answer.status == 400
    assert said in message(answer)


def test_unknown_endpoint() -> None:
    """An unknown endpoint names the known ones."""
    request = SandboxRequest(method="GET", path="/_sandbox/x")
    answer = Sandbox().administer(request)

    assert answer.status == 404
    assert "POST /_sandbox/reset" in message(answer)


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("ledger", "GET"),
        ("orders/A-1", "GET"),
        ("reset", "POST"),
        ("faults", "POST"),
    ],
)
def test_wrong_method(path: str, method: str) -> None:
    """Each endpoint names its method if it is asked with another one."""
    request = SandboxRequest(method="PUT", path=f"/_sandbox/{path}")
    answer = Sandbox().administer(request)

    assert (405, method) == (answer.status, answer.headers["Allow"])
    assert f"The method must be {method}." == message(answer)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (asked(Host="localhost"), None),
        (asked(Host="LOCALHOST:8787"), None),
        (asked(Host="shop.localhost:1"), None),
        (asked(Host="[::1]:8787"), None),
        (asked(Host=""), 403),
        (asked(Host="[::1"), 403),
        (asked(Host="0.0.0.0:8787"), 403),
        (asked(Host="127.0.0.1.evil.example"), 403),
        (asked(Host="evil.example:.localhost"), 403),
        (asked(Host="evil.example#.localhost"), 403),
        (asked(Host="notlocalhost"), 403),
        (asked(Origin=OWN, Sec_Fetch_Site="same-origin"), None),
        (asked(Sec_Fetch_Site="none"), None),
        (asked(Sec_Fetch_Site="same-site"), 403),
        (asked(Origin="null"), 403),
        (asked(Origin="http://127.0.0.1:9999"), 403),
        (asked(Origin="http://localhost:8787"), 403),
        (asked(body=FAULT, Content_Type="Application/JSON; a=b"), None),
        (asked(body=FAULT), 415),
        (asked(Content_Type="application/x-www-form-urlencoded"), 415),
        (asked(body=FAULT, Content_Type="multipart/form-data; a"), 415),
        (asked("PUT", Origin="null"), 403),
        # A page can't read these, unless its own name leads here.
        (asked("GET", Origin="null", Sec_Fetch_Site="cross-site"), None),
        (asked("GET", Host="evil.example"), 403),
    ],
)
def test_who_may_control_a_sandbox(
    request_: SandboxRequest, status: int | None
) -> None:
    """Programs of this machine may, and pages of the sandbox's own origin."""
    refusal = refuse_foreign(request_)

    assert status == (refusal and refusal.status)


def test_start_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any error that keeps it from listening is raised by `running`."""

    def fail(*args: object, **kwargs: object) -> None:
        del args, kwargs
        raise MemoryError

    monkeypatch.setattr("sesamy_async.sandbox._listener.web.TCPSite", fail)
    with pytest.raises(MemoryError), running(Sandbox()):
        pass

    assert "sesamy-sandbox" not in {it.name for it in threading.enumerate()}


def test_end_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error at its end is raised by `running`."""

    @asynccontextmanager
    async def failing(*args: object) -> AsyncGenerator[str]:
        del args
        yield "http://127.0.0.1"
        raise MemoryError

    monkeypatch.setattr(_listener, "listening", failing)
    with pytest.raises(MemoryError), running(Sandbox()):
        pass


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without aiohttp the message says what to install."""
    monkeypatch.delitem(sys.modules, "sesamy_async.sandbox._listener")
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(ConfigurationError, match=r"sesamy-async\[sandbox\]"):
        serve(Sandbox(), port=0)


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
    answer = await _listener._answer(sandbox, request)

    assert not answer.prepared
