"""Streams over blocking sockets, for the blocking client."""

from __future__ import annotations

import os
import selectors
import socket
from collections import deque
from collections.abc import Iterable
from contextlib import ExitStack, suppress

from .stream import (
    NEXT_ADDRESS,
    NO_ADDRESS,
    READ_SIZE,
    Address,
    Wait,
    interleaved,
    is_readable,
)


class BlockingStream:
    """A connected socket; each operation has a timeout."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    async def receive(self, wait: Wait) -> bytes:
        self._bound(wait)
        return self._socket.recv(READ_SIZE)

    async def send(self, data: bytes, wait: Wait) -> None:
        left = memoryview(data)
        while left:
            self._bound(wait)
            left = left[self._socket.send(left) :]

    def readable(self) -> bool:
        return is_readable(self._socket)

    async def aclose(self) -> None:
        self._socket.close()

    def _bound(self, wait: Wait) -> None:
        seconds = wait()
        if self._socket.gettimeout() != seconds:  # A system call.
            self._socket.settimeout(seconds)


async def connect_blocking(host: str, port: int, wait: Wait) -> BlockingStream:
    """Connect to the address of a name that answers first (RFC 8305).

    Looking the name up is not bounded: no system call for it has a timeout.

    Raises:
        OSError: None does, or not in time.
        UnicodeError: The name can't be one.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return BlockingStream(_first(interleaved(found), wait))


def _first(addresses: Iterable[Address], wait: Wait) -> socket.socket:
    failure = OSError(NO_ADDRESS)
    left = deque(addresses)
    with ExitStack() as losers, selectors.DefaultSelector() as selector:
        while left or selector.get_map():
            seconds = wait()
            if left:
                family, address = left.popleft()
                try:
                    sock = socket.socket(family, socket.SOCK_STREAM)
                    losers.callback(sock.close)
                    sock.settimeout(0.0)
                    with suppress(BlockingIOError):
                        sock.connect(address)
                except OSError as error:  # This machine knows no way there.
                    failure = error
                    continue
                selector.register(sock, selectors.EVENT_WRITE, sock)
            if left:
                seconds = min(seconds or NEXT_ADDRESS, NEXT_ADDRESS)
            for key, _ in selector.select(seconds):
                sock = key.data
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not code:
                    winner = socket.socket(fileno=sock.detach())
                    winner.settimeout(None)
                    winner.setsockopt(
                        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
                    )
                    return winner
                failure = OSError(code, os.strerror(code))
                selector.unregister(sock)
    raise failure
