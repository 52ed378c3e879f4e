"""Connections are reused, shared, thrown away and closed as they should."""

from __future__ import annotations

import gc
import itertools
import logging
import os
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import anyio
import httpx
import pytest
import respx

from sesamy_async import AsyncSesamy, Connections, Outcome, Sesamy
from support.callers import client_for, through
from support.calling import World, awaited, complete, create, later
from support.fault_server import FaultServer, Peer
from support.faults import answer, good, message, raw, tunnel
from support.marks import every_loop, every_world
from support.reaching import Settings, direct, forwarded, through_proxy
from support.tls import server_context


@every_world
def test_one_connection_for_one_after_the_other(world: World) -> None:
    """Calls in turn share a connection, which is closed in the end."""
    with FaultServer([], good) as server:
        endings = world.run([create] * 5, **direct(server))

        assert 0 == server.settle(0)
    assert [f"c-{n}" for n in range(1, 6)] == [e.value.id for e in endings]
    assert 1 == server.connections


@every_world
@pytest.mark.parametrize(("idle", "connections"), [(0.1, 2), (5.0, 1)])
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

    def slow(peer: Peer) -> None:
        peer.next_request_begins()
        peer.pause(0.1)
        still_open.append(server.still_open)
        good(peer)

    rush = [create] * 5
    calm = [later(0.5, create), later(0.75, create)]
    with FaultServer([], slow) as server:
        settings = {**direct(server), "transport": Connections(idle=0.2)}
        world.together([*rush, *calm], **settings)

    assert 5 <= server.connections
    assert 1 == still_open[-1]


@every_world
def test_a_connection_that_the_server_closed(world: World) -> None:
    """One that ended while it was idle is not used for the next call."""
    closes = raw(message(201, {"id": "c-1"}), stay=False)
    with FaultServer([closes], good) as server:
        endings = world.run([create, later(0.05, create)], **direct(server))

    assert ["c-1", "c-2"] == [ending.value.id for ending in endings]
    assert 2 == server.connections


@every_world
def test_what_follows_an_answer_is_not_the_next_one(world: World) -> None:
    """Bytes behind an answer must never be taken for the next order's."""
    stale = message(201, {"id": "stale"})
    double = raw(message(201, {"id": "c-1"}) + stale)
    with FaultServer([double], good) as server:
        endings = world.run([create, create], **direct(server))

    assert ["c-1", "c-2"] == [ending.value.id for ending in endings]


@every_world
@pytest.mark.parametrize("way", [through_proxy, forwarded])
def test_what_follows_an_answer_through_a_proxy(
    way: Settings, world: World
) -> None:
    """The same holds for the connections that lead through a proxy."""
    stale = message(201, {"id": "stale"})
    double = raw(message(201, {"id": "c-1"}) + stale)
    proxied = way is through_proxy
    with FaultServer(
        [tunnel(double) if proxied else double],
        tunnel(good) if proxied else good,
        context=server_context() if proxied else None,
    ) as server:
        endings = world.run([create, create], **way(server))

    assert ["c-1", "c-2"] == [ending.value.id for ending in endings]


@every_world
@pytest.mark.parametrize("status", [204, 304])
def test_a_body_where_none_may_be(status: int, world: World) -> None:
    """Such a body does not spoil the next call."""
    with FaultServer([answer(status, b"body")], good) as server:
        _, ending = world.run([create, create], **direct(server))

    assert "c-2" == ending.value.id


@every_world
def test_five_hundred_at_once(world: World) -> None:
    """They all succeed over a hundred connections, with one create each."""
    with FaultServer([], good) as server:
        endings = world.together(
            [create] * 500,
            threads=100,
            **{**direct(server), "timeout": 10.0, "deadline": 30.0},
        )

        assert 0 == server.settle(0)
    ids = {ending.value.id for ending in endings}

    assert 500 == len(ids) == len(server.received)
    assert server.connections <= 100


