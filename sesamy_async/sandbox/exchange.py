"""What goes in and out of the sandbox, whatever carries it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import attrs


class Delivery(StrEnum):
    """How much of an answer reaches the client.

    .. versionadded:: 0.1.0
    """

    WHOLE = "WHOLE"
    """All of it, as it should be."""

    HALF = "HALF"
    """The head and half the body, then the connection dies."""

    NOTHING = "NOTHING"
    """Not a byte: the connection dies."""


@attrs.frozen(kw_only=True)
class SandboxRequest:
    """A request, as any transport or server can describe it.

    Attributes:
        method: ``"POST"``, ``"GET"``, ...
        path: Still percent-encoded, without the query.
        query: The raw query string; may be personal, so in no repr.
        headers: Names must be found in any case.
        body: As received; personal, so in no repr.

    .. versionadded:: 0.1.0
    """

    method: str
    path: str
    query: str = attrs.field(default="", repr=False)
    headers: Mapping[str, str] = attrs.field(
        factory=dict[str, str], repr=False
    )
    body: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen(kw_only=True)
class Answer:
    """An answer, and what is to happen to it on its way.

    Attributes:
        status: The HTTP status.
        headers: Without Content-Length, which whoever sends it knows.
        body: What a whole answer carries; may hold a token, so in no repr.
        delivery: How much of it reaches the client.
        delay: Seconds that it waits before it is sent.

    .. versionadded:: 0.1.0
    """

    status: int
    headers: Mapping[str, str] = attrs.field(
        factory=dict[str, str], repr=False
    )
    body: bytes = attrs.field(default=b"", repr=False)
    delivery: Delivery = Delivery.WHOLE
    delay: float = 0.0

    @property
    def half(self) -> bytes:
        """What is sent of the body when half of it is."""
        return self.body[: len(self.body) // 2]

    @property
    def promised(self) -> int:
        """The Content-Length of half an answer: always more than comes."""
        return max(1, len(self.body))
