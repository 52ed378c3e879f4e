"""Whether a call is sent again, when, and what pays for it."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from sesamy_async import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    DeadlineExceededError,
    InvalidRequestError,
    Outcome,
    OutcomeUnknownError,
    RateLimitError,
    Response,
    RetryBudget,
    RetryPolicy,
    SesamyError,
    UnauthorizedError,
    UnreadableResponseError,
)
from sesamy_async._call import Quota, Retry
from sesamy_async._call.retry import Reason, Resend
from sesamy_async._call.runtime import _renew
from support.exchanges import Script, a_call, an_answer, an_api_error
from support.runtime import FakeRuntime


UNKNOWN = OutcomeUnknownError("?", outcome=Outcome.UNKNOWN)
NOT_SENT = ConnectionFailedError("-", retryable=True)
APPLIED = UnreadableResponseError("!")
SAFE = {"repeatable": True}


@pytest.mark.parametrize(
    ("error", "call", "expected"),
    [
        (NOT_SENT, {}, Reason.TRANSIENT),
        (InvalidRequestError("x"), SAFE, None),
        (ConfigurationError("x"), SAFE, None),
        (AuthenticationError("x"), SAFE, None),
        (
            AuthenticationError("x", outcome=Outcome.NOT_SENT, retryable=True),
            {},
            Reason.TRANSIENT,
        ),
        (UNKNOWN, {}, None),
        (UNKNOWN, SAFE, Reason.TRANSIENT),
        (APPLIED, {}, None),
        (APPLIED, SAFE, Reason.TRANSIENT),
        (
            DeadlineExceededError("x", outcome=Outcome.UNKNOWN),
            SAFE,
            None,
        ),
        (DeadlineExceededError("x", retryable=True), SAFE, None),
        (an_api_error(429), {}, Reason.THROTTLED),
        (an_api_error(400), SAFE, None),
        (an_api_error(401), SAFE, None),
        (an_api_error(403), SAFE, None),
        (an_api_error(404), SAFE, None),
        (an_api_error(409), SAFE, None),
        (an_api_error(408), {}, None),
        (an_api_error(408), SAFE, Reason.TRANSIENT),
        (an_api_error(500), {}, None),
        (an_api_error(503), {}, None),
        (an_api_error(503), SAFE, Reason.TRANSIENT),
        (an_api_error(302), {}, None),
    ],
)
def test_reason(
    error: SesamyError, call: dict[str, Any], expected: Reason | None
) -> None:
    """Only what can't make a second contract is sent again."""
    actual = RetryPolicy().reason(a_call(**call), error)

    assert expected is actual


@pytest.mark.parametrize(
    ("error", "call", "expected"),
    [
        (UNKNOWN, {}, Reason.TRANSIENT),
        (UNKNOWN, {"external_order_id": None}, None),
        (APPLIED, {}, None),
    ],
)
def test_resend_unknown(
    error: SesamyError, call: dict[str, Any], expected: Reason | None
) -> None:
    """On demand, an order is sent again that may not have been done."""
    policy = RetryPolicy(resend_unknown=True)

    assert expected is policy.reason(a_call(**call), error)


def test_renewed() -> None:
    """A 401 is sent again when a new token can be had, at once."""
    policy = RetryPolicy()
    decision = policy.decide(a_call(attempt=4), renewable(), 0.9)

    assert Resend(wait=0.0, reason=Reason.RENEWED) == decision


@pytest.mark.parametrize(
    ("attempt", "chance", "cap", "expected"),
    [
        (1, 0.0, 20.0, 0.0),
        (1, 0.5, 20.0, 0.25),
        (2, 0.5, 20.0, 0.5),
        (3, 0.5, 20.0, 1.0),
        (7, 0.5, 20.0, 10.0),
        (5000, 0.25, 20.0, 5.0),
        # 63 doublings are the most.
        *((attempt, 0.5, 1e300, 2.0**61) for attempt in (64, 65, 5000)),
    ],
)
def test_wait(
    attempt: int, chance: float, cap: float, expected: float
) -> None:
    """Full jitter: a random part of the doubling, capped step."""
    policy = RetryPolicy(attempts=9999, base=0.5, cap=cap)
    decision = policy.decide(a_call(attempt=attempt), NOT_SENT, chance)

    assert decision
    assert expected == decision.wait


