"""Keep a process from being forked while OpenSSL holds locks.

OpenSSL has locks of its own, and lets go of Python's: what it looks up for
the first handshakes is put into tables that all threads share.  A child that
is forked meanwhile would wait for those locks for ever.
"""

from __future__ import annotations

import os
import socket
import ssl
from threading import RLock
from typing import Protocol


# Of threads, and reentrant: a signal handler may fork too.
UNFORKED = RLock()


class Handshaking(ssl.SSLObject):
    """TLS of an event loop's: a step of its handshake is not forked."""

    def do_handshake(self) -> None:
        """Go on with the handshake, as far as what has come permits."""
        with UNFORKED:
            super().do_handshake()


class _Limit(Protocol):
    def shorten(self, timeout: float | None) -> float | None: ...


def shake_hands(sock: ssl.SSLSocket, limit: _Limit) -> None:
    """Do a whole handshake in steps, between which a fork may happen.

    Raises:
        OSError: It failed, or took too long.
    """
    while True:
        sock.settimeout(0.0)
        try:
            with UNFORKED:
                sock.do_handshake()
        except ssl.SSLWantReadError:
            sock.settimeout(limit.shorten(None))
            # Of the socket beneath TLS: it waits until something comes.
            socket.socket.recv(sock, 1, socket.MSG_PEEK)
        else:
            return


# Windows has no fork, hence no hook for it.
if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(
        before=UNFORKED.acquire,
        after_in_parent=UNFORKED.release,
        after_in_child=UNFORKED.release,
    )
