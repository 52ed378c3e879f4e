"""What the end of a call means for an order."""

from __future__ import annotations

from enum import StrEnum

import attrs

from .journal.entry import Change


class Cause(StrEnum):
    """Why an order could not be processed, though it is no fault of its own.

    .. versionadded:: 0.1.0
    """

    UNREACHABLE = "unreachable"
    """Nothing can be sent: no network, no such host, no connection."""

    OUTAGE = "outage"
    """Sesamy fails, does not answer, or asks to wait."""

    REFUSED = "refused"
    """Sesamy refuses this client: its credentials or its rights."""


@attrs.frozen
class Trouble:
    """What keeps more orders than one from being processed.

    Attributes:
        cause: Whose trouble it is.
        text: What happened, in words; nothing personal.

    .. versionadded:: 0.1.0
    """

    cause: Cause
    text: str


@attrs.frozen(kw_only=True)
class Verdict:
    """What became of an order, and what that says of the others.

    Attributes:
        change: For the journal.
        trouble: What is in the way; None where Sesamy answered as it does
            when all is well.
        calls: How many requests it took.
        said: What Sesamy says beyond its code, for the rejected report
            alone: it may speak of the customer.

    .. versionadded:: 0.1.0
    """

    change: Change
    trouble: Trouble | None = None
    calls: int = 1
    said: str | None = attrs.field(default=None, repr=False)
