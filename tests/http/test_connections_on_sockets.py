"""Connections are reused, shared, thrown away and closed as they should."""

from __future__ import annotations

import itertools
from typing import Any

import anyio
import pytest

from sesamy_async import AsyncSesamy, Connections
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


@every_world
def test_one_connection_for_one_after_the_other(world: World) -> None:
    """Calls in turn share a connection, which is closed in the end."""
    with FaultServer([], good) as server:
        endings = world.run([create] * 5, **direct(server))

        assert 0 == server.settle(0)
    assert [f"c-{n}" for n in range(1, 6)] == [e.value.id for e in endings]
    assert 1 == server.connections


@every_world
@pytest.mark.parametrize(("idle", "connections"), [(0.1, 2), (60.0, 1)])
def test_an_idle_connection(
    idle: float, connections: int, world: World
) -> None:
    """One that was idle for too long is not used again, but closed."""
    with FaultServer([], good) as server:
        settings = {**direct(server), "transport": Connections(idle=idle)}
        endings = world.run([create, later(0.2, create)], **settings)

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
        when(lambda: len(ended) == 5, noted(ended, later(1.3, create))),
        when(lambda: len(ended) == 6, create),
    ]
    with FaultServer([slow] * 6, last) as server:
        settings = {**direct(server), "transport": Connections(idle=1.0)}
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
def test_five_hundred_at_once(world: World) -> None:
    """They all succeed over a hundred connections, with one create each."""
    with FaultServer([], good) as server:
        endings = world.together([create] * 500, threads=100, **direct(server))

        assert 0 == server.settle(0)
    ids = {ending.value.id for ending in endings}

    assert 500 == len(ids) == len(server.received)
    assert server.connections <= 100


def test_a_client_for_eight_threads() -> None:
    """Threads share a blocking client and its connections."""
    with FaultServer([], good) as server:
        endings = World.BLOCKING.together(
            [create] * 200, threads=8, **direct(server)
        )

    assert 200 == len({ending.value.id for ending in endings})
    assert server.connections <= 8


@every_loop
def test_two_thousand_cancellations(backend: str) -> None:
    """Their connections are thrown away, and none is lost or leaked."""
    moments = itertools.cycle(n / 1000 for n in range(16))

    def slow(peer: Peer) -> None:
        peer.next_request_begins()
        peer.pause(0.005)
        good(peer)

    async def main(server: FaultServer) -> list[object]:
        settings: dict[str, Any] = complete(direct(server))
        settings["transport"] = Connections(cap=5)
        async with AsyncSesamy(**settings) as client:

            async def leave() -> None:
                with anyio.move_on_after(next(moments)):
                    await create(client)

            for _ in range(200):
                async with anyio.create_task_group() as group:
                    for _ in range(10):
                        group.start_soon(leave)
            contracts = [(await awaited(create, client)) for _ in range(20)]
            await anyio.to_thread.run_sync(server.settle, 5)

            assert server.still_open <= 5
        return [ending.value.id for ending in contracts]

    with FaultServer([], slow) as server:
        ids = anyio.run(main, server, backend=backend)

        assert 0 == server.settle(0)
    assert 20 == len(set(ids))
    # How many depends on how far a machine gets in milliseconds; without any
    # that was thrown away there were five.
    assert 20 < server.connections
