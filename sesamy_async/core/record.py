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
        entered: Whether the caller's middleware ever let the call go on.
        under_way: How often it is on its way behind that middleware now.
        own: Whether what was read of its body is Sesamy's own, and no page
            of a gateway.
    """

    __slots__ = (
        "answered",
        "attempts",
        "began",
        "entered",
        "interrupted",
        "last",
        "lost",
        "own",
        "sent",
        "status_code",
        "under_way",
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
        self.entered: bool = False
        self.under_way: int = 0
        self.own: bool = False

    @property
    def outcome(self) -> Outcome:
        """What is known of the call as a whole, as it stands."""
        return self.settle(self.last)

    @property
    def outcome_of_foreign(self) -> Outcome:
        """What is known once an exception of the caller's ended the call.

        A middleware that never let the call go on may have sent it by
        itself; one that did not wait for it has left it on its way.
        """
        certain = self.entered and not self.under_way
        doubtful = self.outcome.settled and not certain
        return Outcome.UNKNOWN if doubtful else self.outcome

    def begin(self) -> None:
        """Start an attempt."""
        self.attempts += 1
        self.interrupted = False
        self.sent = False
        self.began = None
        self.status_code = None
        self.own = False

    def note(self, outcome: Outcome) -> None:
        """Add the outcome of an attempt that ended without an answer."""
        self.last = outcome
        if not outcome.settled:
            self.lost += 1

    def interrupt(self) -> None:
        """Add an attempt that was cancelled.

        A success of which nothing was read may be a gateway's page.
        """
        self.interrupted = True
        if self.status_code is not None:
            outcome = outcome_of_status(self.status_code)
            foreign = outcome is Outcome.APPLIED and not self.own
            self.note(Outcome.UNKNOWN if foreign else outcome)
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