def test_asked_wait() -> None:
    """A wait that the token endpoint asks for is kept as it is."""
    error = AuthenticationError(
        "x", outcome=Outcome.NOT_SENT, retryable=True, retry_after=9.0
    )
    decision = RetryPolicy().decide(a_call(), error, 0.5)

    assert Resend(wait=9.0, reason=Reason.TRANSIENT) == decision


@pytest.mark.parametrize(
    ("kind", "changes", "named"),
    [
        (RetryPolicy, {"attempts": 0}, "retry.attempts must be a finite numb"),
        *(
            (
                *(RetryPolicy, {"attempts": value}),
                "retry.attempts must be a whole number of at least 1.",
            )
            for value in (2.0, True)
        ),
        (RetryPolicy, {"budget": 5}, "retry.budget must be a RetryBudget or"),
        (
            *(RetryPolicy, {"resend_unknown": "no"}),
            "retry.resend_unknown must be True or False.",
        ),
        *(
            (
                *(RetryPolicy, {name: value}),
                f"retry.{name} must be a finite number, at least 0;",
            )
            for name in ("base", "cap", "longest_wait")
            for value in (-1, float("nan"))
        ),
        (RetryPolicy, {"cap": "1"}, "retry.cap must be a number, at least 0;"),
        *(
            (
                *(RetryBudget, {name: -1}),
                f"budget.{name} must be a finite number, at least 0; got -1.",
            )
            for name in ("capacity", "transient", "throttled")
        ),
    ],
)
def test_impossible(
    kind: Callable[..., object], changes: dict[str, Any], named: str
) -> None:
    """What is impossible is refused by name, with what is possible."""
    with pytest.raises(ConfigurationError) as caught:
        kind(**changes)

    assert str(caught.value.args[0]).startswith(named)


def test_the_least() -> None:
    """One attempt, no waits, and a budget of nothing are possible."""
    budget = RetryBudget(capacity=0, transient=0, throttled=0)
    policy = RetryPolicy(attempts=1, base=0, cap=0, budget=budget)

    assert (1, budget) == (policy.attempts, policy.budget)


def test_quota() -> None:
    """Each retry has its price, and a success gives no more than is spent.

    The prices are those of the AWS standard mode; a new token is free.
    """
    budget, quota = RetryBudget(capacity=28), Quota()

    assert quota.take(budget, Reason.TRANSIENT)

    quota.give_back(1000)

    assert quota.take(budget, Reason.TRANSIENT)
    assert quota.take(budget, Reason.TRANSIENT)
    assert not quota.take(budget, Reason.TRANSIENT)
    assert quota.take(budget, Reason.RENEWED)

    quota.give_back(4)

    assert not quota.take(budget, Reason.THROTTLED)

    quota.give_back(1)

    assert quota.take(budget, Reason.THROTTLED)


def test_after_a_fork() -> None:
    """A child can pay, whoever held the lock."""
    quota = Quota()
    quota._lock.acquire()
    _renew()

    assert quota.take(RetryBudget(), Reason.TRANSIENT)


def make(policy: RetryPolicy | None = None) -> Retry:
    """Return the middleware in a world whose time is moved by hand."""
    return Retry(policy or RetryPolicy(), Quota(), FakeRuntime())


def refused() -> ConnectionFailedError:
    """Return what a refused connection becomes."""
    return ConnectionFailedError("-", retryable=True)


def lost() -> OutcomeUnknownError:
    """Return what a lost answer becomes."""
    return OutcomeUnknownError("?", outcome=Outcome.UNKNOWN)


def renewable() -> SesamyError:
    """Return a 401 after which a new token can be had."""
    error = an_api_error(401)
    error.transient = True
    return error


