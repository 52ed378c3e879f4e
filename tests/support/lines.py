"""Connections over scripted streams, for exchanges without a socket."""

from __future__ import annotations

import ssl

import attrs
import h11

from sesamy_async._call import drive
from sesamy_async._http import Connection
from sesamy_async._http.http11 import Host, NetworkPath
from sesamy_async._http.stream import Wait

from .streams import Piece, Scripted, forever


HEADERS = [(b"Host", b"a"), (b"Content-Length", b"5")]


def part() -> Wait:
    """Let each part of connecting take as long as it likes."""
    return forever


@attrs.define
class Line:
    """A connection to a stream that is scripted.

    Attributes:
        stream: What it opens.
        connection: The connection.
        opened: Where it was asked to connect to.
    """

    stream: Scripted
    connection: Connection
    opened: list[tuple[str, int]]

    def connect(self) -> None:
        """Connect."""
        drive(self.connection.connect(part))

    def exchange(self, *more: tuple[bytes, bytes]) -> tuple[int, bytes]:
        """Send an order, and return the answer."""
        return drive(self._exchange([*HEADERS, *more]))

    async def _exchange(
        self, headers: list[tuple[bytes, bytes]]
    ) -> tuple[int, bytes]:
        connection = self.connection
        data = connection.head("POST", b"/orders", headers)
        data += connection.encoded(h11.Data, data=b"order")
        data += connection.encoded(h11.EndOfMessage)
        await connection.connect(part)
        await connection.write(data, forever)
        answer = await connection.response(forever)
        body = b""
        while (chunk := await connection.chunk(forever)) is not None:
            body += chunk
        return answer.status_code, body


def line(
    *pieces: Piece,
    url: str = "http://a",
    proxy: str | None = None,
    failure: Exception | None = None,
) -> Line:
    """Return a connection to a stream that receives these pieces."""

    async def connect(host: str, port: int, wait: Wait) -> Scripted:
        wait()
        opened.append((host, port))
        if failure is not None:
            raise failure
        return stream

    stream = Scripted(*pieces)
    opened: list[tuple[str, int]] = []
    route = NetworkPath(
        target=Host.of(url),
        context=ssl.create_default_context(),
        proxy=None if proxy is None else Host.of(proxy),
    )
    return Line(stream, Connection(route, connect), opened)
