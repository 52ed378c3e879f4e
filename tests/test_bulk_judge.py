"""What the end of a call means for an order of an import."""

from __future__ import annotations

from typing import Any

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
from sesamy_async.bulk import judge
from sesamy_async.bulk.confirm import Confirm
from sesamy_async.bulk.journal.entry import Change, Entry
from sesamy_async.bulk.journal.terms import Terms
from sesamy_async.bulk.state import MOVES, State
from sesamy_async.bulk.verdict import Cause, Trouble, Verdict


ENTRY = Entry(row=7, order_id="A-7", state=State.PENDING)
MADE = Entry(row=7, order_id="A-7", state=State.CREATED, contract_id="c7")


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


def api(
    kind: type[APIError], status: int, outcome: Outcome = Outcome.REFUSED
) -> APIError:
    """Return an answer of Sesamy's that is an error."""
    return kind("Said so.", status_code=status, outcome=outcome)


UNSETTLED: list[SesamyError] = [
    OutcomeUnknownError("Said so.", outcome=Outcome.UNKNOWN),
    DeadlineExceededError("Said so.", outcome=Outcome.UNKNOWN),
    UnreadableResponseError("Said so."),
    api(ServerError, 503, Outcome.UNKNOWN),
    # A refusal after a lost attempt: the call as a whole is in doubt.
    api(BadRequestError, 400, Outcome.UNKNOWN),
    api(UnauthorizedError, 401, Outcome.UNKNOWN),
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
    """Judge a create that failed."""
    return judge.not_created(given, entry, error, lost=lost, calls=1)


@pytest.mark.parametrize("given", REPEATABLE)
@pytest.mark.parametrize("error", UNSETTLED)
def test_an_unconfirmed_create_in_doubt_is_sent_again(
    given: Terms, error: SesamyError
) -> None:
    """Where a stray is the worst, a doubtful create is pending again."""
    verdict = not_created(given, error, lost=1)

    assert (
        Change(row=7, state=State.PENDING, reason="Said so.", strays=1)
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

    assert (State.UNKNOWN, "Said so.") == (
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

    assert Verdict(
        change=Change(row=7, state=State.REJECTED, reason="Said so.")
    ) == (verdict)


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

    assert (State.PENDING, Trouble(cause, "Said so.")) == (
        verdict.change.state,
        verdict.trouble,
    )


@pytest.mark.parametrize("given", [*REPEATABLE, *STRICT])
@pytest.mark.parametrize(
    ("error", "lost", "before"),
    [
        (api(ConflictError, 409), 0, 1),
        (api(ConflictError, 409), 1, 0),
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


def test_confirmed() -> None:
    """A confirm that is answered gives access."""
    assert Verdict(change=Change(row=7, state=State.CONFIRMED)) == (
        judge.confirmed(MADE)
    )


def test_confirmed_but_unreadable() -> None:
    """A 2xx says that it is confirmed, whatever else it holds."""
    verdict = judge.not_confirmed(
        MADE, UnreadableResponseError("Said so."), asked=False
    )

    assert (State.CONFIRMED, None) == (verdict.change.state, verdict.trouble)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OutcomeUnknownError("x", outcome=Outcome.UNKNOWN), Cause.OUTAGE),
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
    said = str(error.args[0])

    assert Verdict(
        change=Change(row=7, state=State.CREATED, reason=said),
        trouble=Trouble(cause, said),
        calls=0,
    ) == (verdict)


@pytest.mark.parametrize(
    "error",
    [
        api(BadRequestError, 400),
        api(NotFoundError, 404),
        api(ConflictError, 409),
        InvalidRequestError("Said so."),
    ],
)
def test_a_refused_confirm(error: Any) -> None:
    """A contract that can't be confirmed is named, and is a stray."""
    verdict = judge.not_confirmed(MADE, error, asked=False)
    reason = str(verdict.change.reason)

    assert (State.REJECTED, 1, None) == (
        verdict.change.state,
        verdict.change.strays,
        verdict.trouble,
    )
    assert "Contract c7 was made" in reason
    assert reason.endswith("Said so.")


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (api(BadRequestError, 400), State.UNKNOWN),
        (api(NotFoundError, 404), State.UNKNOWN),
        (api(ConflictError, 409), State.UNKNOWN),
        # An id that is none was never sent.
        (InvalidRequestError("Said so."), State.REJECTED),
    ],
)
def test_a_refusal_of_a_second_confirm(
    error: SesamyError, state: State
) -> None:
    """It may be the first one that is in the way, and gave access."""
    verdict = judge.not_confirmed(MADE, error, asked=True)
    reason = str(verdict.change.reason)

    assert (state, None) == (verdict.change.state, verdict.trouble)
    assert reason.startswith("Contract c7 was made")
    assert reason.endswith("Said so.")
