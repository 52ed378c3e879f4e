"""Fixtures for all tests: both event loops, and a world of its own."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from secrets import token_hex

import anyio
import pytest
import respx
from hypothesis import HealthCheck, settings

from proof.kills.served import Served
from proof.kills.served import served as served_apart
from proof.kills.zygote import Zygote, zygote
from sesamy_async import AsyncSesamy
from sesamy_async.bulk.check import Checked
from sesamy_async.sandbox import Sandbox, running
from support.command_line import CommandLine
from support.examples import SHOP, Examples
from support.import_world import World
from support.order_files import Folder
from support.sandbox_caller import Caller, logged_in
from support.sandbox_settings import lead_to
from support.sources import listed
from support.wire import QUICK, TOKEN


KIT = "sesamy_async.testing._plugin"
pytest_plugins = ["pytester"]
if not entry_points(group="pytest11", value=KIT):
    pytest_plugins.append(KIT)  # The package is used without being installed.

# The converter compiles its hooks at their first use, which takes a while.
# What is drawn is the same in each run: none fails that another one passes.
settings.register_profile(
    "patient",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")


# Folders, files and tests that repeat what others do once: to count their
# branches doubles their time and finds no other ones.
_UNCOUNTED = {
    "proof",
    "tools",
    "test_burst.py",
    "test_in_processes.py",
    "test_leaks.py",
    "test_once_leaks.py",
    "test_plugin.py",
    "test_web_leaks.py",
    "test_forks_in_a_first_call",
    "test_no_call_imports",
    "test_no_call_imports_for_a_proxy",
}


# Where trio has branches of its own.
_ON_TRIO = {"http", "testing", "test_jobs.py"}

_STEP = 150


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin early what takes long: no worker is to wait for it at the end."""
    late = [each for each in items if "proof" not in each.path.parts]
    long = [each for each in items if "proof" in each.path.parts]
    items[:] = []
    while long:
        items += [long.pop(), *late[:_STEP]]
        del late[:_STEP]
    items += late


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(
    item: pytest.Item,
) -> Generator[None, object, object]:
    """Count no branches in some tests, nor in processes that they start."""
    name, _, parameters = item.name.partition("[")
    names = {*item.path.parts, name}
    counts = "COVERAGE_PROCESS_CONFIG" in os.environ
    # On trio they take the same branches as on asyncio.
    again = "trio" in parameters and _ON_TRIO.isdisjoint(names)
    if not counts or not (again or _UNCOUNTED & names):
        return (yield)
    trace, trace_of_threads = sys.gettrace(), threading.gettrace()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COVERAGE_PROCESS_CONFIG")
        sys.settrace(None)
        threading.settrace(None)
        try:
            return (yield)
        finally:
            sys.settrace(trace)
            threading.settrace(trace_of_threads)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run every async test on asyncio and on trio."""
    backend: str = request.param
    return backend


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own SESAMY_* variables out of the tests."""
    for name in os.environ:
        if name.startswith("SESAMY_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_state_outside(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep the test, and all that it starts, out of the developer's state.

    The folder is made only if something is kept in it.
    """
    state = tmp_path_factory.getbasetemp() / "state" / token_hex(8)
    monkeypatch.setenv("XDG_STATE_HOME", str(state))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Write files of orders into a folder of the test's own."""
    return Folder(tmp_path)


@pytest.fixture
def notes_closed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Fill a list each time that a check closes what it has noted."""
    closed: list[bool] = []
    close = Checked.close

    def closing(notes: Checked) -> None:
        closed.append(True)
        close(notes)

    monkeypatch.setattr(Checked, "close", closing)
    return closed


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    """Answer as scripted; every unexpected request is an error."""
    with respx.mock(assert_all_called=False) as mock:
        mock.post(TOKEN, name="token").respond(
            json={"access_token": "t1", "token_type": "Bearer"}
        )
        yield mock


@pytest.fixture
async def client(anyio_backend: str) -> AsyncIterator[AsyncSesamy]:
    """Return a client with credentials that does not wait."""
    del anyio_backend
    async with AsyncSesamy(
        "acme", client_id="c", client_secret="s", retry=QUICK
    ) as client:
        yield client


@pytest.fixture
def sesamy(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> CommandLine:
    """Run commands in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return CommandLine(capsys)


@pytest.fixture
def loud(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Let every logger say all it can."""
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    caplog.set_level(logging.DEBUG)
    for name in ("sesamy_async", "httpx", "httpcore", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Return a sandbox; the settings of its client are in the environment."""
    sandbox = Sandbox()
    lead_to(sandbox, monkeypatch)
    return sandbox


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Serve a sandbox that the environment leads to."""
    sandbox = Sandbox()
    with running(sandbox) as url:
        lead_to(sandbox, monkeypatch, url)
        yield sandbox


@pytest.fixture
def caller() -> Caller:
    """Return somebody with a token for the default sandbox."""
    return logged_in(seed=1)


@pytest.fixture
def examples(tmp_path: Path) -> Iterator[Examples]:
    """Run examples against a sandbox that is served, over a new store."""
    sandbox = Sandbox()
    store = {"SESAMY_IDEMPOTENCY": f"sqlite://{tmp_path}/orders.db"}
    with running(sandbox) as url:
        settings = {**sandbox.environment(url), **store, **SHOP}
        yield Examples(sandbox, {**os.environ, **settings})


@pytest.fixture(scope="session")
def processes(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Zygote, Served]]:
    """Return what forks processes, and a sandbox in one of its own."""
    notes = tmp_path_factory.mktemp("sandbox") / "notes"
    with zygote() as runner, served_apart(notes, 1, {}) as sandbox:
        yield runner, sandbox


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world with five orders to import."""
    return World(folder=tmp_path, source=listed(5))


@pytest.fixture
async def bound_in_time() -> AsyncIterator[None]:
    """End a test that hangs."""
    with anyio.fail_after(60.0):
        yield
