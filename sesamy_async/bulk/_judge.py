"""What the end of a step means for its order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from http import HTTPStatus
from typing import Protocol

import attrs

from sesamy_async._call import in_our_words, presentable
from sesamy_async._models import Contract
from sesamy_async._outcome import Outcome
from sesamy_async.errors import (
    APIError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    SesamyError,
)

from ._rows import Sale
from ._states import Change, Confirm, Entry, State, Terms


class Cause(StrEnum):
    """Why an order was not processed, where that is not its own fault."""

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
    """

    change: Change
    trouble: Trouble | None = None
    calls: int = 1
    said: str | None = attrs.field(default=None, repr=False)


_OF_THE_CLIENT = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_LATER = HTTPStatus.TOO_MANY_REQUESTS


def created(
    terms: Terms, entry: Entry, contract: Contract, *, lost: int, calls: int
) -> Verdict:
    """Judge a create that was answered with a contract.

    Args:
        terms: Of the import.
        entry: The order, before.
        contract: The answer.
        lost: How many earlier attempts of this call may have been done,
            too, and are not in the journal yet.
        calls: How many requests it took.
    """
    at_once = terms.confirm is Confirm.AT_ONCE
    change = Change(
        row=entry.row,
        state=State.CONFIRMED if at_once else State.CREATED,
        contract_id=contract.id,
        strays=lost,
    )
    return Verdict(change=change, calls=calls)


def not_its_own(terms: Terms, entry: Entry, holder: int) -> Verdict:
    """Judge a create that was answered with the contract of another order.

    The answer may be of any request; what became of this one is unknown.

    Args:
        terms: Of the import.
        entry: The order, before.
        holder: The row that has the contract.
    """
    reason = (
        f"Its create was answered with the contract of row {holder}. "
        "Something between here and Sesamy mixes up answers, or keeps them; "
        "whether this order has a contract is unknown."
    )
    again = terms.repeatable
    change = Change(
        row=entry.row,
        state=State.PENDING if again else State.UNKNOWN,
        reason=reason,
        strays=1 if again else 0,
    )
    return Verdict(
        change=change, trouble=Trouble(Cause.OUTAGE, reason), calls=0
    )


def not_created(
    terms: Terms, entry: Entry, error: SesamyError, *, lost: int, calls: int
) -> Verdict:
    """Judge a create that ended in an error; arguments as of `created`."""
    state = _after_create(terms, entry, error, lost)
    trouble = trouble_of(error)
    if state is State.PENDING:
        trouble = trouble or _outage(error)
    change = Change(
        row=entry.row,
        state=state,
        reason=_said(error),
        strays=lost if terms.repeatable else 0,
    )
    return Verdict(
        change=change, trouble=trouble, calls=calls, said=_words(error)
    )


def confirmed(entry: Entry, *, calls: int = 1) -> Verdict:
    """Judge a confirm that was answered."""
    change = Change(row=entry.row, state=State.CONFIRMED)
    return Verdict(change=change, calls=calls)


def not_confirmed(entry: Entry, error: SesamyError, *, asked: bool) -> Verdict:
    """Judge a confirm that ended in an error.

    To confirm is to set a state, so it can be repeated.  A 2xx of Sesamy's
    own that can't be read to its end has done it; one that may be the page
    of a gateway is an outage.  No source says how a contract that is
    confirmed answers another confirm.

    Args:
        entry: The order.
        error: How the confirm ended.
        asked: Whether an earlier one may have been sent.
    """
    calls = error.attempts
    if error.outcome is Outcome.APPLIED:
        return confirmed(entry, calls=calls)
    trouble = trouble_of(error)
    if error.outcome is Outcome.UNKNOWN:
        # Even a conflict: perhaps it is with an attempt of our own.
        trouble = trouble or _outage(error)
    if trouble is not None:
        change = Change(
            row=entry.row, state=State.CREATED, reason=_said(error)
        )
        return Verdict(change=change, trouble=trouble, calls=calls)
    if asked and error.outcome is Outcome.REFUSED:
        change = Change(
            row=entry.row,
            state=State.UNKNOWN,
            reason=f"Contract {entry.contract_id} was made, and its confirm "
            "is refused, perhaps because an earlier one was done: "
            f"{_said(error)}",
        )
        return Verdict(change=change, calls=calls)
    # An id that can't be sent may be of any length; it can't be used either.
    unsent = isinstance(error, InvalidRequestError)
    made = "A contract" if unsent else f"Contract {entry.contract_id}"
    change = Change(
        row=entry.row,
        state=State.REJECTED,
        reason=f"{made} was made, but its confirm was refused, so it gives "
        f"no access: {_said(error)}",
        strays=1,
    )
    return Verdict(change=change, calls=calls, said=_words(error))


def trouble_of(error: SesamyError) -> Trouble | None:
    """Return what an error says of other orders; None where nothing."""
    if isinstance(error, AuthenticationError):
        # A token endpoint that fails is an outage; one that says no is not.
        return _outage(error) if error.retryable else _refused(error)
    status = error.status_code if isinstance(error, APIError) else None
    if status in _OF_THE_CLIENT:
        return _refused(error)
    if status != _LATER and _is_about_the_order(error):
        return None
    return _outage(error)


def _is_about_the_order(error: SesamyError) -> bool:
    """Whether Sesamy, or a check of ours, found fault with the order."""
    kinds = (ConflictError, InvalidRequestError)
    return error.outcome is Outcome.REFUSED or isinstance(error, kinds)


def _outage(error: SesamyError) -> Trouble:
    unsent = error.outcome is Outcome.NOT_SENT
    cause = Cause.UNREACHABLE if unsent else Cause.OUTAGE
    return Trouble(cause, _said(error))


def _refused(error: SesamyError) -> Trouble:
    return Trouble(Cause.REFUSED, _said(error))


def _after_create(
    terms: Terms, entry: Entry, error: SesamyError, lost: int
) -> State:
    exists = isinstance(error, ConflictError)
    if not error.outcome.nothing_done:
        again = terms.repeatable and not exists
        return State.PENDING if again else State.UNKNOWN
    if trouble_of(error) is not None:
        return State.PENDING
    if exists and entry.strays + lost:
        # Perhaps it is ours, from before: its id is not known.
        return State.UNKNOWN
    return State.REJECTED


def _said(error: SesamyError) -> str:
    """Return what happened, in words that are ours: it is kept, and shown."""
    if isinstance(error, APIError):
        return in_our_words(error)
    return str(error.args[0])


def _words(error: SesamyError) -> str | None:
    """Return what Sesamy says beyond its code, in one line."""
    message = error.message if isinstance(error, APIError) else None
    return presentable(message) or None


@attrs.frozen
class Claim:
    """One order, with what the journal says of it.

    Attributes:
        entry: How far it has come.
        sale: What is to be sent; in no repr.
        asked: Whether its confirm may have been sent before.
    """

    entry: Entry
    sale: Sale = attrs.field(repr=False)
    asked: bool = False


class Steps(Protocol):
    """The four steps, in their order.

    Each is safe to be the last one: whatever ends the process after it, a
    restart finds what is needed to go on without a double.
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
