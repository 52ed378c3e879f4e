"""Streams over anyio and over blocking sockets, and TLS over any stream."""

from __future__ import annotations

import os
import select
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from shutil import which
from typing import Any

import anyio
import anyio.to_thread
import pytest

from sesamy_async._http import anyio_stream
from sesamy_async._http.anyio_stream import connect_anyio
from sesamy_async._http.http11 import Connect
from sesamy_async._http.opening import connector
from sesamy_async._http.stream import (
    FORK_LOCK,
    NEXT_ADDRESS,
    READ_SIZE,
    Stream,
    TlsStream,
    interleaved,
)
from sesamy_async._http.stream import until as within
from support.calling import WORLDS, World
from support.patience import until
from support.ports import closed_port, mute_port
from support.slow_link import ROUND_TRIP
from support.streams import Resolver, TlsEnd, forever, found, resolve
from support.tls import client_context, trusted


MUCH = 20_000_000
BROKEN = r"reset|broken|closed|pipe"
Pair = tuple[Stream, socket.socket]


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> World:
    """Run a test in each world."""
    return World(request.param)


@pytest.fixture
def anyio_backend(world: World) -> str:
    """Run on the world's loop; a blocking stream, which suspends on none."""
    return "trio" if world is World.TRIO else "asyncio"


@pytest.fixture
def connect(world: World) -> Connect:
    """Return what opens streams."""
    return connector(blocking=world is World.BLOCKING)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Listen on a free port of the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        yield server


@pytest.fixture
async def pair(
    listener: socket.socket, connect: Connect
) -> AsyncIterator[Pair]:
    """Return a stream, and the socket at its other end."""
    stream = await connect("127.0.0.1", listener.getsockname()[1], soon)
    peer, _ = listener.accept()
    with peer:
        peer.settimeout(5)
        yield stream, peer
        await stream.aclose()


def soon() -> float:
    """Bound what ends soon."""
    return 5.0


def brief() -> float:
    """Bound what does not end."""
    return 0.05


def never() -> float:
    """Leave no time at all."""
    raise TimeoutError


def arrived(stream: Any) -> None:
    """Wait until the socket has something."""
    select.select([stream._socket.fileno()], [], [], 5.0)


async def test_what_is_received(pair: Pair) -> None:
    """It comes in order, a little at a time; the end is empty."""
    stream, peer = pair
    told = bytes(range(256)) * 100
    peer.sendall(told)
    peer.close()
    got = [await stream.receive(soon)]
    while got[-1]:
        got.append(await stream.receive(soon))

    assert told == b"".join(got)
    assert max(map(len, got)) <= READ_SIZE


async def test_what_is_sent(pair: Pair) -> None:
    """All of it arrives, however much it is."""
    stream, peer = pair
    taken = 0

    def take() -> None:
        nonlocal taken
        while taken < MUCH:
            taken += len(peer.recv(2**20))

    thread = threading.Thread(target=take)
    thread.start()
    await stream.send(b"x" * MUCH, soon)
    await anyio.to_thread.run_sync(thread.join)

    assert MUCH == taken


async def test_reading_is_fair(pair: Pair, world: World) -> None:
    """Reading without a pause lets other tasks have their turn."""
    stream, peer = pair
    peer.sendall(b"x" * 10 * READ_SIZE)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        group.start_soon(count)
        for _ in range(10):
            await stream.receive(soon)
        group.cancel_scope.cancel()

    assert turns >= (0 if world is World.BLOCKING else 5)


async def test_timeouts(pair: Pair) -> None:
    """Each operation is bounded, and none begins where no time is left."""
    stream, peer = pair
    with pytest.raises(TimeoutError):
        await stream.receive(brief)
    peer.sendall(b"x")
    arrived(stream)
    with pytest.raises(TimeoutError):
        await stream.receive(never)
    with pytest.raises(TimeoutError):
        await stream.send(b"x" * 10 * MUCH, brief)


async def test_broken(pair: Pair) -> None:
    """What breaks is an OSError, whatever one does."""
    stream, peer = pair
    linger = struct.pack("ii", 1, 0)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    peer.close()
    with pytest.raises(OSError, match=BROKEN):
        await stream.receive(soon)
    with pytest.raises(OSError, match=BROKEN):
        await stream.send(b"x", soon)


