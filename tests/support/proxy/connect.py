"""A proxy whose CONNECT leads to one port, whatever name is asked for."""

from __future__ import annotations

import asyncio

from .end import End
from .link import Link
from .listening import Listening


ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class ConnectProxy(Listening):
    """Opens tunnels.

    Attributes:
        head: The latest CONNECT, as it came.
    """

    def __init__(self, target: int) -> None:
        super().__init__()
        self._target = target
        self.head = b""

    async def serve(self, client: End) -> None:
        """Open a tunnel, and pass bytes through it."""
        try:
            self.head = await client.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return
        async with End.to(self._target) as server:
            await client.send(ESTABLISHED)
            await Link(client, server, lambda: None).run()
