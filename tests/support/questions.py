"""A server and a client that ask and answer, for proxies between them."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress

from .proxy import FaultProxy
from .tls import trust


QUESTION = b"a question"
REPLY = b"an answer!"
PATIENCE = 20.0


def serve(listener: socket.socket, heard: list[bytes]) -> None:
    """Answer each question, connection by connection."""
    with suppress(OSError):
        while True:
            sock, _ = listener.accept()
            said = b""
            with sock, suppress(OSError):
                while data := sock.recv(100):
                    said += data
                    if said.endswith(QUESTION):
                        sock.sendall(REPLY)
            heard.append(said)


def connect(proxy: FaultProxy, *, tls: bool = False) -> socket.socket:
    """Connect to it."""
    sock = socket.create_connection(("127.0.0.1", proxy.port), PATIENCE)
    if not tls:
        return sock
    context = ssl.create_default_context()
    trust(context)
    # Some Pythons set it by default.
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    return context.wrap_socket(
        sock, server_hostname="127.0.0.1", suppress_ragged_eofs=False
    )


def asked(sock: socket.socket, *, patience: float = PATIENCE) -> bytes | str:
    """Ask, and return what comes until the end, or how it breaks."""
    sock.settimeout(patience)
    got = b""
    try:
        sock.sendall(QUESTION)
        while len(got) < len(REPLY) and (data := sock.recv(100)):
            got += data
    except ConnectionResetError:
        return f"{got!r}, reset"
    except TimeoutError:
        return f"{got!r}, silence"
    except ssl.SSLError:
        return f"{got!r}, no goodbye"
    return got
