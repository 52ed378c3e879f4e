"""What is done for one order; another engine may drive it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from .claim import Claim
from .journal.entry import Change
from .verdict import Verdict


class Steps(Protocol):
    """The four steps, in their order.

    Each is safe to be the last one: whatever ends the process after it, a
    restart finds what is needed to go on without a double.

    .. versionadded:: 0.1.0
    """

    async def claim(self) -> Claim | None:
        """Return the next order to process, or None where none is left."""
        ...

    async def record_intent(self, claim: Claim, lost: int) -> None:
        """Put on disk that its create is about to be sent, or sent again.

        Args:
            claim: The order.
            lost: How many more of the earlier attempts may have been done.

        Raises:
            JournalError: It is not on disk, so nothing may be sent.
        """
        ...

    async def send(
        self, claim: Claim, intent: Callable[[int], Awaitable[None]]
    ) -> Verdict:
        """Send what is to be sent next for this order.

        Args:
            claim: The order; one that is CREATED is confirmed, any other
                is created.
            intent: Awaited at the last moment before the first byte of a
                create leaves: `record_intent` of this order.

        Returns:
            What became of it; nothing is written down yet.
        """
        ...

    async def record_outcome(
        self, claim: Claim, change: Change
    ) -> Verdict | None:
        """Put on disk what became of it.

        Returns:
            What is on disk instead, where another order has its contract;
            else None.

        Raises:
            JournalError: It is not on disk.
        """
        ...
