"""TCP proxies: one breaks connections at a chosen byte, one opens tunnels."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from enum import StrEnum
from typing import Self

import attrs

from .ports import closed_port


class Side(StrEnum):
    """Which way the bytes go that are counted."""

    REQUEST = "request"
    ANSWER = "answer"


class Act(StrEnum):
    """What is done at that byte."""

    RESET = "reset"
    """Break off, so that the client sees a reset."""

    CLOSE = "close"
    """Break off with a FIN, without the goodbye of TLS."""

    TRUNCATE = "truncate"
    """Let nothing more through this way, and end it politely."""

    STALL = "stall"
    """Read on, but let nothing more through until the client leaves."""

    HANG = "hang"
    """Don't even read."""

    DRIP = "drip"
    """Let some bytes through one by one, then the rest."""


@attrs.frozen(kw_only=True)
class ByteFault:
    """One thing that goes wrong on one connection."""

    side: Side
    # How many are let through before it strikes; with 0 it strikes when the
    # first one is there.
    at: int
    act: Act
    said: bytes = b""  # By the proxy itself, before that.


# Bytes; so few that a client soon notices that nobody reads.
BUFFER = 65_536
# Close by a reset instead of a goodbye.
_RESET = struct.pack("ii", 1, 0)


@attrs.frozen
class End:
    """One end: bytes come out of it, and go into it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    @asynccontextmanager
    async def to(cls, port: int) -> AsyncIterator[Self]:
        """Connect to this machine while the block runs."""
        end = cls(*await asyncio.open_connection("127.0.0.1", port))
        try:
            yield end
        finally:
            end.close()
            # What could not be flushed by now is not waited for.
            end.abort()

    def __attrs_post_init__(self) -> None:
        # What was drained has left, so that breaking off takes none of it.
        # With 0, asyncio's TLS would never drain.
        self.writer.transport.set_write_buffer_limits(1)
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)

    async def read(self) -> bytes:
        """Return what comes; nothing when it has ended."""
        return await self.reader.read(BUFFER)

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        self.writer.write(data)
        await self.writer.drain()

    async def swallow(self) -> None:
        """Read to the end."""
        while await self.read():
            pass

    def reset(self) -> None:
        """Break off with a reset."""
        sock = self.writer.get_extra_info("socket")
        # Where the other side has ended it already, there is no socket.
        with suppress(OSError, AttributeError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.abort()

    def abort(self) -> None:
        """Break off with a FIN; in TLS without a goodbye."""
        self.writer.transport.abort()

    def close(self) -> None:
        """Say goodbye."""
        self.writer.close()


_DRIPS = 20
_DRIP = 0.001

Next = Callable[[], ByteFault | None]
"""Returns what is to go wrong on a connection, each fault once."""


class Link:
    """Passes bytes both ways, until a fault strikes or an end is closed."""

    def __init__(self, client: End, server: End, take: Next) -> None:
        self._client = client
        self._server = server
        self._take = take
        self._fault: ByteFault | None = None
        self._renewed = True
        self._leave = client.close
        self.passed: Counter[Side] = Counter()  # Since it was renewed.

    async def run(self) -> None:
        """Pass bytes until it ends."""
        ways = [
            (Side.REQUEST, self._client, self._server),
            (Side.ANSWER, self._server, self._client),
        ]
        pumps = [asyncio.create_task(self._pump(*way)) for way in ways]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            ends = await asyncio.gather(*pumps, return_exceptions=True)
            if any(isinstance(each, ConnectionResetError) for each in ends):
                self._leave = self._client.reset
            self._leave()

    def renew(self) -> None:
        """Count anew; the next bytes of the client take the next fault."""
        self._renewed = True

    async def _pump(self, side: Side, source: End, sink: End) -> None:
        while data := await source.read():
            if self._renewed and side is Side.REQUEST:
                self._renewed = False
                self.passed.clear()
                self._fault = self._take()
            fault = self._fault
            if fault is None or fault.side is not side:
                await self._pass(side, sink, data)
                continue
            left = fault.at - self.passed[side]
            await self._pass(side, sink, data[:left])
            if len(data) >= left:
                self._fault = None
                if await self._strike(fault, data[left:], source, sink):
                    return

    async def _pass(self, side: Side, sink: End, data: bytes) -> None:
        self.passed[side] += len(data)
        await sink.send(data)

    async def _strike(
        self, fault: ByteFault, rest: bytes, source: End, sink: End
    ) -> bool:
        """Let it go wrong, and return whether the link ends by it."""
        await self._client.send(fault.said)
        match fault.act:
            case Act.RESET:
                self._leave = self._client.reset
            case Act.CLOSE:
                self._leave = self._client.abort
            case Act.TRUNCATE if fault.side is Side.REQUEST:
                sink.writer.write_eof()
                await source.swallow()
            case Act.STALL:
                await source.swallow()
            case Act.HANG:
                await asyncio.Event().wait()
            case Act.DRIP:
                for byte in rest[:_DRIPS]:
                    await self._pass(fault.side, sink, bytes([byte]))
                    await asyncio.sleep(_DRIP)
                await self._pass(fault.side, sink, rest[_DRIPS:])
                return False
            case Act.TRUNCATE:
                pass  # It ends by a goodbye unless told otherwise.
        return True


class Listening:
    """Listens on loopback, and serves each connection in a task."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        # Keeps the port from others while it refuses.
        self._kept = ExitStack()
        self.port = 0

    async def listen(self) -> None:
        """Accept connections, always on the same port."""
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self.port, ssl=self._context
        )
        self._kept.close()
        sock = self._server.sockets[0]
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self.port = sock.getsockname()[1]

    async def refuse(self) -> None:
        """Refuse further connections, and end those that there are."""
        await self._end()
        self._kept.enter_context(closed_port(self.port))

    async def drop(self) -> None:
        """End all connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Their sockets are closed by the loop in its next rounds.
        for _ in range(3):
            await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._end()
        self._kept.close()

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.drop()

    def serve(self, client: End) -> Awaitable[None]:
        """Serve one connection."""
        raise NotImplementedError

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        client = End(reader, writer)
        if self._server is None:
            # It was accepted before, but is only told of now.
            client.abort()
            return
        task = asyncio.create_task(self._served(client))
        self._tasks.add(task)

        # No `finally`, for a task may end before it has begun.
        def ended(task: asyncio.Task[None]) -> None:
            client.abort()
            self._tasks.discard(task)

        task.add_done_callback(ended)

    async def _served(self, client: End) -> None:
        with suppress(OSError):
            await self.serve(client)


class FaultProxy(Listening):
    """Passes each connection on to a port of this machine.

    Without a context it counts the bytes on the wire, whatever they are;
    with one it ends TLS, and counts what is said inside.
    """

    def __init__(
        self, target: int, *, context: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(context)
        self._target = target
        self._script: deque[ByteFault] = deque()
        self._latest: Link | None = None
        self._links: set[Link] = set()
        self.struck = 0  # Faults that were taken since it was armed.

    def arm(self, *faults: ByteFault) -> None:
        """Let these strike, one connection each, in this order.

        A connection takes its fault with the next bytes of its client, and
        its bytes are counted from there.  What was armed before is
        forgotten.
        """
        self.struck = 0
        self._script = deque(faults)
        for link in self._links:
            link.renew()

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._links)

    @property
    def passed(self) -> Counter[Side]:
        """How many bytes the latest connection has passed."""
        assert self._latest is not None
        return self._latest.passed

    async def serve(self, client: End) -> None:
        """Pass one connection on."""
        async with End.to(self._target) as server:
            link = Link(client, server, lambda: self._next(link))
            self._links.add(link)
            try:
                await link.run()
            finally:
                self._links.remove(link)

    def _next(self, link: Link) -> ByteFault | None:
        self._latest = link
        if not self._script:
            return None
        self.struck += 1
        return self._script.popleft()


ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class ConnectProxy(Listening):
    """Opens tunnels."""

    def __init__(self, target: int) -> None:
        super().__init__()
        self._target = target
        self.head = b""  # The latest CONNECT.

    async def serve(self, client: End) -> None:
        """Open a tunnel, and pass bytes through it."""
        try:
            self.head = await client.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return
        async with End.to(self._target) as server:
            await client.send(ESTABLISHED)
            await Link(client, server, lambda: None).run()