def test_a_client_for_eight_threads() -> None:
    """Threads share a blocking client and its connections."""
    with FaultServer([], good) as server:
        endings = World.BLOCKING.together(
            [create] * 200, threads=8, **{**direct(server), "timeout": 10.0}
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
        settings["timeout"] = settings["deadline"] = 10.0
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
    assert 200 < server.connections


@every_loop
def test_one_client_for_two_loops_in_turn(backend: str) -> None:
    """Each loop gets connections of its own, and both work."""

    async def main(client: AsyncSesamy) -> str:
        contract = await create(client)
        await client._caller.shared.transport.aclose()
        return str(contract.id)

    with FaultServer([], good) as server:
        client = AsyncSesamy(**complete(direct(server)))
        ids = [anyio.run(main, client, backend=backend) for _ in range(2)]
        anyio.run(client.aclose, backend=backend)

        assert 0 == server.settle(0)
    assert ["c-1", "c-2"] == ids
    assert 2 == server.connections


@pytest.mark.parametrize(
    "backend",
    [
        "asyncio",
        "trio",
    ],
)
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
    both = threading.Barrier(2, timeout=5.0)

    async def main(client: AsyncSesamy) -> None:
        both.wait()
        contracts.extend([(await create(client)).id for _ in range(20)])
        both.wait()
        await client._caller.shared.transport.aclose()

    with FaultServer([], good) as server:
        client = AsyncSesamy(**complete(direct(server)))
        run = partial(anyio.run, main, client, backend=backend)
        with ThreadPoolExecutor(2) as pool:
            for each in [pool.submit(run) for _ in range(2)]:
                each.result(10.0)
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
            timeout=20,
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


@every_world
def test_a_client_of_the_callers(world: World) -> None:
    """Calls go over it, with its headers, and it is left open."""
    make = partial(client_for, world, headers={"X-Mine": "1"})
    with FaultServer([], good) as server:
        endings, is_open = through(
            world, make, [create, create], base_url=server.url
        )

    assert ["c-1", "c-2"] == [ending.value.id for ending in endings]
    assert {"1"} == {each.headers["x-mine"] for each in server.received}
    assert (True, 1) == (is_open, server.connections)


@every_world
@pytest.mark.parametrize(
    "body",
    [
        {"Content-Encoding": "br"},
        {"Content-Encoding": "gzip"},
        {"Content-Length": "9"},
    ],
    ids=str,
)
def test_a_client_of_the_callers_gets_its_connection_back(
    body: dict[str, str], world: World
) -> None:
    """An answer that can't be read does not use up the caller's pool."""
    limits = httpx.Limits(max_connections=1)
    make = partial(client_for, world, limits=limits)
    with FaultServer([answer(201, b"{}", body)], good) as server:
        (first, second), _ = through(
            world, make, [create, create], base_url=server.url
        )

    assert Outcome.APPLIED is first.outcome
    assert second.value is not None, str(second.error)


@every_world
def test_a_closed_client_of_the_callers(world: World) -> None:
    """Nothing is sent through it."""

    def make() -> Any:
        client = client_for(world)
        if world is World.BLOCKING:
            client.close()
        else:
            client._state = httpx._client.ClientState.CLOSED
        return client

    (ending,), _ = through(world, make, [create])

    assert Outcome.NOT_SENT is ending.outcome


@every_world
def test_redirects_of_the_callers_client(world: World) -> None:
    """They are not followed, even where the client would."""
    step = answer(307, b"", {"Location": "/elsewhere"})
    make = partial(client_for, world, follow_redirects=True)
    with FaultServer([step], good) as server:
        (ending,), _ = through(world, make, [create], base_url=server.url)

    assert Outcome.REFUSED is ending.outcome
    assert ["create"] == server.operations


@every_world
def test_the_log_line_of_httpx(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It holds the URL, so it does not appear for calls of ours."""
    caplog.set_level(logging.INFO)
    with FaultServer([], good) as server:
        through(
            world,
            partial(client_for, world),
            [create],
            base_url=server.url,
        )
        with httpx.Client() as mine:
            mine.get(server.url)
    names = [record.name for record in caplog.records]

    assert ["sesamy_async", "httpx"] == names


@every_world
def test_a_mock_transport(world: World) -> None:
    """A handler of the caller's answers, and sees what is sent."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json={"id": "c-1"})

    make = partial(httpx.MockTransport, handle)
    (ending,), _ = through(world, make, [create])

    assert "c-1" == ending.value.id
    assert b"order-1" in seen[0].content


@every_loop
def test_an_asgi_application(backend: str) -> None:
    """It is called without a socket."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        head = {"type": "http.response.start", "status": 201, "headers": []}
        body = {"type": "http.response.body", "body": b'{"id": "c-1"}'}
        assert b"order-1" in (await receive())["body"]
        assert "/payments/vendor/acme" in scope["path"]
        await send(head)
        await send(body)

    make = partial(httpx.ASGITransport, app)
    (ending,), _ = through(World(backend), make, [create])

    assert "c-1" == ending.value.id


@every_world
@pytest.mark.parametrize(
    ("effect", "outcome"),
    [
        (httpx.ReadTimeout, Outcome.UNKNOWN),
        (httpx.WriteTimeout, Outcome.UNKNOWN),
        (httpx.ReadError, Outcome.UNKNOWN),
        (httpx.RemoteProtocolError, Outcome.UNKNOWN),
        (RuntimeError, Outcome.UNKNOWN),
        (httpx.ConnectError, Outcome.NOT_SENT),
        (httpx.ConnectTimeout, Outcome.NOT_SENT),
        (httpx.PoolTimeout, Outcome.NOT_SENT),
        (httpx.ProxyError, Outcome.NOT_SENT),
    ],
)
def test_what_respx_raises(
    effect: type[Exception], outcome: Outcome, world: World
) -> None:
    """Where nothing can be traced, the class of the error decides."""
    with respx.mock as mocked:
        route = mocked.post(host="api.sesamy.com").mock(side_effect=effect)
        (ending,), _ = through(world, partial(client_for, world), [create])

    assert (outcome, 1) == (ending.outcome, ending.failed.attempts)
    assert 1 == route.call_count
