"""A server that answers each request with the same contract.

Or each create with one of its own, as an import needs it.

It knows enough of HTTP/1.1 for clients that frame with Content-Length and
keep connections alive, and nothing more: it must never be the bottleneck.
It prints its port, and ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import sys
import threading
from functools import partial
from itertools import count

from .payload import ANSWER, CONTRACT_ID


_LENGTH = b"content-length:"
_CONFIRM = b"/confirm/"
_ID = CONTRACT_ID.encode()
_NUMBERS = count(1)


class Answering(asyncio.Protocol):
    """One connection.

    Args:
        delay: Seconds before an answer.
        own: Whether each create is answered with a contract of its own.
    """

    def __init__(self, delay: float, *, own: bool) -> None:
        self._delay = delay
        self._own = own
        self._pending = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        data = self._pending + data
        while (rest := _after_request(data)) is not None:
            self._answer(_own_answer(data) if self._own else ANSWER)
            data = rest
        self._pending = data

    def _answer(self, answer: bytes) -> None:
        assert self._transport is not None
        if not self._delay:
            self._transport.write(answer)
            return
        loop = asyncio.get_running_loop()
        loop.call_later(self._delay, self._answer_late, answer)

    def _answer_late(self, answer: bytes) -> None:
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.write(answer)


def _own_answer(data: bytes) -> bytes:
    """Return a contract of its own, or the one that is confirmed."""
    target = data.split(b" ", 2)[1]
    _, confirm, its = target.partition(_CONFIRM)
    # As long as the one that it replaces, or Content-Length would be wrong.
    own = its if confirm else b"%0*x" % (len(_ID), next(_NUMBERS))
    return ANSWER.replace(_ID, own)


def _after_request(data: bytes) -> bytes | None:
    """Return what follows the first request, or None if it is not whole."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[:end].lower()
    length = 0
    at = head.find(_LENGTH)
    if at >= 0:
        length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])
    whole = end + 4 + length
    return data[whole:] if len(data) >= whole else None


async def serve(delay: float, certificate: str, *, own: bool) -> None:
    """Serve on loopback until the standard input ends."""
    loop = asyncio.get_running_loop()
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = await loop.create_server(
        partial(Answering, delay, own=own),
        "127.0.0.1",
        0,
        ssl=context,
        backlog=1024,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()

    def watch() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=watch, daemon=True).start()
    await ended.wait()
    server.close()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--certificate", default="")
    parser.add_argument("--own-contracts", action="store_true")
    given = parser.parse_args()
    asyncio.run(serve(given.delay, given.certificate, own=given.own_contracts))


if __name__ == "__main__":
    main()
