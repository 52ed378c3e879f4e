"""What became of a call."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What became of the order (or of whatever a call was to do).

    .. versionadded:: 0.1.0
    """

    NOT_SENT = "NOT_SENT"
    """Nothing left this machine: send it again when you like."""

    REFUSED = "REFUSED"
    """Sesamy answered and did not do it: mend what it names, then resend."""

    UNKNOWN = "UNKNOWN"
    """It may or may not have been done: look before you send it again."""

    APPLIED = "APPLIED"
    """It was done, but the answer can't be read: do not send it again."""

    @property
    def settled(self) -> bool:
        """Whether it is certain that nothing was done."""
        return self in {Outcome.NOT_SENT, Outcome.REFUSED}

    @property
    def advice(self) -> str:
        """What the caller should do next, as one sentence."""
        return _ADVICE[self]

    @property
    def advice_if_harmless(self) -> str:
        """The same where doing it twice is the same as doing it once."""
        return _IF_HARMLESS.get(self, self.advice)


_ADVICE = {
    Outcome.NOT_SENT: "Nothing was sent, so it can be sent again.",
    Outcome.REFUSED: (
        "Sesamy did not do it; mend what it names before sending it again."
    ),
    Outcome.UNKNOWN: (
        "It may or may not have been done; look before sending it again."
    ),
    Outcome.APPLIED: (
        "It was done, but the answer can't be read; do not send it again."
    ),
}

_IF_HARMLESS = {
    Outcome.UNKNOWN: (
        "It may or may not have been done; it can be sent again without harm."
    ),
    Outcome.APPLIED: (
        "It was done, but the answer can't be read; it can be sent again "
        "without harm."
    ),
}
