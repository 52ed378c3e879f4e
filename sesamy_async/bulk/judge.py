"""From the end of a call to what becomes of its order: pure decisions.

An order goes on only where that can't make a second confirmed contract.
"""

from __future__ import annotations

from http import HTTPStatus

from sesamy_async.core.explain import in_our_words
from sesamy_async.core.outcome import Outcome
from sesamy_async.core.redact import presentable
from sesamy_async.errors import (
    APIError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    SesamyError,
)
from sesamy_async.models import Contract

from .confirm import Confirm
from .journal.entry import Change, Entry
from .journal.terms import Terms
from .state import State
from .verdict import Cause, Trouble, Verdict


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
    if not error.outcome.settled:
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
