"""Streams on asyncio's own transports."""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from unittest import mock

import httpcore
import pytest

from sesamy_async._http import READ_SIZE, AsyncioBackend, AsyncioStream, Inbox
from sesamy_async._http import asyncio_stream as asyncio_connect
from support.leaks import told_by
from support.tls import client_context


Pair = tuple[AsyncioStream, socket.socket]
MUCH = b"x" * 1_000_000


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio only: that is what they are for."""
    return "asyncio"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Listen on a free port of the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        yield server


@pytest.fixture
async def pair(
    listener: socket.socket,
) -> AsyncIterator[Pair]:
    """Return a stream, and the socket at its other end."""
    stream = await AsyncioBackend(httpcore).connect_tcp(
        "127.0.0.1", listener.getsockname()[1], 5.0
    )
    peer, _ = listener.accept()
    with peer:
        peer.settimeout(5)
        yield stream, peer
        await stream.aclose()


async def test_read(pair: Pair) -> None:
    """What comes is read in the order it comes; the end is empty."""
    stream, peer = pair
    peer.sendall(b"abcdef")
    first = await stream.read(4, 5.0)
    rest = await stream.read(4, 5.0)
    peer.close()

    assert (b"abcd", b"ef") == (first, rest)
    assert b"" == await stream.read(4, 5.0)


async def test_much(pair: Pair) -> None:
    """More than is held at once arrives whole: the network waits."""
    stream, peer = pair
    sending = asyncio.to_thread(peer.sendall, MUCH)
    task = asyncio.create_task(sending)
    await asyncio.sleep(0.05)
    held = len(stream._inbox.received)
    read = 0
    while read < len(MUCH):
        read += len(await stream.read(65_536, 5.0))
    await task

    assert len(MUCH) == read
    assert held < len(MUCH) / 2


async def test_read_size(pair: Pair) -> None:
    """However much there is, little is parsed at once."""
    stream, peer = pair
    peer.sendall(b"x" * 3 * READ_SIZE)
    while len(stream._inbox.received) < READ_SIZE:  # noqa: ASYNC110 - the loop reads
        await asyncio.sleep(0.01)

    assert READ_SIZE == len(await stream.read(65_536, 5.0))


async def test_reading_is_fair(pair: Pair) -> None:
    """Reading without a pause lets other tasks have their turn."""
    stream, peer = pair
    peer.sendall(b"x" * 100)
    await stream.read(1, 5.0)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while turns < 1000:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(count())
    for _ in range(50):
        await stream.read(1, 5.0)
    task.cancel()

    assert turns >= 49


async def test_timeouts(pair: Pair) -> None:
    """What takes too long is what httpcore calls it, and shows nothing."""
    stream, _ = pair
    with pytest.raises(httpcore.ReadTimeout):
        await stream.read(1, 0.01)
    with pytest.raises(httpcore.WriteTimeout) as caught:
        await stream.write(b"CANARY" * 10_000_000, 0.05)

    assert "CANARY" not in told_by(caught.value)


async def test_write_much(pair: Pair) -> None:
    """A write ends when the network has taken it, or nearly."""
    stream, peer = pair

    def take() -> int:
        taken = 0
        while taken < 20 * len(MUCH):
            taken += len(peer.recv(2**20))
        return taken

    task = asyncio.create_task(asyncio.to_thread(take))
    await stream.write(MUCH * 20, 5.0)

    assert 20 * len(MUCH) == await task


async def test_write_after_the_end(pair: Pair) -> None:
    """Nothing is written to a connection that has ended."""
    stream, peer = pair
    peer.close()
    await stream.read(1, 5.0)
    with pytest.raises(httpcore.WriteError):
        await stream.write(b"x", 5.0)


async def test_head_without_body(pair: Pair) -> None:
    """A head without a body leaves before anything is read."""
    stream, peer = pair
    await stream.write(b"GET / HTTP/1.1\r\n\r\n", 5.0)
    peer.sendall(b"answer")

    assert b"answer" == await stream.read(10, 5.0)
    assert b"GET / HTTP/1.1\r\n\r\n" == peer.recv(100)


async def test_extra_info(pair: Pair) -> None:
    """A stream tells whether there is something to read."""
    stream, peer = pair

    assert peer.getsockname() == stream.get_extra_info("peername")
    assert not stream.get_extra_info("is_readable")

    peer.sendall(b"x")
    select.select([stream.get_extra_info("socket")], [], [], 5.0)

    # The loop has not come round to see it yet.
    assert stream.get_extra_info("is_readable")

    await asyncio.sleep(0.01)

    assert stream.get_extra_info("is_readable")


async def test_closed_with_bytes_left(pair: Pair) -> None:
    """What has come of an answer that was given up is not read on."""
    stream, peer = pair
    peer.sendall(b"abcdef")
    await stream.read(1, 5.0)
    await stream.aclose()

    assert b"" == await stream.read(1, 5.0)


KIND = (socket.AF_INET, socket.SOCK_STREAM, 0, "")


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: object) -> None:
    """Let every name have these addresses."""

    async def look_up(*_: object) -> list[object]:
        return [(*KIND, address) for address in addresses]

    monkeypatch.setattr(asyncio_connect, "looked_up", look_up)


async def test_second_address(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that does not answer delays the next one a little only."""
    monkeypatch.setattr(asyncio_connect, "_FIRST_ROUND", 0.05)
    connect = asyncio_connect._connect

    async def connected(*where: object) -> socket.socket:
        if where[3] == "mute":
            await asyncio.sleep(30)
        return await connect(*where)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio_connect, "_connect", connected)
    resolve_to(monkeypatch, "mute", listener.getsockname())
    stream = await AsyncioBackend(httpcore).connect_tcp("a.test", 1, 5.0)
    await stream.aclose()


@pytest.mark.parametrize(
    ("addresses", "words"), [(0, "no address"), (2, "Connect call failed")]
)
async def test_no_address_lets_us(
    addresses: int,
    words: str,
    listener: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a name has no address, or each one refuses, it is said."""
    resolve_to(monkeypatch, *[listener.getsockname()] * addresses)
    listener.close()
    with pytest.raises(httpcore.ConnectError, match=words):
        await AsyncioBackend(httpcore).connect_tcp("a.test", 1, 5.0)


class Resolver:
    """A resolver that hangs until it is told to go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.asked = 0
        self.known: list[object] = []

    def __call__(self, host: str, *_: int, **about: int) -> list[object]:
        """Look up, but no more than 10 s."""
        if about.get("flags", 0) & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "a name")
        self.asked += 1
        if host == "hangs.test":
            self.go_on.wait(10)
        return self.known


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    """Put one in the place of the system's, and let nothing hang after."""
    resolver = Resolver()
    look_ups_end()
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.go_on.set()
    look_ups_end()


def look_ups_end() -> None:
    """Wait for the look-ups that other tests have left."""
    for each in threading.enumerate():
        if each.name == asyncio_connect._LOOK_UP:
            each.join(10)


async def test_look_ups_that_hang(
    resolver: Resolver, listener: socket.socket
) -> None:
    """However many hang, the next name is looked up."""
    resolver.known = [(*KIND, listener.getsockname())]
    backend = AsyncioBackend(httpcore)
    hanging = [backend.connect_tcp("hangs.test", 1, 0.05) for _ in range(50)]
    failed = await asyncio.gather(*hanging, return_exceptions=True)
    stream = await backend.connect_tcp("a.test", 1, 5.0)
    await stream.aclose()

    assert {httpcore.ConnectTimeout} == {type(each) for each in failed}
    assert 51 == resolver.asked


async def test_too_many_look_ups_that_hang(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is an end to the threads that hang; then nothing is sent."""
    monkeypatch.setattr(asyncio_connect, "_MOST_LOOK_UPS", 2)
    backend = AsyncioBackend(httpcore)
    for _ in range(2):
        with pytest.raises(httpcore.ConnectTimeout):
            await backend.connect_tcp("hangs.test", 1, 0.05)
    with pytest.raises(httpcore.ConnectError, match="2 look-ups of names"):
        await backend.connect_tcp("a.test", 1, 5.0)

    assert 2 == resolver.asked


async def test_addresses_need_no_look_up(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no name can be looked up, an address still leads on."""
    monkeypatch.setattr(asyncio_connect, "_MOST_LOOK_UPS", 0)
    port = listener.getsockname()[1]
    stream = await AsyncioBackend(httpcore).connect_tcp("127.0.0.1", port, 5.0)
    await stream.aclose()


async def test_a_look_up_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system says of a name is said."""

    def fail(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_AGAIN, "no resolver")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(httpcore.ConnectError, match="no resolver"):
        await AsyncioBackend(httpcore).connect_tcp("a.test", 1, 5.0)


@pytest.mark.parametrize("ended", [False, True])
def test_a_look_up_that_comes_too_late(
    ended: bool, resolver: Resolver
) -> None:
    """An answer after the timeout, or after the loop, changes nothing."""

    async def give_up() -> None:
        with pytest.raises(httpcore.ConnectTimeout):
            await AsyncioBackend(httpcore).connect_tcp("hangs.test", 1, 0.05)
        if not ended:
            resolver.go_on.set()
            look_ups_end()
            await asyncio.sleep(0)

    asyncio.run(give_up())
    resolver.go_on.set()
    look_ups_end()

    assert 1 == resolver.asked


async def test_woken_twice(pair: Pair) -> None:
    """Data that comes before the reader has looked wakes it only once."""
    stream, _ = pair
    inbox = stream._inbox
    reading = asyncio.create_task(stream.read(10, None))
    await asyncio.sleep(0)
    inbox.data_received(b"a")
    inbox.data_received(b"b")

    assert b"ab" == await reading


async def test_broken(pair: Pair) -> None:
    """A connection that breaks while it is read is what httpcore calls it."""
    stream, peer = pair
    linger = struct.pack("ii", 1, 0)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    peer.close()
    with pytest.raises(httpcore.ReadError):
        await stream.read(10, 5.0)


async def test_a_name_that_is_none() -> None:
    """A name that can't be looked up gives no connection."""
    backend = AsyncioBackend(httpcore)
    with pytest.raises(httpcore.ConnectError, match="name"):
        await backend.connect_tcp("x" * 64 + ".test", 1, 1.0)


@pytest.mark.parametrize(
    ("reason", "error", "words"),
    [
        (
            ssl.SSLCertVerificationError(1, "not trusted"),
            httpcore.ConnectError,
            "not trusted",
        ),
        # A mistake of ours or of a loop's is no failure of TLS.
        (ValueError("a mistake"), TypeError, "stumbles"),
    ],
)
async def test_asyncio_stumbles(
    reason: Exception,
    error: type[Exception],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Older Pythons hide why TLS in TLS fails; it is found again."""

    async def stumble(*_: object, **__: object) -> None:
        stumbled = TypeError("stumbles")
        stumbled.__context__ = reason
        raise stumbled

    monkeypatch.setattr(asyncio.get_running_loop(), "start_tls", stumble)
    inbox = Inbox()
    inbox.transport = mock.Mock()
    stream = AsyncioStream(inbox, httpcore)
    with pytest.raises(error, match=words):
        await stream.start_tls(client_context())
