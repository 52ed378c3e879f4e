"""One end of a connection, and the ways to end it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self

import attrs


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
