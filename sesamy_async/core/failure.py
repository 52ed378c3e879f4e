"""What a transport saw when no complete answer came."""

from __future__ import annotations

from enum import StrEnum

import attrs

from .headers import Headers


class FailureKind(StrEnum):
    """The families of failures that a transport tells apart."""

    REQUEST = "REQUEST"
    """The request can't be put on the wire: the caller's mistake."""

    CONNECT = "CONNECT"
    """No connection: name, refusal, TLS, proxy, or its time ran out."""

    TIMEOUT = "TIMEOUT"
    """A network operation took longer than the timeout."""

    DEADLINE = "DEADLINE"
    """The deadline of the call passed."""

    BROKEN = "BROKEN"
    """The connection broke, or what came was no HTTP."""

    BODY = "BODY"
    """The body can't be decompressed, is cut, or exceeds the cap."""


@attrs.frozen(kw_only=True)
class Failure:
    """One failed exchange.

    Attributes:
        kind: The family.
        detail: What happened, in words without personal data.
        sent: Whether the request's head began to leave this machine; None
            where the transport (one of the caller's) can't tell.
        status_code: The status, where a whole status line was read.
        own: Whether what was read of the body is Sesamy's own, and no page
            of a gateway (see `is_own`).
        headers: Of the answer, where a whole head was read.
    """

    kind: FailureKind
    detail: str
    sent: bool | None = None
    status_code: int | None = None
    own: bool = False
    headers: Headers = attrs.field(factory=Headers, repr=False, eq=False)


class TransportFailure(Exception):  # noqa: N818 - it is turned into an error
    """Carries a `Failure` from a transport to the core."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure
