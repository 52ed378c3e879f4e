"""A way to a server that breaks off or falls silent when it is told to."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Self


_CHUNK = 1 << 16


class FaultyWay:
    """Passes on to a port, by threads, until it is told not to.

    Attributes:
        port: Where it is.
        count: How many connections there were.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.count = 0
        self._lock = Lock()
        self._open: set[socket.socket] = set()
        self._goes = Event()
        self._goes.set()
        self._left = 0
        self._loses_answer = False
        self._lost = False
        Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._goes.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Break all connections off."""
        with self._lock:
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def fall_silent(self) -> None:
        """Pass nothing on any more."""
        self._goes.clear()

    def lose(self, number: int, *, answer: bool) -> None:
        """Break off at a request from now on, or else at its answer."""
        self._lost = False
        self._loses_answer = answer
        self._left = number

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self.count += 1
                far = socket.create_connection(("127.0.0.1", self._target))
                with self._lock:
                    self._open |= {near, far}
                for ends in ((near, far, True), (far, near, False)):
                    Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(
        self, source: socket.socket, sink: socket.socket, up: bool
    ) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                self._goes.wait()
                if self._is_lost(up):
                    self.cut()
                    break
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open.discard(source)
        source.close()

    def _is_lost(self, up: bool) -> bool:
        if not up:
            lost, self._lost = self._lost, False
            return lost
        self._left -= 1
        if self._left == 0 and self._loses_answer:
            self._lost = True
        return self._left == 0 and not self._loses_answer
