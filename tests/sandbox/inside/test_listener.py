"""What goes wrong between aiohttp and the thread of a served sandbox."""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from aiohttp.test_utils import make_mocked_request

from sesamy_async.errors import ConfigurationError
from sesamy_async.sandbox import Sandbox, _listener, running, serve


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
    """An error at its end is shown by the hook of threads."""
    seen: list[threading.ExceptHookArgs] = []

    @asynccontextmanager
    async def failing(*args: object) -> AsyncGenerator[str]:
        del args
        yield "http://127.0.0.1"
        raise MemoryError

    monkeypatch.setattr(_listener, "listening", failing)
    monkeypatch.setattr(threading, "excepthook", seen.append)
    with running(Sandbox()):
        pass

    assert [MemoryError] == [each.exc_type for each in seen]


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

    assert fault == ("half" if answer.prepared else "drop-after")
