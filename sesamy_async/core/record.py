"""What one call has done so far."""

from __future__ import annotations

from .classify import outcome_of_status
from .outcome import Outcome


class Record:
    """The memory of one call: the only thing in a `Call` that changes.

    Attributes:
        attempts: How many times the call was sent or tried to be sent.
        lost: How many of them may have been done, but left no readable
            answer.
        answered: Whether a readable answer says that it was done.
        last: The outcome of the last attempt that left no answer.
        interrupted: Whether that attempt was cancelled.
        sent: Whether the head of the present attempt's request began to
            leave this machine; None where that can't be seen.
        began: When the present attempt had a connection, on the runtime's
            clock; None before that.
        status_code: The status of the present attempt, once it is read.
    """

    __slots__ = (
        "answered",
        "attempts",
        "began",
        "interrupted",
        "last",
        "lost",
        "sent",
        "status_code",
    )

    def __init__(self) -> None:
        self.attempts: int = 0
        self.lost: int = 0
        self.answered: bool = False
        self.last: Outcome = Outcome.NOT_SENT
        self.interrupted: bool = False
        self.sent: bool | None = False
        self.began: float | None = None
        self.status_code: int | None = None

    @property
    def outcome(self) -> Outcome:
        """What is known of the call as a whole, as it stands."""
        return self.settle(self.last)

    def begin(self) -> None:
        """Start an attempt."""
        self.attempts += 1
        self.interrupted = False
        self.sent = False
        self.began = None
        self.status_code = None

    def note(self, outcome: Outcome) -> None:
        """Add the outcome of an attempt that ended without an answer."""
        self.last = outcome
        if not outcome.settled:
            self.lost += 1

    def interrupt(self) -> None:
        """Add an attempt that was cancelled."""
        self.interrupted = True
        if self.status_code is not None:
            self.note(outcome_of_status(self.status_code))
        elif self.sent is False:
            self.note(Outcome.NOT_SENT)
        else:
            self.note(Outcome.UNKNOWN)

    def settle(self, outcome: Outcome) -> Outcome:
        """Return what `outcome` of the last step means for the whole call.

        An attempt that surely did nothing can't undo the doubt that an
        earlier one left: a refusal after an unknown is still unknown.
        """
        if self.answered:
            return Outcome.APPLIED
        return Outcome.UNKNOWN if self.lost and outcome.settled else outcome
