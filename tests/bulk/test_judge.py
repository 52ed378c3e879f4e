"""What the end of a create means for an order of an import."""

from __future__ import annotations

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
from sesamy_async.bulk import (
    Cause,
    Change,
    Confirm,
    Entry,
    State,
    Terms,
    Trouble,
    Verdict,
)
from sesamy_async.bulk import _judge as judge
from sesamy_async.bulk._states import MOVES
from support.ends import api, kept, said, unsettled


ENTRY = Entry(row=7, order_id="A-7", state=State.PENDING)


def terms(
    confirm: Confirm = Confirm.SEPARATELY, *, strays: bool = True
) -> Terms:
    """Return what an import has agreed to."""
    return Terms(
        source="orders.csv",
        fingerprint="f",
        promo_code="SPRING-12",
        vendor_id="acme",
        base_url="https://api.sesamy.com",
        confirm=confirm,
        strays=strays,
    )


REPEATABLE = [terms(), terms(Confirm.NO)]
STRICT = [
    terms(Confirm.AT_ONCE),
    terms(strays=False),
    terms(Confirm.NO, strays=False),
]


UNSETTLED: list[SesamyError] = [
    OutcomeUnknownError("Said so.", outcome=Outcome.UNKNOWN),
    DeadlineExceededError("Said so.", outcome=Outcome.UNKNOWN),
    UnreadableResponseError("Said so."),
    api(ServerError, 503, Outcome.UNKNOWN),
    # A refusal after a lost attempt: the call as a whole is in doubt.
    api(BadRequestError, 400, Outcome.UNKNOWN),
    api(UnauthorizedError, 401, Outcome.UNKNOWN),
    unsettled(InvalidRequestError("Said so.")),
    ConfigurationError("Said so.", outcome=Outcome.APPLIED),
]


@pytest.mark.parametrize(
    ("confirm", "state"),
    [
        (Confirm.SEPARATELY, State.CREATED),
        (Confirm.AT_ONCE, State.CONFIRMED),
        (Confirm.NO, State.CREATED),
    ],
)
def test_created(confirm: Confirm, state: State) -> None:
    """A contract is kept with its id; it is confirmed if it was asked so."""
    verdict = judge.created(
        terms(confirm), ENTRY, Contract(id="c7"), lost=2, calls=3
    )

    assert (
        Verdict(
            change=Change(row=7, state=state, contract_id="c7", strays=2),
            calls=3,
        )
        == verdict
    )


def not_created(
    given: Terms, error: SesamyError, *, lost: int = 0, entry: Entry = ENTRY
) -> Verdict:
    """Judge a create that failed after three calls."""
    return judge.not_created(given, entry, error, lost=lost, calls=3)


@pytest.mark.parametrize("given", REPEATABLE)
@pytest.mark.parametrize("error", UNSETTLED)
def test_an_unconfirmed_create_in_doubt_is_sent_again(
    given: Terms, error: SesamyError
) -> None:
    """Where a stray is the worst, a doubtful create is pending again."""
    verdict = not_created(given, error, lost=1)

    assert (
        Change(row=7, state=State.PENDING, reason=kept(error), strays=1)
        == verdict.change
    )
    assert verdict.trouble is not None


@pytest.mark.parametrize("given", STRICT)
@pytest.mark.parametrize("error", UNSETTLED)
def test_a_strict_create_in_doubt_is_never_sent_again(
    given: Terms, error: SesamyError
) -> None:
    """Where a create must not be repeated, doubt is for a person."""
    verdict = not_created(given, error, lost=1)

    assert (State.UNKNOWN, kept(error)) == (
        verdict.change.state,
        verdict.change.reason,
    )
    assert State.INTENT not in MOVES[State.UNKNOWN]


@pytest.mark.parametrize(
    ("given", "strays"),
    [*((each, 1) for each in REPEATABLE), (terms(Confirm.AT_ONCE), 0)],
)
def test_only_a_repeatable_create_leaves_strays(
    given: Terms, strays: int
) -> None:
    """What may be a confirmed contract is no stray."""
    error = OutcomeUnknownError("Said so.", outcome=Outcome.UNKNOWN)

    assert strays == not_created(given, error, lost=1).change.strays


@pytest.mark.parametrize("given", [*REPEATABLE, *STRICT])
@pytest.mark.parametrize(
    "error",
    [
        api(BadRequestError, 400),
        api(BadRequestError, 422),
        api(NotFoundError, 404),
        api(APIError, 418),
        api(ConflictError, 409),
        InvalidRequestError("Said so."),
    ],
)
def test_a_wrong_order_is_rejected(given: Terms, error: SesamyError) -> None:
    """What Sesamy refuses for the order's own sake troubles no other."""
    verdict = not_created(given, error)

    assert (
        Verdict(
            change=Change(row=7, state=State.REJECTED, reason=kept(error)),
            calls=3,
            said=said(error),
        )
        == verdict
    )


@pytest.mark.parametrize("given", [*REPEATABLE, *STRICT])
@pytest.mark.parametrize(
    ("error", "cause"),
    [
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
    ],
)
def test_what_is_not_the_orders_fault_rejects_none(
    given: Terms, error: SesamyError, cause: Cause
) -> None:
    """An order that was surely not done waits until the trouble is over."""
    verdict = not_created(given, error)

    assert (State.PENDING, Trouble(cause, kept(error))) == (
        verdict.change.state,
        verdict.trouble,
    )


@pytest.mark.parametrize("given", [*REPEATABLE, *STRICT])
@pytest.mark.parametrize(
    ("error", "lost", "before"),
    [
        (api(ConflictError, 409), 0, 1),
        (api(ConflictError, 409), 1, 0),
        (api(ConflictError, 409), 1, 1),
        (api(ConflictError, 409, Outcome.UNKNOWN), 1, 0),
    ],
)
def test_a_conflict_with_an_attempt_of_our_own(
    given: Terms, error: SesamyError, lost: int, before: int
) -> None:
    """Where it may be our own contract that is in the way, one must look."""
    entry = Entry(row=7, order_id="A", state=State.PENDING, strays=before)
    verdict = not_created(given, error, lost=lost, entry=entry)

    assert (State.UNKNOWN, None) == (verdict.change.state, verdict.trouble)
