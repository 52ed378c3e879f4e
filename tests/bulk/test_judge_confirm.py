"""What the end of a confirm means for an order of an import."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sesamy_async import (
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ConnectionFailedError,
    InvalidRequestError,
    NotFoundError,
    Outcome,
    OutcomeUnknownError,
    RateLimitError,
    ServerError,
    SesamyError,
    UnauthorizedError,
    UnreadableResponseError,
)
from sesamy_async.bulk import Cause, Change, Entry, State, Trouble, Verdict
from sesamy_async.bulk import _judge as judge
from support.ends import api, kept, tried


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


def cant_be_named(error: SesamyError) -> Change:
    """Return what becomes of one whose id can't be sent."""
    del error
    return CANT_BE_NAMED


def test_confirmed() -> None:
    """A confirm that is answered gives access."""
    change = Change(row=7, state=State.CONFIRMED)

    assert Verdict(change=change, calls=2) == judge.confirmed(MADE, calls=2)


def test_confirmed_but_unreadable() -> None:
    """What is Sesamy's own says that it is confirmed, though it is cut."""
    error = tried(UnreadableResponseError("Said so."))
    verdict = judge.not_confirmed(MADE, error, asked=False)
    change = Change(row=7, state=State.CONFIRMED)

    assert Verdict(change=change, calls=3) == verdict


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
    said = kept(error)

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
    ],
)
def test_a_refused_confirm(error: SesamyError) -> None:
    """A contract that can't be confirmed is named, and is a stray."""
    verdict = judge.not_confirmed(MADE, tried(error), asked=False)

    assert (
        Verdict(change=gives_no_access(error), calls=3, said="Sesamy's words.")
        == verdict
    )


def test_an_id_that_cant_be_sent() -> None:
    """It may be megabytes long, so no reason holds it."""
    error = InvalidRequestError("Said so.")
    verdict = judge.not_confirmed(MADE, tried(error), asked=False)

    assert Verdict(change=CANT_BE_NAMED, calls=3) == verdict


@pytest.mark.parametrize(
    ("error", "change"),
    [
        (api(BadRequestError, 400), may_give_access),
        (api(NotFoundError, 404), may_give_access),
        (api(ConflictError, 409), may_give_access),
        # An id that is none was never sent.
        (InvalidRequestError("Said so."), cant_be_named),
    ],
)
def test_a_refusal_of_a_second_confirm(
    error: SesamyError, change: Callable[[SesamyError], Change]
) -> None:
    """It may be the first one that is in the way, and gave access."""
    verdict = judge.not_confirmed(MADE, tried(error), asked=True)

    assert Verdict(change=change(error), calls=3) == verdict
