"""One connection through a proxy: two ends, and what goes wrong between."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from .end import End
from .fault import Act, ByteFault, Side


_DRIPS = 20
_DRIP = 0.001

Next = Callable[[], ByteFault | None]
"""Returns what is to go wrong on a connection, each fault once."""


class Link:
    """Passes bytes both ways, until a fault strikes or an end is closed.

    Attributes:
        passed: How many bytes were let through since it was renewed.
    """

    def __init__(self, client: End, server: End, take: Next) -> None:
        self._client = client
        self._server = server
        self._take = take
        self._fault: ByteFault | None = None
        self._renewed = True
        self._leave = client.close
        self.passed: Counter[Side] = Counter()

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
