"""What became of a call: pure functions from facts to an outcome."""

from __future__ import annotations

from enum import StrEnum

import attrs

from ._headers import REFUSALS, SUCCESS, Headers


class Outcome(StrEnum):
    """What became of the order, or of another call."""

    NOT_SENT = "NOT_SENT"
    """Nothing was sent: it can be sent again."""

    REFUSED = "REFUSED"
    """Sesamy refused it: correct what the error names, then send it again."""

    UNKNOWN = "UNKNOWN"
    """It may or may not have been done: check before sending it again."""

    APPLIED = "APPLIED"
    """It was done, but the response can't be read: do not send it again."""

    @property
    def nothing_done(self) -> bool:
        """Whether it is certain that nothing was done."""
        return self in {Outcome.NOT_SENT, Outcome.REFUSED}

    @property
    def advice(self) -> str:
        """What the caller should do next, as one sentence."""
        return _ADVICE[self]

    @property
    def advice_if_harmless(self) -> str:
        """The same, if doing it twice is the same as doing it once."""
        return _IF_HARMLESS.get(self, self.advice)


_MAYBE = "It may or may not have been done;"
_DONE = "It was done, but the response can't be read;"
_ADVICE = {
    Outcome.NOT_SENT: "Nothing was sent, so it can be sent again.",
    Outcome.REFUSED: (
        "Sesamy refused it; correct what it names before sending it again."
    ),
    Outcome.UNKNOWN: f"{_MAYBE} check before sending it again.",
    Outcome.APPLIED: f"{_DONE} do not send it again.",
}
_IF_HARMLESS = {
    Outcome.UNKNOWN: f"{_MAYBE} it is safe to send it again.",
    Outcome.APPLIED: f"{_DONE} it is safe to send it again.",
}


class FailureKind(StrEnum):
    """The kinds of failures that a transport tells apart."""

    REQUEST = "REQUEST"  # Can't be put on the wire: the caller's mistake.
    CONNECT = "CONNECT"  # No connection: name, refusal, TLS, proxy, timeout.
    TIMEOUT = "TIMEOUT"  # A network operation took longer than the timeout.
    DEADLINE = "DEADLINE"  # The deadline of the call passed.
    BROKEN = "BROKEN"  # The connection broke, or what came was no HTTP.
    BODY = "BODY"  # Can't be decompressed, is cut, or exceeds the cap.


@attrs.frozen(kw_only=True)
class Failure:
    """One failed exchange."""

    kind: FailureKind
    detail: str  # What happened, without personal data.
    # Whether the request's head began to leave this machine; None where the
    # transport (one of the caller's) can't tell.
    sent: bool | None = None
    status_code: int | None = None  # Where a whole status line was read.
    own: bool = False  # Whether what was read of the body is Sesamy's own.
    headers: Headers = attrs.field(factory=Headers, repr=False, eq=False)


class TransportFailure(Exception):  # noqa: N818 - it is turned into an error
    """Carries a `Failure` from a transport to the core."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


_REPEATED_ELSEWHERE = {307, 308}


def outcome_of_status(status_code: int) -> Outcome:
    """Return what a complete response with this status means.

    A success counts only if Sesamy gave it, which its body must show.  A
    5xx, or a 4xx that is no refusal, may come from a gateway whose backend
    went on working.  Of the redirects only 307 and 308 say that the request
    is to be repeated elsewhere, so was not done here.
    """
    if status_code in SUCCESS:
        return Outcome.APPLIED
    if status_code in REFUSALS or status_code in _REPEATED_ELSEWHERE:
        return Outcome.REFUSED
    return Outcome.UNKNOWN


def outcome_of_failure(failure: Failure) -> Outcome:
    """Return what an exchange without a complete response means."""
    if failure.status_code is not None:
        outcome = outcome_of_status(failure.status_code)
        foreign = outcome is Outcome.APPLIED and not failure.own
        return Outcome.UNKNOWN if foreign else outcome
    return Outcome.NOT_SENT if failure.sent is False else Outcome.UNKNOWN
