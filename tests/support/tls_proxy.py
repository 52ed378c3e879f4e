"""A proxy that is reached over TLS, and always leads to the same port."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from .tls import server_context


_CHUNK = 65_536


@contextmanager
def tls_proxy(target: int, *, record: int) -> Iterator[str]:
    """Serve in a thread of its own; return the URL of the proxy."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        asyncio.start_server(
            partial(_tunnel, target=target, record=record),
            "127.0.0.1",
            0,
            ssl=server_context(),
        )
    )
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(5.0)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _tunnel(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    target: int,
    record: int,
) -> None:
    """Open the tunnel that is asked for, and pass bytes through it."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
    back = asyncio.create_task(_pump(reader, far_writer, record))
    await _pump(far_reader, writer, record)
    await back


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: int
) -> None:
    """Cut what comes into records, which leave in one packet."""
    cork = socket.IPPROTO_TCP, socket.TCP_CORK
    sock = writer.get_extra_info("socket")
    try:
        while data := await reader.read(_CHUNK):
            sock.setsockopt(*cork, 1)
            for start in range(0, len(data), record):
                writer.write(data[start : start + record])
            await writer.drain()
            sock.setsockopt(*cork, 0)
    except OSError:
        pass  # One side went away.
    finally:
        writer.transport.abort()


async def _end(server: asyncio.Server) -> None:
    """End what is still under way."""
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)
