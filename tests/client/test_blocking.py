"""The blocking client is generated; either is shared by loops and threads."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import threading
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from proof.orders import creating
from proof.site import Way, serving
from sesamy_async import (
    AsyncContracts,
    AsyncSesamy,
    ConfigurationError,
    Connections,
    Contracts,
    Sesamy,
    StaticToken,
)
from sesamy_async.sandbox import Sandbox, SandboxConfig, running
from support.calling import awaited, blocked, complete
from support.leaks import told_by
from support.programs import run
from support.sandbox_settings import lead_to
from support.wire import ORDER


WAITERS = 150
THREADS = 32


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Serve a sandbox that all clients are led to."""
    sandbox = Sandbox(SandboxConfig(rate_limit=None))
    with running(sandbox) as url:
        lead_to(sandbox, monkeypatch, url)
        yield sandbox


def test_generated() -> None:
    """The committed file is what the script makes of the async client."""
    script = Path(__file__).parents[2] / "scripts" / "generate_blocking.py"
    done = run([str(script), "--check"], os.environ)

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(Sesamy, AsyncSesamy), (Contracts, AsyncContracts)]
)
def test_same_interface(ours: type, theirs: type) -> None:
    """Every public method is there, with the same arguments."""
    renamed = {"aclose": "close"}
    names = [name for name in vars(theirs) if not name.startswith("_")]

    assert names
    for name in names:
        method = getattr(theirs, name)
        twin = getattr(ours, renamed.get(name, name))
        if callable(method):
            assert (
                inspect.signature(method).parameters.keys()
                == inspect.signature(twin).parameters.keys()
            )
            assert not inspect.iscoroutinefunction(twin)
            assert method.__doc__ == twin.__doc__


def test_in_a_running_loop(sandbox: Sandbox) -> None:
    """It works where a loop is running already, as in Jupyter."""

    async def main() -> int:
        with Sesamy() as sesamy:
            return sesamy.contracts.onboard("SPRING-12", ORDER).strays

    assert 0 == asyncio.run(main())
    assert 1 == sandbox.ledger.total


def test_never_used() -> None:
    """A client that never connected needs no closing."""
    sesamy = Sesamy("acme", auth=StaticToken("t"))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del sesamy
        gc.collect()

    assert not any("unclosed Sesamy" in str(each.message) for each in told)


@pytest.mark.parametrize("kind", [Sesamy, AsyncSesamy])
def test_no_secret_in_tracebacks_of_the_constructor(kind: Any) -> None:
    """A wrong setting beside the secret does not show the secret."""

    def construct() -> None:
        kind("..", client_id="c", client_secret="CAN" + "ARY")

    with pytest.raises(ConfigurationError) as caught:
        construct()
    told = told_by(caught.value)

    assert "__init__: " in told
    assert "CANARY" not in told


@pytest.mark.parametrize(
    "backends",
    [("asyncio", "asyncio"), ("asyncio", "trio"), ("trio", "trio")],
    ids="+".join,
)
def test_hundreds_wait_in_two_loops(
    backends: tuple[str, str],
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each loop makes one token call, and nobody waits in vain."""

    async def hold(seconds: float) -> None:
        for _ in range(int(seconds / 0.01)):
            if sandbox.ledger.requests("token") >= 2:
                break
            await asyncio.sleep(0.01)

    # The first token comes when both loops have asked for one.
    monkeypatch.setattr("sesamy_async.sandbox._listener.sleep", hold)
    sandbox.faults.add("delay:20", times=2, on="token")
    both = threading.Barrier(2, timeout=60)
    client = AsyncSesamy(rate_limit=None)
    endings: Counter[str] = Counter()

    async def one(order: str) -> None:
        ending = await awaited(creating(order), client)
        endings[str(ending.outcome)] += 1

    async def main(number: int) -> None:
        both.wait()
        async with anyio.create_task_group() as group:
            for each in range(WAITERS):
                group.start_soon(one, f"{number}-{each}")
        await client._caller.shared.exchange.transport.aclose()

    with ThreadPoolExecutor(2) as pool:
        loops = [
            pool.submit(partial(anyio.run, main, number, backend=backend))
            for number, backend in enumerate(backends)
        ]
        for loop in loops:
            loop.result(200)
    anyio.run(client.aclose)

    assert {"None": 2 * WAITERS} == endings
    assert 2 * WAITERS == sandbox.ledger.total
    assert 2 == sandbox.ledger.requests("token")


@pytest.mark.parametrize("way", [Way.HTTP, Way.HTTPS])
def test_a_loop_that_rested(way: Way) -> None:
    """What ended while no cell of a REPL was running is not used again."""
    with serving(way, 1) as site, asyncio.Runner() as runner:
        client = AsyncSesamy(**complete(site.settings()))
        first = runner.run(awaited(creating("first"), client))
        site.drop()
        second = runner.run(awaited(creating("second"), client))
        runner.run(client.aclose())

    assert [None, None] == [first.outcome, second.outcome]


def test_thirty_two_threads(sandbox: Sandbox) -> None:
    """They share one token and the connections; each gets its own answer."""
    sandbox.faults.add("delay:0.1", on="token")
    orders = [f"order-{number}" for number in range(10 * THREADS)]
    with (
        Sesamy(rate_limit=None, transport=Connections(cap=4)) as client,
        ThreadPoolExecutor(THREADS) as pool,
    ):
        endings = list(
            pool.map(lambda each: blocked(creating(each), client), orders)
        )
    found = {
        order: [contract.id for contract in sandbox.ledger.contracts(order)]
        for order in orders
    }

    assert found == {
        order: [ending.value.id]
        for order, ending in zip(orders, endings, strict=True)
    }
    assert 1 == sandbox.ledger.requests("token")
