"""Connect on asyncio, to whichever address of a name lets us first.

Not `loop.create_connection` with its happy eyeballs: cancelled at the wrong
moment, it loses a socket that has just connected.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any


_FIRST_ROUND = 0.3
"""Seconds for each address at first, where a name has several.

RFC 8305 recommends 0.25 s before the next one is tried; here the earlier
attempt is given up, and repeated in a second round if none succeeds.
"""


async def connected(host: str, port: int) -> socket.socket:
    """Return a connected socket that does not block.

    Raises:
        OSError: There is no address, or none lets us.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if len(found) > 1:
        with suppress(OSError):  # TimeoutError is one.
            return await _first(found, _FIRST_ROUND)
    return await _first(found, None)


async def _first(found: list[Any], limit: float | None) -> socket.socket:
    failure: OSError = OSError("The name has no address.")
    for family, kind, protocol, _, address in found:
        try:
            async with asyncio.timeout(limit):
                return await _connect(family, kind, protocol, address)
        except OSError as error:
            failure = error
    raise failure


async def _connect(
    family: int, kind: int, protocol: int, address: Any
) -> socket.socket:
    loop = asyncio.get_running_loop()
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(0)
        await loop.sock_connect(sock, address)
    except BaseException:
        # While the loop still watches it, its number may not be reused.
        with suppress(NotImplementedError):  # Windows watches none.
            loop.remove_writer(sock)
        sock.close()
        raise
    return sock
