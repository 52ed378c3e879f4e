"""Connect on asyncio, to whichever address of a name lets us first.

Not `loop.create_connection` with its happy eyeballs: cancelled at the wrong
moment, it loses a socket that has just connected.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Any


_STREAM = socket.SOCK_STREAM
_FIRST_ROUND = 0.3
"""Seconds for each address at first, where a name has several.

RFC 8305 recommends 0.25 s before the next one is tried; here the earlier
attempt is given up, and repeated in a second round if none succeeds.
"""

_MOST_LOOK_UPS = 256
"""How many threads may look names up at once, in a whole process."""

_LOOK_UP = "sesamy look-up"


async def connected(host: str, port: int) -> socket.socket:
    """Return a connected socket that does not block.

    Raises:
        OSError: There is no address, or none lets us.
    """
    found = await looked_up(host, port)
    if len(found) > 1:
        with suppress(OSError):  # TimeoutError is one.
            return await _first(found, _FIRST_ROUND)
    return await _first(found, None)


async def looked_up(host: str, port: int) -> list[Any]:
    """Return the addresses of a name.

    In a thread for each, not in those that the loop keeps for everybody: no
    look-up can be cut off, and where a dozen hang, these are used up.

    Raises:
        OSError: There is none, or too many look-ups hang.
        UnicodeError: It can be no name.
    """
    with suppress(OSError):  # It is a name.
        return socket.getaddrinfo(
            host, port, type=_STREAM, flags=socket.AI_NUMERICHOST
        )
    hanging = sum(each.name == _LOOK_UP for each in threading.enumerate())
    if hanging >= _MOST_LOOK_UPS:
        raise OSError(f"{hanging} look-ups of names hang.")
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Any]] = loop.create_future()

    def tell(addresses: list[Any], error: Exception | None) -> None:
        if found.done():  # It took too long.
            return
        if error is None:
            found.set_result(addresses)
        else:
            found.set_exception(error)

    def look_up() -> None:
        addresses: list[Any] = []
        failed: Exception | None = None
        try:
            addresses = socket.getaddrinfo(host, port, type=_STREAM)
        except Exception as error:  # noqa: BLE001 - raised by who waits
            failed = error
        with suppress(RuntimeError):  # The loop is closed.
            loop.call_soon_threadsafe(tell, addresses, failed)

    # A daemon: what hangs must not keep the process from its end.
    threading.Thread(target=look_up, name=_LOOK_UP, daemon=True).start()
    return await found


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
