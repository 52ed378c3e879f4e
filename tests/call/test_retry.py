"""Whether a call is sent again, when, and what pays for it."""

from __future__ import annotations

import logging
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
from sesamy_async._call import Quota, Reason, Resend, Retry
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
    error = an_api_error(401)
    error.transient = True
    call = a_call(attempt=4)

    assert Resend(wait=0.0, reason=Reason.RENEWED) == RetryPolicy().decide(
        call, error, 0.9
    )


@pytest.mark.parametrize(
    ("attempt", "resent"), [(1, True), (2, True), (3, False), (4, False)]
)
def test_attempts(attempt: int, resent: bool) -> None:
    """Not more attempts than permitted."""
    policy = RetryPolicy(attempts=3)
    decision = policy.decide(a_call(attempt=attempt), NOT_SENT, 0.5)

    assert resent is (decision is not None)


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


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (an_api_error(429, Retry_After="0"), 0.0),
        (an_api_error(429, Retry_After="300"), 300.0),
        (
            AuthenticationError(
                "x", outcome=Outcome.NOT_SENT, retryable=True, retry_after=9.0
            ),
            9.0,
        ),
    ],
)
def test_asked_wait(error: SesamyError, expected: float) -> None:
    """A wait that is asked for is kept as it is: zero too, beyond cap too."""
    decision = RetryPolicy().decide(a_call(), error, 0.5)

    assert decision
    assert expected == decision.wait


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (Reason.TRANSIENT, 14),
        (Reason.THROTTLED, 5),
        (Reason.RENEWED, 0),
    ],
)
def test_cost(reason: Reason, expected: int) -> None:
    """The costs are those of the AWS standard mode."""
    actual = RetryBudget().cost(reason)

    assert expected == actual


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"attempts": 0},
            "retry.attempts must be a finite number, at least 1;",
        ),
        (
            {"attempts": 2.0},
            "retry.attempts must be a whole number of at least 1.",
        ),
        (
            {"attempts": True},
            "retry.attempts must be a whole number of at least 1.",
        ),
        ({"budget": 5}, "retry.budget must be a RetryBudget, or None."),
        (
            {"resend_unknown": "no"},
            "retry.resend_unknown must be True or False.",
        ),
        ({"base": -1}, "retry.base must be a finite number, at least 0;"),
        ({"base": float("nan")}, "retry.base must be a finite number, at"),
        (
            {"cap": float("inf")},
            "retry.cap must be a finite number, at least 0;",
        ),
        (
            {"longest_wait": -1},
            "retry.longest_wait must be a finite number, at least 0;",
        ),
        ({"cap": "1"}, "retry.cap must be a number, at least 0; got str."),
    ],
)
def test_impossible(changes: dict[str, Any], named: str) -> None:
    """An impossible policy is refused by name, with what is possible."""
    with pytest.raises(ConfigurationError) as caught:
        RetryPolicy(**changes)

    assert str(caught.value.args[0]).startswith(named)


def test_the_least() -> None:
    """One attempt, no waits, and a budget of nothing are possible."""
    budget = RetryBudget(capacity=0, transient=0, throttled=0)
    policy = RetryPolicy(attempts=1, base=0, cap=0, budget=budget)

    assert (1, budget) == (policy.attempts, policy.budget)


@pytest.mark.parametrize("name", ["capacity", "transient", "throttled"])
def test_impossible_budget(name: str) -> None:
    """An impossible budget is refused by name."""
    with pytest.raises(ConfigurationError) as caught:
        RetryBudget(**{name: -1})

    assert (
        f"budget.{name} must be a finite number, at least 0; got -1."
        == caught.value.args[0]
    )


BUDGET = RetryBudget(capacity=28)


def test_spent() -> None:
    """Where the tokens don't suffice, there is no retry."""
    quota = Quota()
    taken = [quota.take(BUDGET, Reason.TRANSIENT) for _ in range(3)]

    assert [True, True, False] == taken


def test_given_back() -> None:
    """A success gives tokens back, and never more than were taken."""
    quota = Quota()
    quota.take(BUDGET, Reason.TRANSIENT)
    quota.give_back(1000)
    taken = [quota.take(BUDGET, Reason.TRANSIENT) for _ in range(3)]

    assert [True, True, False] == taken


