"""The SDK's connections as transports for anybody's httpx client."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest

from sesamy_async import ConfigurationError, Connections, Outcome
from sesamy_async._http import AsyncPoolTransport, PoolTransport
from support.callers import through
from support.calling import AT_ONCE, WORLDS, World, create
from support.fault_server import FaultServer, Peer, Step
from support.faults import (
    babble,
    close_answer,
    good,
    hang,
    message,
    raw,
    reset_answer,
    silent,
    tunnel,
)
from support.httpx_clients import Client
from support.leaks import told_by
from support.patience import until
from support.ports import closed_port, mute_port
from support.tls import TARGET, client_context, server_context


MakeClient = Callable[..., Client]


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> World:
    """Run a test in each world."""
    return World(request.param)


@pytest.fixture
def anyio_backend(world: World) -> str:
    """Run on the world's loop; what blocks, beside asyncio's."""
    return "trio" if world is World.TRIO else "asyncio"


@pytest.fixture
async def client(world: World) -> AsyncIterator[MakeClient]:
    """Return what makes clients, which are closed in the end."""
    made: list[Client] = []

    def make(**settings: Any) -> Client:
        connections = Connections(**settings) if settings else None
        made.append(Client(world, connections))
        return made[-1]

    yield make
    for each in made:
        await each.aclose()


every_loop = pytest.mark.parametrize("world", [World.ASYNCIO, World.TRIO])


async def test_one_request_after_the_other(client: MakeClient) -> None:
    """They share a connection, which is closed with the client."""
    with FaultServer([], good) as server:
        mine = client()
        answers = [
            await mine.send(server.url, timeout=seconds)
            for seconds in (None, 5.0, 5.0)
        ]
        await mine.aclose()

        assert 0 == await anyio.to_thread.run_sync(server.settle, 0)
    assert ["c-1", "c-2", "c-3"] == [each.json()["id"] for each in answers]
    assert {(201, "Said", "HTTP/1.1")} == {
        (each.status_code, each.reason_phrase, each.http_version)
        for each in answers
    }
    assert {b"order"} == {each.body for each in server.received}
    assert 1 == server.connections


async def test_a_hundred_at_once(client: MakeClient) -> None:
    """They wait for the connections that there may be."""
    ids: set[str] = set()

    async def ask() -> None:
        ids.add((await mine.send(server.url)).json()["id"])

    with FaultServer([], good) as server:
        mine = client(cap=10)
        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(ask)

    assert 100 == len(ids)
    assert server.connections <= 10


@every_loop
async def test_cancellations(client: MakeClient) -> None:
    """They use up neither places nor sockets."""
    moments = itertools.cycle(range(16))

    def slow(peer: Peer) -> None:
        peer.next_request_begins()
        peer.pause(0.005)
        good(peer)

    async def leave(unit: float) -> None:
        with anyio.move_on_after(next(moments) * unit):
            await mine.send(server.url)

    with FaultServer([], slow) as server:
        mine = client(cap=5)
        for turn in range(300):
            # On a busy machine, it takes longer until there is a connection.
            unit = 0.001 * (1 + turn // 30)
            async with anyio.create_task_group() as group:
                for _ in range(10):
                    group.start_soon(leave, unit)
            if turn >= 30 and server.connections > 5:
                break
        with anyio.fail_after(20):
            answers = [await mine.send(server.url) for _ in range(10)]

        assert 5 >= await anyio.to_thread.run_sync(server.settle, 5)
        await mine.aclose()
        assert 0 == await anyio.to_thread.run_sync(server.settle, 0)
    assert 10 == len({each.json()["id"] for each in answers})
    assert 5 < server.connections


@pytest.mark.parametrize(
    ("kind", "content", "step", "error"),
    [
        ("connect", b"", None, httpx.ConnectTimeout),
        ("read", b"", silent, httpx.ReadTimeout),
        ("write", b"x" * 16_000_000, hang, httpx.WriteTimeout),
    ],
)
async def test_timeouts(
    kind: str,
    content: bytes,
    step: Step | None,
    error: type[Exception],
    client: MakeClient,
) -> None:
    """Each kind bounds what it is called after, and nothing else."""
    timeout = httpx.Timeout(10.0, **{kind: 0.1})
    mine = client(cap=1)
    with FaultServer([step or good], good) as server, mute_port() as mute:
        url = server.url if step else f"http://127.0.0.1:{mute}"
        with pytest.raises(error):
            await mine.send(url, content=content, timeout=timeout)

        # Its place is free again.
        assert 201 == (await mine.send(server.url)).status_code


async def test_no_connection_becomes_free(client: MakeClient) -> None:
    """To wait for one is bounded, too."""
    mine = client(cap=1)
    timeout = httpx.Timeout(10.0, pool=0.1)
    with FaultServer([], good) as server:
        answer = await mine.send(server.url, stream=True)
        with pytest.raises(httpx.PoolTimeout):
            await mine.send(server.url, timeout=timeout)
        await mine.chunks(answer)

        assert 201 == (await mine.send(server.url)).status_code
    assert 1 == server.connections


async def test_streams(client: MakeClient) -> None:
    """What is sent and what comes may be made and read piece by piece."""
    heard: list[bytes] = []

    def chunked(peer: Peer) -> None:
        peer.read_head()
        heard.append(peer._buffer)
        while not heard[-1].endswith(b"0\r\n\r\n"):
            heard.append(peer.read_some())
        size = b"".join(heard).count(b"x")
        peer._buffer = b""
        heard.clear()
        peer.send(message(200, b"y" * size))

    def pieces() -> Iterator[bytes]:
        for number in range(50):
            if number == 25:  # By then it has begun to leave.
                until(lambda: heard)
            yield b"x" * 20_000

    async def async_pieces() -> AsyncIterator[bytes]:
        for piece in pieces():
            yield piece

    mine = client()
    with FaultServer([], chunked) as server:
        for _ in range(2):
            content = pieces() if mine.blocking else async_pieces()
            answer = await mine.send(server.url, stream=True, content=content)
            got = await mine.chunks(answer)

            assert b"y" * 1_000_000 == b"".join(got)
            assert len(got) > 10
    assert 1 == server.connections


async def test_a_body_that_is_not_read(client: MakeClient) -> None:
    """Its rest is not taken for the next answer."""
    mine = client(cap=1)
    with FaultServer([raw(message(200, b"x" * 10**6))], good) as server:
        answer = await mine.send(server.url, stream=True)
        await mine.leave(answer)

        assert 0 == await anyio.to_thread.run_sync(server.settle, 0)
        assert "c-2" == (await mine.send(server.url)).json()["id"]
    assert 2 == server.connections


async def test_a_body_that_was_closed(client: MakeClient) -> None:
    """It is at its end, and to close it again does nothing."""
    mine = client(cap=1)
    with FaultServer([], good) as server:
        answer: Any = await mine.send(server.url, stream=True)
        await mine.leave(answer)
        if mine.blocking:
            left = list(answer.stream)
            answer.stream.close()
        else:
            left = [each async for each in answer.stream]
            await answer.stream.aclose()

        assert [] == left
        assert 201 == (await mine.send(server.url)).status_code


async def test_bytes_behind_an_answer(client: MakeClient) -> None:
    """Nor are they."""
    mine = client(cap=1)
    answered = message(201, {"id": "c-1"})
    with FaultServer([raw(answered * 2)], good) as server:
        answers = [await mine.send(server.url) for _ in range(2)]

    assert ["c-1", "c-2"] == [each.json()["id"] for each in answers]
    assert 2 == server.connections


HALF = message(200, b"CANARY" * 9)[:-1]


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (None, httpx.ConnectError),
        (reset_answer, httpx.ReadError),
        (close_answer, httpx.RemoteProtocolError),
        (raw(b"no HTTP\r\n\r\n"), httpx.RemoteProtocolError),
        (raw(HALF, stay=False), httpx.RemoteProtocolError),
    ],
    ids=["refused", "reset", "closed", "garbage", "half"],
)
async def test_what_breaks(
    step: Step | None, error: type[Exception], client: MakeClient
) -> None:
    """It is httpx's error, and no frame of ours tells of the order."""
    with closed_port() as port, FaultServer([], step or good) as server:
        url = server.url if step else f"http://127.0.0.1:{port}"
        with pytest.raises(error) as caught:
            await client().send(
                url,
                headers={"Authorization": "CANARY"},
                content=b"CANARY",
            )
        await anyio.to_thread.run_sync(server.settle, 0)

    assert "CANARY" not in told_by(caught.value)