async def test_readable(pair: Pair) -> None:
    """A stream sees what came unasked, and its end."""
    stream, peer = pair

    assert not stream.readable()

    peer.sendall(b"x")
    arrived(stream)

    assert stream.readable()

    await stream.receive(soon)
    peer.sendall(b"x" * 2 * READ_SIZE)
    await stream.receive(soon)

    # Also what was taken off the socket, but by nobody of ours.
    assert stream.readable()

    await stream.receive(soon)

    assert not stream.readable()

    peer.close()
    arrived(stream)

    assert stream.readable()


async def test_closed(pair: Pair) -> None:
    """The other end sees it at once; the stream is of no use."""
    stream, peer = pair
    await stream.aclose()

    assert b"" == peer.recv(1)
    assert stream.readable()

    await stream.aclose()


async def test_dead_addresses(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those before the one that answers cost a little time only."""
    with mute_port() as port, socket.socket() as listener:
        listener.bind(("127.0.0.3", port))
        listener.listen()
        hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
        resolve(monkeypatch, lambda _: found(port, *hosts))
        began = time.monotonic()
        stream = await connect("a.test", port, soon)
        seconds = time.monotonic() - began
        peer, _ = listener.accept()
        peer.close()
        await stream.aclose()

    assert 0.2 < seconds < 1.5


async def test_a_slow_address(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that takes longer than its turn may still be the first."""
    with mute_port() as port, socket.socket() as slow:
        slow.bind(("127.0.0.2", port))
        slow.listen(0)
        slow.settimeout(5)
        # Its backlog is full until somebody accepts; then it answers when
        # the system asks again, after a second.
        filler = socket.create_connection(("127.0.0.2", port))
        hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.1"]

        def take() -> None:
            slow.accept()[0].close()

        resolve(monkeypatch, lambda _: found(port, *hosts))
        timer = threading.Timer(0.7, take)
        timer.start()
        stream = await connect("a.test", port, soon)
        name = stream._socket.getpeername()  # type: ignore[attr-defined]
        await stream.aclose()
        timer.join()
        filler.close()

    assert ("127.0.0.2", port) == name


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "no address"), (2, r"Connection refused|Connect call failed")],
)
async def test_no_address_lets_us(
    count: int,
    words: str,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a name has no address, or each one refuses, it is said."""
    with closed_port() as port:
        hosts = ["127.0.0.1"] * count
        resolve(monkeypatch, lambda _: found(port, *hosts))
        with pytest.raises(OSError, match=words):
            await connect("a.test", port, soon)


async def test_an_address_of_an_unknown_kind(
    listener: socket.socket,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is left out."""
    port = listener.getsockname()[1]
    strange = (99, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))
    both = [strange, *found(port, "127.0.0.1")]
    resolve(monkeypatch, lambda _: both)
    await (await connect("a.test", port, soon)).aclose()


@pytest.mark.parametrize("host", ["x" * 64 + ".test", "a..test"])
async def test_a_name_that_is_none(host: str, connect: Connect) -> None:
    """A name that can't be looked up gives no connection."""
    with pytest.raises(UnicodeError):
        await connect(host, 1, soon)


async def test_nobody_answers_in_time(connect: Connect) -> None:
    """Connecting is bounded as a whole."""
    with mute_port() as port, pytest.raises(TimeoutError):
        await connect("127.0.0.1", port, within(time.monotonic, 0.05))
    with pytest.raises(TimeoutError):
        await connect("127.0.0.1", 1, never)


