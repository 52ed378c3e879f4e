"""Let the head of a request leave together with its body."""

from __future__ import annotations


_END_OF_HEAD = b"\r\n\r\n"


class Outbox:
    """Holds a head back until its body comes, or an answer is awaited.

    httpcore writes the two one after the other: two system calls, two
    packets, and a server that wakes up twice.  Here, and not in a local of
    whoever sends it, no traceback shows the token and the order.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def add(self, data: bytes) -> bool:
        """Take what is to be written; return whether to send it now."""
        if not self._held and data.endswith(_END_OF_HEAD):
            self._held = data
            return False
        self._held += data
        return bool(self._held)

    @property
    def waiting(self) -> bool:
        """Whether something has to be sent before anything is read."""
        return bool(self._held)

    def take(self) -> bytes:
        """Return what has to be sent."""
        held, self._held = self._held, b""
        return held
