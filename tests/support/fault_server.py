"""A server on a real socket that fails in exactly the way it is told to."""

from __future__ import annotations

import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Self

import attrs


_PATIENCE = 10.0  # Nothing here may outlive this many seconds.
_CHUNK = 65_536
# Close by a reset instead of a goodbye.
_RESET = struct.pack("ii", 1, 0)


class Gone(Exception):  # noqa: N818 - it ends a connection, no test
    """The client, or the server, went away in the middle of a step."""


@attrs.frozen(kw_only=True)
class Received:
    """A request that was received to its last byte."""

    connection: int  # Counted from 1.
    method: str
    target: str  # Path and query, or the authority of a CONNECT.
    headers: dict[str, str]  # With names in lower case.
    body: bytes

    @property
    def operation(self) -> str:
        """Return ``"create"``, ``"confirm"``, or else the method."""
        if "/promos/code/" not in self.target:
            return self.method
        return "confirm" if "/confirm/" in self.target else "create"


class Peer:
    """The server's end of one connection, for a step to act on."""

    def __init__(
        self, server: FaultServer, sock: socket.socket, number: int
    ) -> None:
        self._server = server
        self._sock = sock
        self._buffer = b""
        self._secured = False
        self.number = number
        self.open = True
        self.tunnelled = False

    @property
    def number_of_requests(self) -> int:
        """How many requests the whole server has received."""
        return len(self._server.received)

    def secure(self) -> None:
        """Shake hands, if the server speaks TLS and did not yet."""
        context = self._server.context
        if context is None or self._secured:
            return
        self._secured = True
        self._sock = context.wrap_socket(self._sock, server_side=True)
        self._server.keep(self._sock)

    def read_head(self) -> Received:
        """Read a request up to its body; a CONNECT comes before any TLS."""
        while b"\r\n\r\n" not in self._buffer:
            self._buffer += self.read_some()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        pairs = (line.split(":", 1) for line in lines)
        return Received(
            connection=self.number,
            method=method,
            target=target,
            headers={name.lower(): text.strip() for name, text in pairs},
            body=b"",
        )

    def read_request(self) -> Received:
        """Read a whole request, and take note of it."""
        self.secure()
        head = self.read_head()
        size = int(head.headers.get("content-length", "0"))
        while len(self._buffer) < size:
            self._buffer += self.read_some()
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        received = attrs.evolve(head, body=body)
        self._server.received.append(received)
        return received

    def read_some(self, size: int = _CHUNK) -> bytes:
        """Read what is there, but at least a byte."""
        data = self._sock.recv(size)
        if not data:
            raise Gone
        return data

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._sock.sendall(data)

    @contextmanager
    def corked(self) -> Iterator[None]:
        """Let all that is sent within the block leave in one packet."""
        cork = socket.IPPROTO_TCP, socket.TCP_CORK
        self._sock.setsockopt(*cork, 1)
        yield
        self._sock.setsockopt(*cork, 0)

    def pause(self, seconds: float) -> None:
        """Do nothing for a while."""
        if self._server.ending.wait(seconds):
            raise Gone

    def hang(self) -> None:
        """Do nothing until the client gives up; read nothing either."""
        poll = select.poll()
        poll.register(self._sock, select.POLLRDHUP)
        while not poll.poll(20):
            self.pause(0.0)
        raise Gone

    def next_request_begins(self) -> bool:
        """Wait until the client says something; False for a goodbye."""
        if self._buffer:
            return True
        if isinstance(self._sock, ssl.SSLSocket):
            # What TLS says besides (tickets) is no request.
            self._buffer = self._sock.recv(_CHUNK)
            return bool(self._buffer)
        return bool(self._sock.recv(1, socket.MSG_PEEK))

    def close(self) -> None:
        """Say goodbye."""
        self.open = False
        self._sock.close()

    def reset(self) -> None:
        """Break off, so that the client sees a reset."""
        linger = socket.SO_LINGER
        self._sock.setsockopt(socket.SOL_SOCKET, linger, _RESET)
        self.close()


Step = Callable[[Peer], None]
"""What is done with one connection, or with one request on it."""


class FaultServer:
    """Does one step of its script after the other, each once.

    The first step of a connection begins before anything is read of it or
    TLS is spoken; each further one when the next request begins.  When the
    script has ended, `then` is done for all that comes.
    """

    def __init__(
        self,
        script: Iterable[Step],
        then: Step,
        *,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self.context = context
        self.ending = threading.Event()
        self._script = iter(script)
        self._then = then
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket()
        reuse = socket.SO_REUSEADDR
        self._listener.setsockopt(socket.SOL_SOCKET, reuse, 1)
        self._listener.bind(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it listens."""
        if self.context is not None:
            return f"https://127.0.0.1:{self.port}"
        return f"http://127.0.0.1:{self.port}"

    @property
    def operations(self) -> list[str]:
        """What was received, as ``create`` and ``confirm``."""
        return [each.operation for each in self.received]

    @property
    def still_open(self) -> int:
        """How many connections have not come to their end."""
        with self._lock:
            serving = self._threads[1:]
        return sum(each.is_alive() for each in serving)

    def settle(self, most: int) -> int:
        """Wait until no more than `most` are open; return how many are."""
        end = time.monotonic() + 5.0
        while self.still_open > most and time.monotonic() < end:
            time.sleep(0.01)
        return self.still_open

    def keep(self, sock: socket.socket) -> None:
        """Remember a socket that has to be closed in the end."""
        with self._lock:
            self._sockets.append(sock)

    def listen(self) -> None:
        """Begin to serve; until then, connections are refused."""
        self._listener.listen(1024)
        self._start(self._accept)

    def __enter__(self) -> Self:
        self.listen()
        return self

    def __exit__(self, *error: object) -> None:
        self.ending.set()
        # It wakes the thread that accepts, which closing does not.
        with _indifferent():
            self._listener.shutdown(socket.SHUT_RDWR)
        accepting, *_ = self._threads
        accepting.join(_PATIENCE)
        for each in list(self._sockets):
            with _indifferent():
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_PATIENCE)
        for each in [self._listener, *self._sockets]:
            each.close()
        assert not any(thread.is_alive() for thread in self._threads)

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        with self._lock:
            self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with _indifferent():
            while not self.ending.is_set():
                sock, _ = self._listener.accept()
                sock.settimeout(_PATIENCE)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.keep(sock)
                self.connections += 1
                peer = Peer(self, sock, self.connections)
                self._start(lambda peer=peer: self._serve(peer))  # type: ignore[misc]

    def _serve(self, peer: Peer) -> None:
        with _indifferent():
            try:
                self._next()(peer)
                while peer.open and peer.next_request_begins():
                    self._next()(peer)
            finally:
                peer.close()

    def _next(self) -> Step:
        with self._lock:
            return next(self._script, self._then)


@contextmanager
def _indifferent() -> Iterator[None]:
    """Let a connection end, whoever ended it."""
    with suppress(Gone, OSError):
        yield
