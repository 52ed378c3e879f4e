"""One client for two event loops at once, and for many threads."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from proof.orders import creating
from proof.site import Way, serving
from sesamy_async import AsyncSesamy, Connections, Sesamy
from sesamy_async.sandbox import Sandbox, SandboxConfig, running
from sesamy_async.sandbox import _listener as listener
from support.calling import awaited, blocked, complete
from support.sandbox_settings import lead_to


WAITERS = 500
THREADS = 32


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Serve a sandbox that all clients are led to."""
    sandbox = Sandbox(SandboxConfig(rate_limit=None))
    with running(sandbox) as url:
        lead_to(sandbox, monkeypatch, url)
        yield sandbox


@pytest.mark.parametrize(
    "backends",
    [("asyncio", "asyncio"), ("asyncio", "trio"), ("trio", "trio")],
    ids="+".join,
)
def test_a_thousand_wait_in_two_loops(
    backends: tuple[str, str],
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each loop makes one token call, and nobody waits in vain."""
    sleep = asyncio.sleep

    async def hold(seconds: float) -> None:
        for _ in range(int(seconds / 0.01)):
            if sandbox.ledger.requests("token") >= 2:
                break
            await sleep(0.01)

    # The first token comes when both loops have asked for one.
    monkeypatch.setattr(listener, "asyncio", SimpleNamespace(sleep=hold))
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
