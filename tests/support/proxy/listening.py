"""What the proxies have in common: a port, and connections to it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable
from contextlib import ExitStack, suppress
from typing import Self

from support.ports import closed_port

from .end import BUFFER, End


class Listening:
    """Listens on loopback, and serves each connection in a task.

    Attributes:
        port: Where.
    """

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
