"""Connections are reused, thrown away and closed; what shares them."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import pytest

from sesamy_async import AsyncSesamy, Connections, Sesamy
from support.calling import (
    Ending,
    World,
    awaited,
    complete,
    create,
    later,
)
from support.fault_server import FaultServer, Peer
from support.faults import good, message, raw
from support.marks import every_loop, every_world
from support.patience import noted, when
from support.reaching import direct
from support.slow_rows import with_much


@every_world
def test_one_connection_for_one_after_the_other(world: World) -> None:
    """Calls in turn share a connection, which is closed in the end."""
    with FaultServer([], good) as server:
        endings = world.run([create] * 5, **direct(server))

        assert 0 == server.settle(0)
    assert [f"c-{n}" for n in range(1, 6)] == [e.value.id for e in endings]
    assert 1 == server.connections


@every_world
@pytest.mark.parametrize(("idle", "connections"), [(0.05, 2), (60.0, 1)])
def test_an_idle_connection(
    idle: float, connections: int, world: World
) -> None:
    """One that was idle for too long is not used again, but closed."""
    with FaultServer([], good) as server:
        settings = {**direct(server), "transport": Connections(idle=idle)}
        endings = world.run([create, later(0.1, create)], **settings)

        assert 0 == server.settle(0)
    assert ["c-1", "c-2"] == [ending.value.id for ending in endings]
    assert connections == server.connections


@every_world
def test_connections_that_were_needed_once(world: World) -> None:
    """After a rush, those that stay idle are closed by a later call."""
    still_open: list[int] = []
    ended: list[Ending] = []

    def slow(peer: Peer) -> None:
        peer.next_request_begins()
        peer.pause(0.1)
        good(peer)

    def last(peer: Peer) -> None:
        peer.next_request_begins()
        still_open.append(server.settle(1))
        good(peer)

    rush = [noted(ended, create)] * 5
    calm = [
        when(lambda: len(ended) == 5, noted(ended, later(0.3, create))),
        when(lambda: len(ended) == 6, create),
    ]
    with FaultServer([slow] * 6, last) as server:
        settings = {**direct(server), "transport": Connections(idle=0.2)}
        world.together([*rush, *calm], **settings)

    assert 5 <= server.connections
    assert [1] == still_open


@every_world
def test_a_connection_that_the_server_closed(world: World) -> None:
    """One that ended while it was idle is not used for the next call."""
    closes = raw(message(201, {"id": "c-1"}), stay=False)
    with FaultServer([closes], good) as server:
        ended = when(lambda: not server.still_open, later(0.05, create))
        endings = world.run([create, ended], **direct(server))

    assert ["c-1", "c-2"] == [ending.value.id for ending in endings]
    assert 2 == server.connections


@every_world
def test_many_at_once(world: World) -> None:
    """They share the connections there may be, with one create each."""
    with FaultServer([], good) as server:
        settings = {**direct(server), "transport": Connections(cap=20)}
        endings = world.together([create] * 200, threads=40, **settings)

        assert 0 == server.settle(0)
    ids = {ending.value.id for ending in endings}

    assert 200 == len(ids) == len(server.received)
    assert server.connections <= 20


@every_loop
def test_cancellations(backend: str) -> None:
    """Their connections are thrown away, and none is lost or leaked."""
    moments = itertools.cycle(range(16))

    def slow(peer: Peer) -> None:
        peer.next_request_begins()
        peer.pause(0.005)
        good(peer)

    async def main(server: FaultServer) -> list[object]:
        settings: dict[str, Any] = complete(direct(server))
        settings["transport"] = Connections(cap=5)
        async with AsyncSesamy(**settings) as client:

            async def leave(unit: float) -> None:
                with anyio.move_on_after(next(moments) * unit):
                    await create(client)

            for turn in range(200):
                # A busy machine takes longer to make a connection.
                unit = 0.001 * (1 + turn // 20)
                async with anyio.create_task_group() as group:
                    for _ in range(10):
                        group.start_soon(leave, unit)
                if turn >= 20 and server.connections > 5:
                    break
            contracts = [(await awaited(create, client)) for _ in range(20)]
            await anyio.to_thread.run_sync(server.settle, 5)

            assert server.still_open <= 5
        return [ending.value.id for ending in contracts]

    with FaultServer([], slow) as server:
        ids = anyio.run(main, server, backend=backend)

        assert 0 == server.settle(0)
    assert 20 == len(set(ids))
    # If none was thrown away, there would be five.
    assert 5 < server.connections


@pytest.mark.parametrize(
    ("backend", "native"),
    [("asyncio", False), ("asyncio", True), ("trio", False)],
)
def test_a_large_request_that_is_cancelled(native: bool, backend: str) -> None:
    """Its socket is closed at once; what had not left never does."""
    cancelled = threading.Event()
    taken: list[int] = []

    def take_later(peer: Peer) -> None:
        cancelled.wait(20.0)
        while True:
            taken.append(len(peer.read_some(2**20)))

    async def main(server: FaultServer) -> int:
        async with AsyncSesamy(**complete(with_much(server))) as client:
            async with anyio.create_task_group() as group:
                if native:
                    task = asyncio.ensure_future(create(client))
                else:
                    group.start_soon(create, client)
                while not server.connections:  # noqa: ASYNC110 - a thread
                    await anyio.sleep(0.01)
                await anyio.sleep(0.1)
                group.cancel_scope.cancel()
            if native:
                task.cancel()
                await asyncio.wait([task])
            cancelled.set()
            return await anyio.to_thread.run_sync(server.settle, 0)

    with FaultServer([], take_later) as server:
        assert 0 == anyio.run(main, server, backend=backend)
    assert 0 < sum(taken) < 16_000_000


@every_loop
def test_one_client_for_two_loops_in_turn(backend: str) -> None:
    """Each loop gets connections of its own, and both work."""

    async def main(client: AsyncSesamy) -> str:
        contract = await create(client)
        await client._caller.shared.exchange.transport.aclose()
        return str(contract.id)

    with FaultServer([], good) as server:
        client = AsyncSesamy(**complete(direct(server)))
        ids = [anyio.run(main, client, backend=backend) for _ in range(2)]
        anyio.run(client.aclose, backend=backend)

        assert 0 == server.settle(0)
    assert ["c-1", "c-2"] == ids
    assert 2 == server.connections


@every_loop
def test_sockets_of_loops_that_ended(backend: str) -> None:
    """A client that outlives many loops does not collect their sockets."""
    with FaultServer([], good) as server:
        client = AsyncSesamy(**complete(direct(server)))
        with warnings.catch_warnings():
            # asyncio says of each socket that nobody closed it.
            warnings.simplefilter("ignore", ResourceWarning)
            for _ in range(5):
                anyio.run(create, client, backend=backend)
            gc.collect()
            left = server.settle(1)
            anyio.run(client.aclose, backend=backend)
            del client
            gc.collect()

    assert left <= 1


@every_loop
def test_one_client_for_two_loops_at_once(backend: str) -> None:
    """Loops in two threads share a client, but no connection."""
    contracts: list[str] = []
    both = threading.Barrier(2, timeout=60.0)

    async def main(client: AsyncSesamy) -> None:
        both.wait()
        contracts.extend([(await create(client)).id for _ in range(20)])
        both.wait()
        await client._caller.shared.exchange.transport.aclose()

    with FaultServer([], good) as server:
        client = AsyncSesamy(**complete(direct(server)))
        run = partial(anyio.run, main, client, backend=backend)
        with ThreadPoolExecutor(2) as pool:
            for each in [pool.submit(run) for _ in range(2)]:
                each.result(120.0)
        anyio.run(client.aclose, backend=backend)

    assert 40 == len(set(contracts))
    assert 2 == server.connections


FORKED = """
import os, sys
from support.callers import client_for, through
from support.calling import complete, create
from sesamy_async import Sesamy
client = Sesamy(**complete({"base_url": sys.argv[1]}))
before = create(client).id
child = os.fork()
contract = create(client).id
if not child:
    client.close()
    os._exit(0 if contract else 1)
_, status = os.waitpid(child, 0)
again = create(client).id
client.close()
print(len({before, contract, again}), status)
"""


def test_a_child_has_connections_of_its_own() -> None:
    """After a fork, parent and child never share a connection."""
    with FaultServer([], good) as server:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", FORKED, server.url],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert ("3 0\n", "") == (done.stdout, done.stderr)
    assert 2 == server.connections
    assert 4 == len(server.received)


@every_world
def test_a_client_that_nobody_closed(world: World) -> None:
    """It says so with a ResourceWarning, and nothing else happens."""

    async def forget(settings: dict[str, Any]) -> None:
        client = AsyncSesamy(**settings)
        await create(client)
        del client
        gc.collect()

    with (
        FaultServer([], good) as server,
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        settings = complete(direct(server))
        if world is World.BLOCKING:
            create(Sesamy(**settings))
        else:
            anyio.run(forget, settings, backend=str(world))
        seen = [(each.category, str(each.message)) for each in caught]
        # A warning keeps its source alive.
        caught.clear()
        gc.collect()

    assert {ResourceWarning} == {category for category, _ in seen}
    assert 1 == sum("Sesamy(" in text for _, text in seen)
