"""Speaks TLS for a server whose program can't: the wheels are built so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import attrs

from .tls import server_context


_CHUNK = 65_536
# What asks a Postgres for TLS: its own length, and a number that says so.
# https://www.postgresql.org/docs/current/protocol-message-formats.html
_PLEA = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


@attrs.define(eq=False)
class TLSFront:
    """Passes on to a port what it decrypts, in a thread of its own.

    Attributes:
        asked: Whether the client asks for TLS in the words of Postgres; who
            doesn't is refused.
        port: Where it is, for as long as it is open.
    """

    _target: Callable[[], int]
    asked: bool
    port: int = attrs.field(init=False)
    _loop: asyncio.AbstractEventLoop = attrs.field(init=False)
    _server: asyncio.Server = attrs.field(init=False)
    _thread: threading.Thread = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(
                self._pass_on,
                "127.0.0.1",
                0,
                ssl=None if self.asked else server_context(),
            )
        )
        self.port = self._server.sockets[0].getsockname()[1]
        # A daemon, so that a test run that is broken off can end.
        self._thread = threading.Thread(
            target=self._loop.run_forever, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Break off what is under way, and end."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            if self.asked:
                if await reader.readexactly(len(_PLEA)) != _PLEA:
                    return
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(server_context())
            far_reader, far_writer = await asyncio.open_connection(
                "127.0.0.1", self._target()
            )
            there = asyncio.create_task(_pump(reader, far_writer))
            await _pump(far_reader, writer)
            await there
        except (OSError, EOFError):
            pass  # One side went away.
        finally:
            writer.transport.abort()

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # One side went away.
    finally:
        writer.transport.abort()
