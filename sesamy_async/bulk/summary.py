"""How an import ended."""

from __future__ import annotations

from enum import StrEnum

import attrs

from .confirm import Confirm


class Ending(StrEnum):
    """Why a run of an import ended.

    .. versionadded:: 0.1.0
    """

    COMPLETE = "complete"
    """Every order was processed."""

    INTERRUPTED = "interrupted"
    """Somebody asked it to stop; the same command goes on."""

    OUTAGE = "outage"
    """Sesamy could not be reached, or failed, for too long."""

    REFUSED = "refused"
    """Sesamy refuses all that this client sends."""

    FILE = "file"
    """The file has changed, or could not be read on."""

    JOURNAL = "journal"
    """The journal could not be written, so nothing more was sent."""


@attrs.frozen(kw_only=True)
class ImportSummary:
    """What became of every row; the counts add up to `rows`.

    Attributes:
        rows: All rows of the file.
        confirmed: Orders with a confirmed contract.
        created: Orders with an unconfirmed contract, where that was the
            goal (``Confirm.NO``).
        rejected: Rows that can't be sent, or that Sesamy refused.
        unknown: Orders that a person has to look at.
        unprocessed: Rows that are not finished; the same command goes on.
        strays: Unconfirmed contracts that may be left over, at most; they
            give no access.
        confirm: When contracts were confirmed.
        ending: Why the run ended.
        reason: The same in words, with what to do; None where complete.
        seconds: How long this run took.
        calls: How many calls this run made.
        permitted: Calls per second that Sesamy permits, as far as is
            known; None for no limit.

    .. versionadded:: 0.1.0
    """

    rows: int
    confirmed: int = 0
    created: int = 0
    rejected: int = 0
    unknown: int = 0
    unprocessed: int = 0
    strays: int = 0
    confirm: Confirm = Confirm.SEPARATELY
    ending: Ending = Ending.COMPLETE
    reason: str | None = None
    seconds: float = 0.0
    calls: int = 0
    permitted: float | None = None

    @property
    def done(self) -> int:
        """Orders that are where they shall be."""
        return self.confirmed + self.created
