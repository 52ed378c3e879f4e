"""What is sent again: pure decisions."""

from __future__ import annotations

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
    RetryBudget,
    RetryPolicy,
    SesamyError,
    UnreadableResponseError,
)
from sesamy_async._call import Reason, Resend
from support.exchanges import a_call, an_api_error


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


def test_resend_unknown() -> None:
    """On demand, a create with an unknown outcome is sent again."""
    policy = RetryPolicy(resend_unknown=True)

    assert Reason.TRANSIENT is policy.reason(a_call(), UNKNOWN)


def test_resend_unknown_is_about_orders() -> None:
    """A call without an order is not covered by resend_unknown."""
    policy = RetryPolicy(resend_unknown=True)
    call = a_call(external_order_id=None)

    assert None is policy.reason(call, UNKNOWN)


def test_resend_unknown_is_not_about_applied() -> None:
    """What was done for certain is not sent again."""
    policy = RetryPolicy(resend_unknown=True)

    assert None is policy.reason(a_call(), APPLIED)


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
    ("attempt", "chance", "expected"),
    [
        (1, 0.0, 0.0),
        (1, 0.5, 0.25),
        (2, 0.5, 0.5),
        (3, 0.5, 1.0),
        (7, 0.5, 10.0),
        (5000, 0.25, 5.0),
    ],
)
def test_wait(attempt: int, chance: float, expected: float) -> None:
    """Full jitter: a random part of the doubling, capped step."""
    policy = RetryPolicy(attempts=9999, base=0.5, cap=20.0)
    decision = policy.decide(a_call(attempt=attempt), NOT_SENT, chance)

    assert decision
    assert expected == decision.wait


@pytest.mark.parametrize("attempt", [64, 65, 5000])
def test_the_longest_wait(attempt: int) -> None:
    """Without a cap to speak of, 63 doublings are the most."""
    policy = RetryPolicy(attempts=9999, base=1.0, cap=1e300)
    decision = policy.decide(a_call(attempt=attempt), NOT_SENT, 0.5)

    assert decision
    assert 2.0**62 == decision.wait


def test_asked_wait_of_the_token_endpoint() -> None:
    """A wait that the token endpoint names is kept too."""
    error = AuthenticationError(
        "x", outcome=Outcome.NOT_SENT, retryable=True, retry_after=9.0
    )
    decision = RetryPolicy().decide(a_call(), error, 0.5)

    assert decision
    assert 9.0 == decision.wait


@pytest.mark.parametrize("asked", ["0", "7", "300"])
def test_asked_wait(asked: str) -> None:
    """A wait that Sesamy names is kept as it is: zero too, beyond cap too."""
    error = an_api_error(429, Retry_After=asked)
    decision = RetryPolicy().decide(a_call(), error, 0.5)

    assert decision
    assert float(asked) == decision.wait


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
