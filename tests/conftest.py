"""Fixtures for all tests: both event loops, a world of its own, servers."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import walk_packages
from secrets import token_hex
from tempfile import gettempdir

import anyio
import pytest
import respx
from hypothesis import HealthCheck, is_hypothesis_test, settings

import sesamy_async
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
from support.servers import Postgres, Redis
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
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")


# Folders, files and tests that repeat what others do once: to count their
# branches doubles their time and finds no other ones.  If one of them comes
# to be the only one that takes a branch, remove it from here.
_UNCOUNTED = {
    "engines",
    "proof",
    "tools",
    "test_behind_nginx.py",
    "test_blocking.py",
    "test_burst.py",
    "test_docs_of_fastapi.py",
    "test_hostile_answers.py",
    "test_in_processes.py",
    "test_leaks.py",
    "test_once_leaks.py",
    "test_page_in_browser.py",
    "test_patched.py",
    "test_plugin.py",
    "test_stopped_calls.py",
    "test_web_leaks.py",
    "test_a_client_loads_no_other_loop",
    "test_a_long_word",
    "test_an_answer_takes_no_longer",
    "test_an_order_takes_no_longer",
    "test_an_order_that_may_have_an_invoice",
    "test_an_outage_that_does_not_end",
    "test_an_outage_that_ends",
    "test_any_name_can_be_the_first",
    "test_cancelled_at_each_await",
    "test_each_cause_has_one_meaning",
    "test_faults_by_chance_keep_their_share",
    "test_help",
    "test_is_copied_by_nobody_else",
    "test_kills",
    "test_lets_four_processes_claim_at_once",
    "test_lets_one_process_claim",
    "test_many_with_other_data",
    "test_no_call_imports",
    "test_no_call_imports_for_a_proxy",
    "test_stdin",
    "test_the_pace_is_kept",
    "test_the_same_orders_again",
    "test_the_store_wins",
    "test_what_a_call_does",
    "test_which_is_meant",
}


# Where trio has branches of its own.
_ON_TRIO = {"http", "testing", "test_jobs.py"}

_PATIENCE = 90.0


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread what takes long, so that each worker has as much of it."""
    late = [each for each in items if "proof" not in each.path.parts]
    long = [each for each in items if "proof" in each.path.parts]
    step = len(late) // max(1, len(long)) + 1
    items[:] = []
    while long:
        items += [long.pop(), *late[:step]]
        del late[:step]
    items += late


def pytest_collection_finish() -> None:
    """Let what is there by now, which stays, cost no collection any time."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    """Count no branches where workers run the tests; hear Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts it so in the background, and children inherit it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("numprocesses", None) and not is_xdist_worker(config):
        sys.settrace(None)


def is_xdist_worker(config: pytest.Config) -> bool:
    """Whether this process gets its tests from another one."""
    return hasattr(config, "workerinput")


@contextmanager
def _uncounted() -> Generator[None]:
    """Count no branches, nor those of processes that are started."""
    trace, trace_of_threads = sys.gettrace(), threading.gettrace()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        sys.settrace(None)
        threading.settrace(None)
        try:
            yield
        finally:
            sys.settrace(trace)
            threading.settrace(trace_of_threads)


@pytest.hookimpl(wrapper=True)
def pytest_collection(
    session: pytest.Session,
) -> Generator[None, object, object]:
    """Count the package's branches at its import, but none of the tests."""
    gc.disable()  # All that is made now stays.
    with _after_the_first(session.config):
        if "COVERAGE_PROCESS_CONFIG" not in os.environ:
            return (yield)
        for each in walk_packages(sesamy_async.__path__, "sesamy_async."):
            import_module(each.name)
        with _uncounted():
            return (yield)


@contextmanager
def _after_the_first(config: pytest.Config) -> Generator[None]:
    """Let one worker compile the tests; the others wait, and read that."""
    told: dict[str, str] = getattr(config, "workerinput", {})
    if not told:
        yield
        return
    compiled = Path(gettempdir(), f"compiled-{told['testrunuid']}")
    first = told["workerid"] == "gw0"
    latest = time.monotonic() + _PATIENCE
    while not first and not compiled.exists() and time.monotonic() < latest:
        time.sleep(0.1)
    try:
        yield
    finally:
        if first:
            compiled.touch()
            config.add_cleanup(compiled.unlink)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(
    item: pytest.Function,
) -> Generator[None, object, object]:
    """Count no branches in some tests, nor in processes that they start."""
    name, _, parameters = item.name.partition("[")
    names = {*item.path.parts, name}
    counts = "COVERAGE_PROCESS_CONFIG" in os.environ
    # On trio they take the same branches as on asyncio.
    again = "trio" in parameters and _ON_TRIO.isdisjoint(names)
    drawn = is_hypothesis_test(item.function)
    if not counts or not (again or drawn or _UNCOUNTED & names):
        return (yield)
    with _uncounted():
        return (yield)


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
    # Nobody asks it where a callback comes from, which takes long to find.
    monkeypatch.setattr("asyncio.constants.DEBUG_STACK_DEPTH", 1)
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


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def _redis() -> Iterator[Redis]:
    with Redis() as server:
        yield server


@pytest.fixture
def postgres(_postgres: Postgres) -> Postgres:
    """Return a Postgres that runs and has no tables."""
    _postgres.fresh()
    return _postgres


@pytest.fixture
def redis(_redis: Redis) -> Redis:
    """Return a Redis that runs, is empty, and set as it should be."""
    _redis.fresh()
    return _redis
