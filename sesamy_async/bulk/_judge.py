"""What the end of a call means for its order, and for the others.

These are pure functions: `Steps` makes the calls and records the verdicts.
"""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from typing import Self

import attrs

from sesamy_async._call import in_our_words, presentable
from sesamy_async._claims import refuses_order
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
    """Why orders fail, if they are not the reason themselves."""

    UNREACHABLE = "unreachable"
    """Nothing can be sent: no network, no such host, no connection."""

    OUTAGE = "outage"
    """Sesamy fails, does not respond, or asks to wait."""

    REFUSED = "refused"
    """Sesamy refuses this client: its credentials or its rights."""


@attrs.frozen
class Trouble:
    """What keeps more than one order from being processed.

    Attributes:
        cause: The kind of trouble.
        text: What happened; nothing personal.
    """

    cause: Cause
    text: str


@attrs.frozen(kw_only=True)
class Verdict:
    """What became of an order, and what that means for the others.

    Attributes:
        change: For the journal.
        trouble: What keeps other orders from being processed, too.
        calls: How many requests it took.
        elsewhere: Whether another call has created its contract.
        said: What Sesamy says beyond its code, for the rejected report
            only: it may be about the buyer.
    """

    change: Change
    trouble: Trouble | None = None
    calls: int = 1
    elsewhere: bool = False
    said: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Claim:
    """An order that is being processed.

    Attributes:
        entry: How far it has come, as the journal has it.
        sale: What is to be sent; in no repr.
        asked: Whether its confirm may have been sent before.
    """

    entry: Entry
    sale: Sale = attrs.field(repr=False)
    asked: bool = False

    def after(self, verdict: Verdict, lost: int) -> Self:
        """Return the order after a verdict, and strays of its intents."""
        old, change = self.entry, verdict.change
        entry = attrs.evolve(
            old,
            state=change.state,
            contract_id=change.contract_id or old.contract_id,
            strays=old.strays + lost + change.strays,
        )
        # What another call has created, it may have confirmed, too.
        maybe = verdict.elsewhere or old.state is State.CREATED
        return attrs.evolve(self, entry=entry, asked=self.asked or maybe)


def created(
    terms: Terms, entry: Entry, contract: Contract, *, lost: int, calls: int
) -> Verdict:
    """Judge a create that returned a contract.

    `lost` earlier attempts of the call may have succeeded, too, and are not
    in the journal yet.
    """
    at_once = terms.confirm is Confirm.AT_ONCE
    state = State.CONFIRMED if at_once else State.CREATED
    change = Change(
        row=entry.row, state=state, contract_id=contract.id, strays=lost
    )
    return Verdict(change=change, calls=calls)


def not_its_own(entry: Entry, holder: int, *, again: bool) -> Verdict:
    """Judge a create that returned the contract of another row.

    The response may be of any request; what became of this one is unknown.
    `again` says whether it may be repeated.
    """
    reason = (
        f"The response to its create has the contract of row {holder}. "
        "Perhaps a proxy mixes up or caches responses; whether this order "
        "has a contract is unknown."
    )
    state = State.PENDING if again else State.UNKNOWN
    change = Change(
        row=entry.row, state=state, reason=reason, strays=int(again)
    )
    trouble = Trouble(Cause.OUTAGE, reason)
    return Verdict(change=change, trouble=trouble, calls=0)


def not_created(
    entry: Entry, error: SesamyError, *, again: bool, lost: int, calls: int
) -> Verdict:
    """Judge a create that ended in an error; `lost` is as in `created`.

    `again` says whether it may be repeated; with a store, that knows.
    """
    trouble = trouble_of(error)
    conflict = isinstance(error, ConflictError)
    if not error.outcome.nothing_done:
        onward = error.resumable
        if onward is None:
            onward = again and not conflict
        state = State.PENDING if onward else State.UNKNOWN
    elif trouble is not None:
        state = State.PENDING
    elif conflict and entry.strays + lost:
        # Perhaps with an earlier create of ours, whose id is not known.
        state = State.UNKNOWN
    else:
        state = State.REJECTED
    if state is State.PENDING:
        trouble = trouble or _outage(error)
    reason, strays = _reason(error), lost if again else 0
    change = Change(row=entry.row, state=state, reason=reason, strays=strays)
    said = _said(error)
    return Verdict(change=change, trouble=trouble, calls=calls, said=said)


def confirmed(entry: Entry, *, calls: int = 1) -> Verdict:
    """Judge a confirm that succeeded."""
    change = Change(row=entry.row, state=State.CONFIRMED)
    return Verdict(change=change, calls=calls)


def not_confirmed(entry: Entry, error: SesamyError, *, asked: bool) -> Verdict:
    """Judge a confirm that ended in an error.

    A confirm sets a state, so it can be repeated.  A success of Sesamy's
    that can't be read to its end has done it; one that may be the page of
    a gateway is an outage.  `asked` says that an earlier confirm may have
    been sent: no source says how Sesamy answers a second one.
    """
    if error.outcome is Outcome.APPLIED:
        return confirmed(entry, calls=error.attempts)
    trouble, reason = trouble_of(error), _reason(error)
    strays, said = 0, None
    if error.outcome is Outcome.UNKNOWN:
        # Even a conflict: perhaps it is with an attempt of our own.
        trouble = trouble or _outage(error)
    if trouble is not None:
        state = State.CREATED
    elif asked and error.outcome is Outcome.REFUSED:
        state = State.UNKNOWN
        reason = (
            f"Contract {entry.contract_id} was created, and its confirm was "
            f"refused, perhaps because an earlier one succeeded: {reason}"
        )
    else:
        state, strays, said = State.REJECTED, 1, _said(error)
        # An id that can't be sent is of no use, and may be of any length.
        unsent = isinstance(error, InvalidRequestError)
        made = "A contract" if unsent else f"Contract {entry.contract_id}"
        reason = (
            f"{made} was created, but its confirm was refused, so it gives no "
            f"access: {reason}"
        )
    change = Change(row=entry.row, state=state, reason=reason, strays=strays)
    return Verdict(
        change=change, trouble=trouble, calls=error.attempts, said=said
    )


_OF_THE_CLIENT = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_ABOUT_THE_ORDER = (ConflictError, InvalidRequestError)


def trouble_of(error: SesamyError) -> Trouble | None:
    """Return what an error means for other orders; None for nothing."""
    no_access = Trouble(Cause.REFUSED, _reason(error))
    if isinstance(error, AuthenticationError):
        # A token endpoint that fails is an outage; one that says no is not.
        return _outage(error) if error.retryable else no_access
    if isinstance(error, APIError) and error.status_code in _OF_THE_CLIENT:
        return no_access
    refused = refuses_order(error) or isinstance(error, _ABOUT_THE_ORDER)
    return None if refused else _outage(error)


def _outage(error: SesamyError) -> Trouble:
    unsent = error.outcome is Outcome.NOT_SENT
    cause = Cause.UNREACHABLE if unsent else Cause.OUTAGE
    return Trouble(cause, _reason(error))


def _reason(error: SesamyError) -> str:
    """Return what happened, in our words: it is kept, and shown."""
    if isinstance(error, APIError):
        return in_our_words(error)
    return str(error.args[0])


def _said(error: SesamyError) -> str | None:
    """Return what Sesamy says beyond its code, in one line."""
    message = error.message if isinstance(error, APIError) else None
    return presentable(message) or None
