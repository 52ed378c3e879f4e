"""The floor: bytes made before, sent and received, not even parsed.

Nothing in Python on this loop or on sockets can be faster; what it takes is
the server's and the system's share of every other contestant.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from benchmarks.payload import CONTRACT_ID, Target

from .kinds import AsyncCall, AsyncContestant, Call, Contestant


_ID = CONTRACT_ID.encode()
_END = b"}]}"
"""With what the contract ends, and nothing before in the answer."""


class _Connection(asyncio.Protocol):
    """Wakes the one who waits when an answer is whole."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._received = b""
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._received.endswith(_END) and self._answer is not None:
            if not self._answer.done():
                self._answer.set_result(self._received)
            self._received = b""

    def exchange(self, request: bytes) -> asyncio.Future[bytes]:
        """Send a request; the future is its answer."""
        assert self.transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer


@asynccontextmanager
async def _open_async(
    target: Target, limit: int | None
) -> AsyncIterator[AsyncCall]:
    del limit  # As many as there are calls at once.
    loop = asyncio.get_running_loop()
    request = target.raw
    every: list[_Connection] = []
    free: list[_Connection] = []

    async def call() -> str:
        if free:
            connection = free.pop()
        else:
            _, connection = await loop.create_connection(
                _Connection, target.host, target.port
            )
            every.append(connection)
        answer = await connection.exchange(request)
        free.append(connection)
        return CONTRACT_ID if _ID in answer else ""

    yield call
    for connection in every:
        assert connection.transport is not None
        connection.transport.abort()
    await asyncio.sleep(0)


@contextmanager
def _open(target: Target, limit: int | None) -> Iterator[Call]:
    del limit  # It takes part in no scenario that sets one.
    request = target.raw
    with socket.create_connection((target.host, target.port)) as connection:

        def call() -> str:
            connection.sendall(request)
            answer = connection.recv(65_536)
            while not answer.endswith(_END):
                answer += connection.recv(65_536)
            return CONTRACT_ID if _ID in answer else ""

        yield call


RAW_ASYNC = AsyncContestant("raw asyncio", "asyncio", _open_async)
RAW = Contestant("raw socket", "socket", _open)