@pytest.mark.parametrize(
    ("steps", "facts", "policy", "expected"),
    [
        # What was not sent is sent again, until it is answered.
        ([refused, refused, an_answer], {}, {}, [1, 2, 3]),
        ([refused], {}, {}, [1, 2, 3, 4]),
        # A create whose outcome is unknown is sent once.
        ([lost], {}, {}, [1]),
        # What is harmless to repeat is sent again.
        ([lost, an_answer], {"repeatable": True}, {}, [1, 2]),
        # After a 401 it is sent once more with a new token, never twice,
        # and that is no attempt.
        ([renewable, renewable], {}, {}, [1, 1]),
        ([renewable, refused, renewable, an_answer], {}, {}, [1, 1, 2]),
        (
            [refused, renewable, refused, an_answer],
            {},
            {"attempts": 3},
            [1, 2, 2, 3],
        ),
        # Without a budget only the attempts bound the retries.
        ([refused, an_answer], {}, {"budget": None}, [1, 2]),
    ],
)
async def test_sent_again(
    steps: list[Callable[[], Response | SesamyError]],
    facts: dict[str, Any],
    policy: dict[str, Any],
    expected: list[int],
) -> None:
    """A call is sent until it is answered, as often as is permitted."""
    script = Script([step() for step in steps])
    call = a_call(**facts)
    response: Response | None = None
    with suppress(SesamyError):
        response = await make(RetryPolicy(**policy))(call, script)

    assert expected == [each.attempt for each in script.calls]
    assert (response is None) is (steps[len(expected) - 1 :] != [an_answer])
    assert steps.count(lost) == call.record.lost


async def test_401_of_a_new_token() -> None:
    """Where the new token is not accepted either, to repeat is no help."""
    script = Script([renewable(), renewable()])
    with pytest.raises(UnauthorizedError) as caught:
        await make()(a_call(), script)

    assert caught.value.retryable is False


@pytest.mark.parametrize(
    ("asked", "left", "spent", "aside"),
    [
        (
            *(121, math.inf, 0),
            "Sesamy asks for a wait of 121.0 s, more than retry.longest_wait.",
        ),
        (300, 300, 0, "waiting 300.0 s would exceed the deadline."),
        (100, 100, 0, "waiting 100.0 s would exceed the deadline."),
        (100, 101, 496, "the retry budget is used up."),
    ],
)
async def test_not_sent_again(
    asked: int, left: float, spent: int, aside: str
) -> None:
    """A call that is not sent again says why, and how long to wait."""
    script = Script([an_api_error(429, Retry_After=str(asked)), an_answer()])
    retry = make()
    retry.quota.take(RetryBudget(throttled=spent), Reason.THROTTLED)
    deadline = retry.runtime.now() + left
    with pytest.raises(RateLimitError) as caught:
        await retry(a_call(deadline=deadline), script)

    assert isinstance(retry.runtime, FakeRuntime)
    assert (1, []) == (len(script.calls), retry.runtime.slept)
    assert (asked, f"Not sent again: {aside}") == (
        caught.value.retry_after,
        caught.value.aside,
    )


@pytest.mark.parametrize("asked", [0, 0.25, 3.0, 120.0])
async def test_waits(asked: float) -> None:
    """It waits as the policy says: here as Sesamy asks."""
    script = Script([an_api_error(429, Retry_After=str(asked)), an_answer()])
    retry = make()
    await retry(a_call(), script)

    assert isinstance(retry.runtime, FakeRuntime)
    assert ([asked] if asked else []) == retry.runtime.slept


async def test_tells_of_each_resend(caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG, one line says what ended how, and when it goes again."""
    caplog.set_level(logging.DEBUG, logger="sesamy_async")
    script = Script([an_api_error(429, Retry_After="3"), an_answer()])
    await make()(a_call(), script)

    assert [
        "contracts.create: attempt 1 ended REFUSED; sent again in 3.000s"
    ] == caplog.messages


async def test_budget_recovers() -> None:
    """A success after a retry gives back what the retry took."""
    budget = RetryBudget(capacity=14)
    retry = make(RetryPolicy(budget=budget))
    for _ in range(3):
        script = Script([refused(), an_answer()])
        await retry(a_call(), script)

        assert 2 == len(script.calls)


@pytest.mark.parametrize(
    ("own", "capacity", "enough"),
    [
        # A success without a retry gives back one token, and not two.
        (RetryBudget(), 27, True),
        (RetryBudget(), 26, False),
        # What a copy without a budget sent again was never paid for.
        (None, 27, False),
    ],
)
async def test_given_back(
    own: RetryBudget | None, capacity: int, enough: bool
) -> None:
    """A success gives back tokens, so that the budget recovers slowly."""
    budget = RetryBudget(capacity=capacity)
    retry = make(RetryPolicy(budget=own))
    retry.quota.take(budget, Reason.TRANSIENT)
    steps = [an_answer()] if own else [refused(), an_answer()]
    await retry(a_call(), Script([*steps]))

    assert enough is retry.quota.take(budget, Reason.TRANSIENT)
