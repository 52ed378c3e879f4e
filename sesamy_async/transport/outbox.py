"""Let the head of a request leave together with its body."""

from __future__ import annotations


_END_OF_HEAD = b"\r\n\r\n"


class Outbox:
    """Holds a head back until its body comes, or an answer is awaited.

    httpcore writes the two one after the other: two system calls, two
    packets, and a server that wakes up twice.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def add(self, data: bytes) -> bytes:
        """Return what has to be sent now that `data` is to be written."""
        if not self._held and data.endswith(_END_OF_HEAD):
            self._held = data
            return b""
        held, self._held = self._held, b""
        return held + data

    def take(self) -> bytes:
        """Return what was held back, to be sent before anything is read."""
        held, self._held = self._held, b""
        return held
