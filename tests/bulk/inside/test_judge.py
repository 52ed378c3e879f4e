"""What the end of a create or confirm means for an order of an import."""

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
from support.ends import api, kept, said, tried, unsettled


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


@pytest.mark.parametrize("given", [*REPEATABLE, *STRICT])
@pytest.mark.parametrize("error", UNSETTLED)
def test_a_create_in_doubt(given: Terms, error: SesamyError) -> None:
    """It is sent again where a stray is the worst, else it is for a person."""
    verdict = not_created(given, error, lost=1)
    change, reason = verdict.change, kept(error)

    if given in REPEATABLE:
        again = Change(row=7, state=State.PENDING, reason=reason, strays=1)
        assert again == change
        assert verdict.trouble is not None
    else:
        assert (State.UNKNOWN, reason) == (change.state, change.reason)
        assert State.INTENT not in MOVES[State.UNKNOWN]
    # What may be a confirmed contract is no stray.
    if given.confirm is Confirm.AT_ONCE:
        assert 0 == change.strays


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


MADE = Entry(row=7, order_id="A-7", state=State.CREATED, contract_id="c7")
CANT_BE_NAMED = Change(
    row=7,
    state=State.REJECTED,
    reason="A contract was made, but its confirm was refused, so it gives "
    "no access: Said so.",
    strays=1,
)


def gives_no_access(error: SesamyError) -> Change:
    """Return what becomes of a contract whose confirm was refused."""
    return Change(
        row=7,
        state=State.REJECTED,
        reason="Contract c7 was made, but its confirm was refused, so it "
        f"gives no access: {kept(error)}",
        strays=1,
    )


def may_give_access(error: SesamyError) -> Change:
    """Return what becomes of one whose second confirm was refused."""
    return Change(
        row=7,
        state=State.UNKNOWN,
        reason="Contract c7 was made, and its confirm is refused, perhaps "
        f"because an earlier one was done: {kept(error)}",
    )


def test_confirmed() -> None:
    """A confirm that is answered gives access, though the answer is cut."""
    change = Change(row=7, state=State.CONFIRMED)
    cut = tried(UnreadableResponseError("Said so."))

    assert Verdict(change=change, calls=2) == judge.confirmed(MADE, calls=2)
    assert Verdict(change=change, calls=3) == judge.not_confirmed(
        MADE, cut, asked=False
    )


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OutcomeUnknownError("x", outcome=Outcome.UNKNOWN), Cause.OUTAGE),
        (UnreadableResponseError("x", outcome=Outcome.UNKNOWN), Cause.OUTAGE),
        (api(ServerError, 500, Outcome.UNKNOWN), Cause.OUTAGE),
        (api(ConflictError, 409, Outcome.UNKNOWN), Cause.OUTAGE),
        (api(NotFoundError, 404, Outcome.UNKNOWN), Cause.OUTAGE),
        (api(RateLimitError, 429), Cause.OUTAGE),
        (api(UnauthorizedError, 401), Cause.REFUSED),
        (AuthenticationError("x"), Cause.REFUSED),
        (ConnectionFailedError("x"), Cause.UNREACHABLE),
    ],
)
@pytest.mark.parametrize("asked", [False, True])
def test_a_confirm_can_be_repeated(
    error: SesamyError, cause: Cause, *, asked: bool
) -> None:
    """Whatever a confirm leaves in doubt is confirmed again later."""
    verdict = judge.not_confirmed(MADE, error, asked=asked)
    reason = kept(error)

    assert Verdict(
        change=Change(row=7, state=State.CREATED, reason=reason),
        trouble=Trouble(cause, reason),
        calls=0,
    ) == (verdict)


@pytest.mark.parametrize(
    "error",
    [
        api(BadRequestError, 400),
        api(NotFoundError, 404),
        api(ConflictError, 409),
    ],
)
def test_a_refused_confirm(error: SesamyError) -> None:
    """It leaves a stray, or an earlier one is in the way and gave access."""
    first = judge.not_confirmed(MADE, tried(error), asked=False)
    second = judge.not_confirmed(MADE, tried(error), asked=True)

    assert (
        Verdict(change=gives_no_access(error), calls=3, said="Sesamy's words.")
        == first
    )
    assert Verdict(change=may_give_access(error), calls=3) == second


@pytest.mark.parametrize("asked", [False, True])
def test_an_id_that_cant_be_sent(*, asked: bool) -> None:
    """It was never sent, and may be megabytes long: no reason holds it."""
    error = tried(InvalidRequestError("Said so."))

    assert Verdict(change=CANT_BE_NAMED, calls=3) == judge.not_confirmed(
        MADE, error, asked=asked
    )
