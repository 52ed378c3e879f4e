"""Loops and processes share a client, but no connection."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import anyio

from sesamy_async import AsyncSesamy, Sesamy
from support.calling import World, complete, create
from support.fault_server import FaultServer
from support.faults import good
from support.marks import every_loop, every_world
from support.reaching import direct


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