def test_given_back_in_part() -> None:
    """One token is no retry yet."""
    quota = Quota()
    quota.take(BUDGET, Reason.TRANSIENT)
    quota.take(BUDGET, Reason.TRANSIENT)
    quota.give_back(13)

    assert not quota.take(BUDGET, Reason.TRANSIENT)

    quota.give_back(1)

    assert quota.take(BUDGET, Reason.TRANSIENT)


def test_renewal_is_free() -> None:
    """A new token costs nothing, even where the budget is spent."""
    quota = Quota()
    quota.take(BUDGET, Reason.TRANSIENT)
    quota.take(BUDGET, Reason.TRANSIENT)

    assert quota.take(BUDGET, Reason.RENEWED)


def test_after_a_fork() -> None:
    """A child can pay, whoever held the lock."""
    quota = Quota()
    quota._lock.acquire()
    _renew()

    assert quota.take(BUDGET, Reason.TRANSIENT)


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


async def test_longest_wait() -> None:
    """A longer wait is not begun, and the error says how long it is."""
    script = Script([an_api_error(429, Retry_After="121"), an_answer()])
    retry = make()
    with pytest.raises(RateLimitError) as caught:
        await retry(a_call(), script)

    assert isinstance(retry.runtime, FakeRuntime)
    assert ([], 121.0) == (retry.runtime.slept, caught.value.retry_after)
    assert (
        "Not sent again: Sesamy asks to wait 121.0 s, more than "
        "retry.longest_wait."
    ) == caught.value.aside


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


@pytest.mark.parametrize("left", [120, 300])
async def test_not_beyond_the_deadline(left: int) -> None:
    """A wait that would not end before the deadline fails and says so."""
    script = Script([an_api_error(429, Retry_After="300"), an_answer()])
    retry = make()
    deadline = retry.runtime.now() + left
    with pytest.raises(RateLimitError) as caught:
        await retry(a_call(deadline=deadline), script)

    assert 1 == len(script.calls)
    assert caught.value.aside == (
        "Not sent again: to wait 300.0 s would pass the deadline."
    )


async def test_budget() -> None:
    """Where the budget is spent, an outage is not amplified."""
    budget = RetryBudget(capacity=28)
    retry = make(RetryPolicy(budget=budget))
    script = Script([refused()])
    with pytest.raises(ConnectionFailedError) as caught:
        await retry(a_call(), script)

    assert 3 == len(script.calls)
    assert caught.value.aside == "Not sent again: the retry budget is spent."


async def test_budget_recovers() -> None:
    """A success after a retry gives back what the retry took."""
    budget = RetryBudget(capacity=14)
    retry = make(RetryPolicy(budget=budget))
    for _ in range(3):
        script = Script([refused(), an_answer()])
        await retry(a_call(), script)

        assert 2 == len(script.calls)


async def test_success_fills_the_budget_slowly() -> None:
    """A success without a retry gives back one token."""
    budget = RetryBudget(capacity=15)
    retry = make(RetryPolicy(budget=budget, attempts=2))
    with pytest.raises(ConnectionFailedError):
        await retry(a_call(), Script([refused()]))
    for _ in range(13):
        await retry(a_call(), Script([an_answer()]))
    script = Script([refused()])
    with pytest.raises(ConnectionFailedError):
        await retry(a_call(), script)

    assert 2 == len(script.calls)


async def test_a_success_gives_back_one_token() -> None:
    """One, not two: an outage is over when it is over."""
    spent = RetryBudget(capacity=26)
    retry = make(RetryPolicy(budget=spent))
    retry.quota.take(spent, Reason.TRANSIENT)
    await retry(a_call(), Script([an_answer()]))

    assert not retry.quota.take(spent, Reason.TRANSIENT)


async def test_a_copy_without_budget_gives_nothing_back() -> None:
    """What it sent again was never paid for."""
    budget = RetryBudget(capacity=27)
    retry = make(RetryPolicy(budget=None))
    retry.quota.take(budget, Reason.TRANSIENT)
    await retry(a_call(), Script([refused(), an_answer()]))

    assert not retry.quota.take(budget, Reason.TRANSIENT)