@pytest.mark.parametrize(
    ("url", "headers", "error"),
    [
        ("ftp://127.0.0.1", {}, httpx.UnsupportedProtocol),
        ("http://127.0.0.1", {"X": "a\nCANARY"}, httpx.LocalProtocolError),
        ("https://127.0.0.1:{port}", {}, httpx.ConnectError),
    ],
)
async def test_what_cannot_be_sent(
    url: str,
    headers: dict[str, str],
    error: type[Exception],
    client: MakeClient,
) -> None:
    """It is not sent."""
    with FaultServer([], babble) as server:
        where = url.format(port=server.port)
        with pytest.raises(error) as caught:
            await client().send(where, headers=headers)

    assert [] == server.received
    assert "CANARY" not in str(vars(caught.value).get("__notes__"))


@pytest.mark.parametrize("secure", [False, True])
async def test_through_a_proxy(secure: bool, client: MakeClient) -> None:
    """One of http or https leads on, with a tunnel where TLS is spoken."""
    context = server_context() if secure else None
    step = tunnel(good) if secure else good
    url = TARGET if secure else "http://a.test"
    with FaultServer([], step, context=context) as server:
        proxy = f"http://127.0.0.1:{server.port}"
        mine = client(proxy=proxy, ssl_context=client_context())
        answers = [await mine.send(f"{url}/x") for _ in range(2)]

    assert ["c-1", "c-2"] == [each.json()["id"] for each in answers]
    targets = {each.target for each in server.received}

    assert {"/x" if secure else "http://a.test/x"} == targets
    assert 1 == server.connections


