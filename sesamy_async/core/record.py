"""What one call has done so far."""

from __future__ import annotations

from .outcome import Outcome


class Record:
    """The memory of one call: the only thing in a `Call` that changes.

    Attributes:
        attempts: How many times the call was sent or tried to be sent.
        lost: How many of them may have been done without a readable answer.
        outcome: What is known of the call as a whole, at this moment.
    """

    __slots__ = ("attempts", "lost", "outcome")

    def __init__(self) -> None:
        self.attempts = 0
        self.lost = 0
        self.outcome = Outcome.NOT_SENT

    def note(self, outcome: Outcome) -> None:
        """Add the outcome of an attempt that ended without an answer."""
        self.outcome = self.settle(outcome)
        if not outcome.settled:
            self.lost += 1

    def settle(self, outcome: Outcome) -> Outcome:
        """Return what `outcome` of an attempt means for the whole call.

        An attempt that surely did nothing can't undo the doubt that an
        earlier one left: a refusal after an unknown is still unknown.
        """
        return Outcome.UNKNOWN if self.lost and outcome.settled else outcome
