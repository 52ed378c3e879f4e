"""How far an import has come."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Progress:
    """A moment of a running import.

    Attributes:
        rows: All rows of the file.
        done: Orders that are where they shall be: confirmed, or created
            where nothing is to be confirmed.
        rejected: Rows that can't be sent, or that Sesamy refused.
        unknown: Orders that a person has to look at.
        strays: Unconfirmed contracts that may be left over.
        in_flight: Orders that are being sent now.
        seconds: Since this run began.
        rate: Calls per second over the last minute.
        permitted: Calls per second that Sesamy permits, as far as is
            known; None for no limit.
        left: Seconds that the rest takes at this rate; None where that
            can't be said yet.
        paused: Why nothing is sent now; None where all is well.

    .. versionadded:: 0.1.0
    """

    rows: int
    done: int = 0
    rejected: int = 0
    unknown: int = 0
    strays: int = 0
    in_flight: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    permitted: float | None = None
    left: float | None = None
    paused: str | None = None

    @property
    def settled(self) -> int:
        """Rows of which nothing more is to be expected."""
        return self.done + self.rejected + self.unknown
