"""What the end of a create or confirm means for an order of an import."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from sesamy_async import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    Contract,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    Outcome,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SesamyError,
    UnauthorizedError,
    UnreadableResponseError,
)
from sesamy_async.bulk import Change, Confirm, Entry, State, Terms
from sesamy_async.bulk import _judge as judge
from sesamy_async.bulk._judge import Cause, Trouble, Verdict
from support.ends import api, kept, said, tried, unsettled
from support.journals import TERMS


ENTRY = Entry(row=7, order_id="A-7", state=State.PENDING)
MADE = attrs.evolve(ENTRY, state=State.CREATED, contract_id="c7")

REPEATABLE = [TERMS, attrs.evolve(TERMS, confirm=Confirm.NO)]
STRICT = [
    attrs.evolve(TERMS, confirm=Confirm.AT_ONCE),
    *(attrs.evolve(each, strays=False) for each in REPEATABLE),
]
every_kind_of_terms = pytest.mark.parametrize("given", [*REPEATABLE, *STRICT])


def change(state: State, reason: str | None = None, **more: Any) -> Change:
    """Return what becomes of the order."""
    return Change(row=7, state=state, reason=reason, **more)


@every_kind_of_terms
def test_created(given: Terms) -> None:
    """A contract is kept with its id; it is confirmed if it was asked so."""
    at_once = given.confirm is Confirm.AT_ONCE
    state = State.CONFIRMED if at_once else State.CREATED
    expected = change(state, contract_id="c7", strays=2)

    assert Verdict(change=expected, calls=3) == judge.created(
        given, ENTRY, Contract(id="c7"), lost=2, calls=3
    )


def not_created(
    given: Terms, error: SesamyError, *, lost: int = 0, before: int = 0
) -> Verdict:
    """Judge a create that failed after three calls."""
    entry = attrs.evolve(ENTRY, strays=before)
    again = given.repeatable
    return judge.not_created(entry, error, again=again, lost=lost, calls=3)


@every_kind_of_terms
@pytest.mark.parametrize(
    "error",
    [
        OutcomeUnknownError("Said so.", outcome=Outcome.UNKNOWN),
        DeadlineExceededError("Said so.", outcome=Outcome.UNKNOWN),
        UnreadableResponseError("Said so."),
        api(ServerError, 503, Outcome.UNKNOWN),
        # A refusal after a lost attempt: the call as a whole is in doubt.
        api(BadRequestError, 400, Outcome.UNKNOWN),
        api(UnauthorizedError, 401, Outcome.UNKNOWN),
        unsettled(InvalidRequestError("Said so.")),
        ConfigurationError("Said so.", outcome=Outcome.APPLIED),
    ],
)
def test_a_create_in_doubt(given: Terms, error: SesamyError) -> None:
    """It is sent again if that leaves a stray at worst."""
    verdict = not_created(given, error, lost=1)
    reason = kept(error)

    if given in REPEATABLE:
        assert change(State.PENDING, reason, strays=1) == verdict.change
        assert verdict.trouble is not None
    else:
        # What may be a confirmed contract is no stray.
        assert change(State.UNKNOWN, reason) == verdict.change


@every_kind_of_terms
@pytest.mark.parametrize(
    "error",
    [
        api(BadRequestError, 400),
        api(NotFoundError, 404),
        api(APIError, 418),
        api(ConflictError, 409),
        InvalidRequestError("Said so."),
    ],
)
def test_a_wrong_order_is_rejected(given: Terms, error: SesamyError) -> None:
    """An order that Sesamy refuses means nothing for other orders."""
    expected = change(State.REJECTED, kept(error))

    assert Verdict(change=expected, calls=3, said=said(error)) == not_created(
        given, error
    )


TROUBLES = [
    (AuthenticationError("Said so."), Cause.REFUSED),
    (api(UnauthorizedError, 401), Cause.REFUSED),
    (api(PermissionDeniedError, 403), Cause.REFUSED),
    (
        AuthenticationError(
            "Said so.", retryable=True, outcome=Outcome.NOT_SENT
        ),
        Cause.UNREACHABLE,
    ),
    (AuthenticationError("Said so.", retryable=True), Cause.OUTAGE),
    (ConnectionFailedError("Said so."), Cause.UNREACHABLE),
    (DeadlineExceededError("Said so."), Cause.UNREACHABLE),
    (api(RateLimitError, 429), Cause.OUTAGE),
    (SesamyError("Said so."), Cause.UNREACHABLE),
]


@every_kind_of_terms
@pytest.mark.parametrize(("error", "cause"), TROUBLES)
def test_trouble_rejects_no_order(
    given: Terms, error: SesamyError, cause: Cause
) -> None:
    """An order that was certainly not created is tried again later."""
    verdict = not_created(given, error)

    assert (State.PENDING, Trouble(cause, kept(error))) == (
        verdict.change.state,
        verdict.trouble,
    )


@every_kind_of_terms
@pytest.mark.parametrize(
    ("outcome", "lost", "before"),
    [
        (Outcome.REFUSED, 0, 1),
        (Outcome.REFUSED, 1, 0),
        (Outcome.REFUSED, 1, 1),
        (Outcome.UNKNOWN, 1, 0),
    ],
)
def test_a_conflict_with_an_attempt_of_our_own(
    given: Terms, outcome: Outcome, lost: int, before: int
) -> None:
    """If a contract of our own may be in the way, a person looks."""
    error = api(ConflictError, 409, outcome)
    verdict = not_created(given, error, lost=lost, before=before)

    assert (State.UNKNOWN, None) == (verdict.change.state, verdict.trouble)


def test_confirmed() -> None:
    """A confirm that is answered gives access, though the answer is cut."""
    cut = tried(UnreadableResponseError("Said so."))
    verdict = judge.not_confirmed(MADE, cut, asked=False)

    assert Verdict(change=change(State.CONFIRMED), calls=3) == verdict


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        *TROUBLES,
        (OutcomeUnknownError("x", outcome=Outcome.UNKNOWN), Cause.OUTAGE),
        (UnreadableResponseError("x", outcome=Outcome.UNKNOWN), Cause.OUTAGE),
        (api(ServerError, 500, Outcome.UNKNOWN), Cause.OUTAGE),
        (api(ConflictError, 409, Outcome.UNKNOWN), Cause.OUTAGE),
        (api(NotFoundError, 404, Outcome.UNKNOWN), Cause.OUTAGE),
    ],
)
@pytest.mark.parametrize("asked", [False, True])
def test_a_confirm_can_be_repeated(
    error: SesamyError, cause: Cause, *, asked: bool
) -> None:
    """An order whose confirm is in doubt is confirmed again later."""
    reason = kept(error)

    assert Verdict(
        change=change(State.CREATED, reason),
        trouble=Trouble(cause, reason),
        calls=0,
    ) == judge.not_confirmed(MADE, error, asked=asked)


@pytest.mark.parametrize(
    "error",
    [
        api(BadRequestError, 400),
        api(NotFoundError, 404),
        api(ConflictError, 409),
    ],
)
def test_a_refused_confirm(error: SesamyError) -> None:
    """It leaves a stray, unless an earlier one may have given access."""
    stray = (
        "Contract c7 was created, but its confirm was refused, so it gives "
        f"no access: {kept(error)}"
    )
    doubt = (
        "Contract c7 was created, and its confirm was refused, perhaps "
        f"because an earlier one succeeded: {kept(error)}"
    )
    tried(error)

    assert Verdict(
        change=change(State.REJECTED, stray, strays=1),
        calls=3,
        said="Sesamy's words.",
    ) == judge.not_confirmed(MADE, error, asked=False)
    assert Verdict(
        change=change(State.UNKNOWN, doubt), calls=3
    ) == judge.not_confirmed(MADE, error, asked=True)


@pytest.mark.parametrize("asked", [False, True])
def test_an_id_that_cant_be_sent(*, asked: bool) -> None:
    """It was never sent, and may be megabytes long: no reason holds it."""
    error = tried(InvalidRequestError("Said so."))
    reason = (
        "A contract was created, but its confirm was refused, so it gives no "
        "access: Said so."
    )

    assert Verdict(
        change=change(State.REJECTED, reason, strays=1), calls=3
    ) == judge.not_confirmed(MADE, error, asked=asked)