async def test_the_last_address_refuses(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others have their time all the same."""
    with mute_port() as port:
        hosts = ["127.0.0.1", "127.0.0.2"]
        resolve(monkeypatch, lambda _: found(port, *hosts))
        with pytest.raises(TimeoutError):
            await connect("a.test", port, within(time.monotonic, 0.5))


def test_turns_of_families() -> None:
    """The second kind of address comes second (RFC 8305, section 4)."""
    given = [(6, 1, 6, "", "a"), (6, 1, 6, "", "b"), (4, 1, 6, "", "c")]

    assert [(6, "a"), (4, "c"), (6, "b")] == interleaved(given)


@pytest.mark.parametrize("world", [World.BLOCKING])
async def test_interrupted_while_connecting(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while connecting leaves no socket behind."""
    made: list[socket.socket] = []

    class Interrupting(socket.socket):
        def connect(self, address: Any) -> None:
            del address
            made.append(self)
            raise KeyboardInterrupt

    monkeypatch.setattr(socket, "socket", Interrupting)
    with pytest.raises(KeyboardInterrupt):
        await connect("127.0.0.1", 1, soon)

    assert [-1] == [each.fileno() for each in made]


every_loop = pytest.mark.parametrize("world", [World.ASYNCIO, World.TRIO])


@every_loop
async def test_two_addresses_answer_at_once(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One connection is used, the other one closed."""
    port = listener.getsockname()[1]
    made: list[Any] = []
    real = anyio.connect_tcp

    async def connect_tcp(host: Any, port: int) -> Any:
        stream = await real(host, port)
        made.append(stream)
        while len(made) < 2:
            await anyio.lowlevel.cancel_shielded_checkpoint()
        return stream

    monkeypatch.setattr(anyio, "connect_tcp", connect_tcp)
    monkeypatch.setattr(anyio_stream, "NEXT_ADDRESS", 0.01)
    resolve(monkeypatch, lambda _: found(port, "127.0.0.1", "127.0.0.1"))
    stream = await connect_anyio("a.test", port, soon)
    await stream.aclose()
    listener.accept()[0].close()
    with listener.accept()[0] as other:
        assert b"" == other.recv(1)


@every_loop
async def test_cancelled_while_connecting(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves nothing behind, and nothing begins in a cancelled task."""
    with mute_port() as port:
        with anyio.move_on_after(0.1) as scope:
            await connect("127.0.0.1", port, forever)

        assert scope.cancelled_caught

        monkeypatch.setattr(anyio_stream, "look_up", None)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await connect("127.0.0.1", port, forever)

        assert scope.cancelled_caught


def look_ups() -> list[threading.Thread]:
    """Return the threads of look-ups that have not ended."""
    name = anyio_stream._LOOK_UP
    return [each for each in threading.enumerate() if each.name == name]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    """Put one in the place of the system's, and let nothing hang after."""
    resolver = Resolver()
    until(lambda: not look_ups())
    resolve(monkeypatch, resolver)
    yield resolver
    resolver.go_on.set()
    until(lambda: not look_ups())


@every_loop
async def test_look_ups_that_hang(
    resolver: Resolver, listener: socket.socket
) -> None:
    """However many hang, the next name is looked up."""
    port = listener.getsockname()[1]
    resolver.known = found(port, "127.0.0.1")
    failed: list[int] = []

    async def hang() -> None:
        with pytest.raises(TimeoutError):
            await connect_anyio("hangs.test", 1, lambda: 0.2)
        failed.append(1)

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(hang)
    await (await connect_anyio("a.test", port, soon)).aclose()

    assert (50, 51) == (len(failed), resolver.asked)


@every_loop
async def test_too_many_look_ups_that_hang(
    resolver: Resolver,
    listener: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There is an end to the threads; an address needs none."""
    monkeypatch.setattr(anyio_stream, "_MOST_LOOK_UPS", 2)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await connect_anyio("hangs.test", 1, brief)
    with pytest.raises(OSError, match="2 look-ups of names"):
        await connect_anyio("a.test", 1, soon)
    port = listener.getsockname()[1]
    await (await connect_anyio("127.0.0.1", port, soon)).aclose()

    assert 2 == resolver.asked


@every_loop
async def test_a_look_up_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system says of a name is said."""

    def fail(_: str) -> list[Any]:
        raise socket.gaierror(socket.EAI_AGAIN, "no resolver")

    resolve(monkeypatch, fail)
    with pytest.raises(OSError, match="no resolver"):
        await connect_anyio("a.test", 1, soon)


@every_loop
@pytest.mark.parametrize("ended", [False, True])
def test_a_look_up_that_comes_too_late(
    ended: bool, anyio_backend: str, resolver: Resolver
) -> None:
    """An answer after the timeout, or after the loop, changes nothing."""

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await connect_anyio("hangs.test", 1, brief)
        if not ended:
            resolver.go_on.set()
            await anyio.to_thread.run_sync(until, lambda: not look_ups())

    anyio.run(give_up, backend=anyio_backend)
    resolver.go_on.set()
    until(lambda: not look_ups())

    assert 1 == resolver.asked


in_memory = pytest.mark.parametrize("world", [World.BLOCKING])


async def secured(end: TlsEnd, context: ssl.SSLContext | None = None) -> Any:
    """Return a stream whose hands are shaken."""
    context = context or client_context()
    stream = TlsStream(end, context, "api.sesamy.test")
    await stream.shake_hands(forever)
    end.tls.do_handshake()
    return stream


@in_memory
async def test_over_tls() -> None:
    """What one end says, the other one hears; tickets are nothing."""
    end = TlsEnd()
    stream = await secured(end)
    await stream.send(b"a question", forever)
    end.tls.write(b"an answer")

    assert b"a question" == end.tls.read(100)
    assert stream.readable()
    assert b"an answer" == await stream.receive(forever)
    assert not stream.readable()


@in_memory
@pytest.mark.parametrize("said", [b"and another", b"x" * 2 * READ_SIZE])
async def test_what_nobody_has_read(said: bytes) -> None:
    """Each record beyond the one that was read is something more."""
    end = TlsEnd()
    stream = await secured(end)
    end.tls.write(b"an answer")
    end.tls.write(said)
    await stream.receive(forever)
    left = end.readable()
    while end.readable():  # All that is left is inside of TLS.
        stream._incoming.write(await end.receive(forever))

    assert stream.readable()
    assert left is (len(said) > READ_SIZE)


@in_memory
@pytest.mark.parametrize("looked_at", [False, True])
async def test_no_tls_at_all(looked_at: bool) -> None:
    """What can't be decrypted is of no use, and breaks what is read."""
    end = TlsEnd()
    stream = await secured(end)
    end.tls.write(b"an answer")
    end.say(b"HTTP/1.1 200 OK\r\n\r\n")
    await stream.receive(forever)

    if looked_at:
        assert stream.readable()
    else:
        with pytest.raises(ssl.SSLError):
            await stream.receive(forever)


@in_memory
@pytest.mark.parametrize("announced", [False, True])
@pytest.mark.parametrize("ignored", [False, True])
async def test_the_end_of_tls(
    announced: bool, ignored: bool, tmp_path: Path
) -> None:
    """It is an end, announced or not, whatever the context says of that."""
    end = TlsEnd()
    context = ssl.create_default_context(cafile=trusted(tmp_path))
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    if ignored:
        context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
    stream = await secured(end, context)
    if announced:
        with pytest.raises(ssl.SSLWantReadError):
            end.tls.unwrap()

    assert b"" == await stream.receive(forever)
    assert b"" == await stream.receive(forever)
    assert stream.readable()


@in_memory
@pytest.mark.parametrize("broken", [False, True])
async def test_whom_we_do_not_trust(broken: bool) -> None:
    """It is told why, where it can be; we are told in any case."""
    end = TlsEnd()
    stream = TlsStream(end, ssl.create_default_context(), "api.sesamy.test")
    receive = end.receive

    async def broken_behind(wait: Any) -> bytes:
        end.broken = broken
        return await receive(wait)

    end.receive = broken_behind  # type: ignore[method-assign]
    with pytest.raises(ssl.SSLCertVerificationError):
        await stream.shake_hands(forever)

    assert ("alert unknown ca" in end.told) is not broken


@in_memory
async def test_a_handshake_that_ends_early() -> None:
    """It is an OSError as any other."""
    end = TlsEnd()
    end.say(b"")
    stream = TlsStream(end, client_context(), "api.sesamy.test")
    end.send = TlsEnd().send  # type: ignore[method-assign]
    with pytest.raises(ssl.SSLError):
        await stream.shake_hands(forever)


@in_memory
async def test_no_fork_within_a_handshake() -> None:
    """OpenSSL has locks that a child would find held for ever."""
    free: list[bool] = []

    def look() -> None:
        free.append(FORK_LOCK.acquire(blocking=False))

    class Watched(ssl.SSLObject):
        def do_handshake(self) -> None:
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
            super().do_handshake()

    context = ssl.create_default_context()
    context.sslobject_class = Watched
    with pytest.raises(ssl.SSLError):
        await secured(TlsEnd(), context)

    assert {False} == set(free)


@pytest.mark.skipif(which("unshare") is None, reason="there is no unshare")
@pytest.mark.parametrize("world", WORLDS)
def test_a_dead_address_and_a_long_way_to_the_next(world: World) -> None:
    """A round trip longer than the pause between addresses is no obstacle."""
    done = subprocess.run(  # noqa: S603 - ours
        ["unshare", "-rn", sys.executable, "-m", "support.slow_link", world],  # noqa: S607
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode or not done.stdout[:1].isdigit():
        pytest.skip(f"There is no TUN device: {done.stdout or done.stderr}")

    assert NEXT_ADDRESS + ROUND_TRIP < float(done.stdout) < 10
