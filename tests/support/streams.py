"""Streams of which a test holds the other end."""

from __future__ import annotations

import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

from sesamy_async._http.stream import READ_SIZE, Wait

from .tls import server_context


Piece = bytes | Exception


def forever() -> None:
    """Set no limit."""


class Scripted:
    """A stream that receives these pieces in turn, then the end.

    Attributes:
        sent: All that was sent.
        refusing: What sending raises.
        noisy: Whether something came that nobody asked for.
        closed: Whether it was closed.
    """

    def __init__(self, *pieces: Piece) -> None:
        self._pieces = deque(pieces)
        self.sent = b""
        self.refusing: Exception | None = None
        self.noisy = False
        self.closed = False

    async def receive(self, wait: Wait) -> bytes:
        """Return the next piece, or raise it."""
        wait()
        piece = self._pieces.popleft() if self._pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece

    async def send(self, data: bytes, wait: Wait) -> None:
        """Take note of it."""
        wait()
        if self.refusing is not None:
            raise self.refusing
        self.sent += data

    def readable(self) -> bool:
        """Whether something came."""
        return self.noisy

    async def aclose(self) -> None:
        """Take note of it."""
        self.closed = True


class TlsEnd:
    """A stream that leads to the other end of TLS, all in memory.

    Attributes:
        tls: That end.
        broken: Whether nothing can be sent any more.
        told: Which error of TLS it was told of.
    """

    def __init__(self) -> None:
        self._up, self._down = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = server_context().wrap_bio(
            self._up, self._down, server_side=True
        )
        self.broken = False
        self.told = ""

    def say(self, data: bytes) -> None:
        """Put something on the way that may be no TLS at all."""
        self._down.write(data)

    async def receive(self, wait: Wait) -> bytes:
        """Return what is on the way; else the end."""
        wait()
        return self._down.read(READ_SIZE)

    async def send(self, data: bytes, wait: Wait) -> None:
        """Hand it to the other end, which shakes hands."""
        wait()
        if self.broken:
            raise BrokenPipeError
        self._up.write(data)
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.told = str(error)

    def readable(self) -> bool:
        """Whether something is on the way."""
        return bool(self._down.pending)

    async def aclose(self) -> None:
        """Do nothing."""


def resolve(
    monkeypatch: pytest.MonkeyPatch, look_up: Callable[[str], list[Any]]
) -> None:
    """Let names, but no addresses, be looked up in this way."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *about: Any, **more: Any) -> list[Any]:
        try:
            ip_address(host.decode() if isinstance(host, bytes) else host)
        except ValueError:
            if (
                more.get("flags", 0) or sum(about[4:])
            ) & socket.AI_NUMERICHOST:
                raise socket.gaierror(socket.EAI_NONAME, "a name") from None
            return look_up(host)
        return real(host, *about, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def found(port: int, *hosts: str) -> list[Any]:
    """Return addresses as a look-up does."""
    kind = (socket.AF_INET, socket.SOCK_STREAM, 0, "")
    return [(*kind, (host, port)) for host in hosts]


class Resolver:
    """A resolver that hangs for one name until it is told to go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.asked = 0
        self.known: list[Any] = []

    def __call__(self, host: str) -> list[Any]:
        """Look up, but no more than 10 s."""
        self.asked += 1
        if host == "hangs.test":
            self.go_on.wait(10)
        return self.known