async def test_a_proxy_for_socks(client: MakeClient) -> None:
    """That is not for these."""
    with pytest.raises(ConfigurationError, match="SOCKS"):
        await client(proxy="socks5://127.0.0.1:1").send("http://a.test")


@pytest.mark.parametrize("lost", [False, True])
def test_beneath_our_own_client(lost: bool, world: World) -> None:
    """Their trace tells whether an order has left."""

    def make() -> httpx.Client | httpx.AsyncClient:
        if world is World.BLOCKING:
            return httpx.Client(transport=PoolTransport())
        return httpx.AsyncClient(transport=AsyncPoolTransport())

    with closed_port() as port, FaultServer([], reset_answer) as server:
        url = server.url if lost else f"http://127.0.0.1:{port}"
        (ending,), _ = through(
            world, make, [create], base_url=url, retry=AT_ONCE
        )

    expected = (Outcome.UNKNOWN, 1) if lost else (Outcome.NOT_SENT, 3)

    assert expected == (ending.outcome, ending.failed.attempts)
    assert len(server.received) == int(lost)


@pytest.mark.parametrize("name", ["sni_hostname", "target"])
async def test_extensions_that_would_be_ignored(
    name: str, client: MakeClient
) -> None:
    """They are refused: another host would be trusted, or asked."""
    mine = client()
    with pytest.raises(httpx.LocalProtocolError, match=name):
        await mine.send("http://127.0.0.1:1/", extensions={name: b"x"})


@pytest.mark.parametrize("kind", [AsyncPoolTransport, PoolTransport])
def test_an_impossible_proxy(kind: Any) -> None:
    """It is refused when the transport is created."""
    with pytest.raises(ConfigurationError, match="proxy"):
        kind(Connections(proxy="nonsense"))


def test_an_upload_ends_where_nobody_reads() -> None:
    """A server that has gone is not sent the rest, nor is the rest made."""

    def chunks() -> Iterator[bytes]:
        for _ in range(10_000):
            yield b"x" * 2**16
        raise AssertionError("It goes on.")

    def serve() -> None:
        connection, _ = listener.accept()
        connection.recv(100)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with (
            httpx.Client(transport=PoolTransport()) as client,
            pytest.raises(httpx.TransportError),
        ):
            client.post(url, content=chunks())
        thread.join()
