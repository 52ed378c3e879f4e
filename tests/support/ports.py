"""Ports of this machine at which nobody answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def closed_port(number: int = 0) -> Iterator[int]:
    """Yield a port that refuses: it is taken, but nobody listens."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", number))
        port: int = sock.getsockname()[1]
        yield port


@contextmanager
def mute_port(*more: str) -> Iterator[int]:
    """Yield a port where connecting hangs: its backlog is full.

    It is so on 127.0.0.1, and on more addresses if they are given.
    """
    port = 0
    with ExitStack() as stack:
        for address in ("127.0.0.1", *more):
            listener = stack.enter_context(socket.socket())
            listener.bind((address, port))
            listener.listen(0)
            port = listener.getsockname()[1]
            for _ in range(4):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex((address, port))
        yield port
