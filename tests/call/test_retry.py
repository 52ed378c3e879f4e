"""The one place that sends again."""

from __future__ import annotations

import logging

import pytest

from sesamy_async import (
    ConnectionFailedError,
    Outcome,
    OutcomeUnknownError,
    RateLimitError,
    RetryBudget,
    RetryPolicy,
    SesamyError,
    UnauthorizedError,
)
from sesamy_async._call import Quota, Reason, Retry
from support.exchanges import Script, a_call, an_answer, an_api_error
from support.runtime import FakeRuntime


def make(policy: RetryPolicy | None = None) -> Retry:
    """Return the middleware in a world whose time is moved by hand."""
    return Retry(policy or RetryPolicy(), Quota(), FakeRuntime())


def refused_connection() -> ConnectionFailedError:
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


async def test_recovers() -> None:
    """What was not sent is sent again, until it is answered."""
    script = Script([refused_connection(), refused_connection(), an_answer()])
    await make()(a_call(), script)

    assert [1, 2, 3] == [call.attempt for call in script.calls]


async def test_gives_up() -> None:
    """After the last attempt its error is raised."""
    script = Script([refused_connection()])
    with pytest.raises(ConnectionFailedError):
        await make()(a_call(), script)

    assert 4 == len(script.calls)


async def test_unknown_is_not_sent_again() -> None:
    """A create whose outcome is unknown is sent once."""
    script = Script([lost()])
    with pytest.raises(OutcomeUnknownError):
        await make()(a_call(), script)

    assert 1 == len(script.calls)


async def test_harmless_is_sent_again() -> None:
    """What is harmless to repeat is sent again after a lost answer."""
    script = Script([lost(), an_answer()])
    call = a_call(repeatable=True)
    await make()(call, script)

    assert (2, 1) == (len(script.calls), call.record.lost)


async def test_401_once() -> None:
    """After a 401 it is sent once more with a new token, never twice."""
    script = Script([renewable(), renewable()])
    with pytest.raises(UnauthorizedError):
        await make()(a_call(), script)

    assert 2 == len(script.calls)


async def test_401_of_a_new_token() -> None:
    """Where the new token is not accepted either, to repeat is no help."""
    script = Script([renewable(), renewable()])
    with pytest.raises(UnauthorizedError) as caught:
        await make()(a_call(), script)

    assert caught.value.retryable is False


async def test_401_once_in_a_call() -> None:
    """A second one is the last, whatever was between them."""
    script = Script(
        [renewable(), refused_connection(), renewable(), an_answer()]
    )
    with pytest.raises(UnauthorizedError):
        await make()(a_call(), script)

    assert [1, 1, 2] == [call.attempt for call in script.calls]


async def test_401_beside_other_retries() -> None:
    """The resend after a 401 is no attempt, and waits for nothing."""
    script = Script(
        [refused_connection(), renewable(), refused_connection(), an_answer()]
    )
    retry = make(RetryPolicy(attempts=3))
    await retry(a_call(), script)

    assert [1, 2, 2, 3] == [call.attempt for call in script.calls]


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


@pytest.mark.parametrize("asked", [0.25, 3.0, 120.0])
async def test_waits(asked: float) -> None:
    """It waits as the policy says: here as Sesamy asks."""
    script = Script([an_api_error(429, Retry_After=str(asked)), an_answer()])
    retry = make()
    await retry(a_call(), script)

    assert isinstance(retry.runtime, FakeRuntime)
    assert [asked] == retry.runtime.slept


async def test_tells_of_each_resend(caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG, one line says what ended how, and when it goes again."""
    caplog.set_level(logging.DEBUG, logger="sesamy_async")
    script = Script([an_api_error(429, Retry_After="3"), an_answer()])
    await make()(a_call(), script)

    assert [
        "contracts.create: attempt 1 ended REFUSED; sent again in 3.000s"
    ] == caplog.messages


async def test_no_wait() -> None:
    """A wait of zero is none."""
    script = Script([an_api_error(429, Retry_After="0"), an_answer()])
    retry = make()
    await retry(a_call(), script)

    assert isinstance(retry.runtime, FakeRuntime)
    assert [] == retry.runtime.slept


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
    script = Script([refused_connection()])
    with pytest.raises(ConnectionFailedError) as caught:
        await retry(a_call(), script)

    assert 3 == len(script.calls)
    assert caught.value.aside == "Not sent again: the retry budget is spent."


async def test_budget_recovers() -> None:
    """A success after a retry gives back what the retry took."""
    budget = RetryBudget(capacity=14)
    retry = make(RetryPolicy(budget=budget))
    for _ in range(3):
        script = Script([refused_connection(), an_answer()])
        await retry(a_call(), script)

        assert 2 == len(script.calls)


async def test_success_fills_the_budget_slowly() -> None:
    """A success without a retry gives back one token."""
    budget = RetryBudget(capacity=15)
    retry = make(RetryPolicy(budget=budget, attempts=2))
    with pytest.raises(ConnectionFailedError):
        await retry(a_call(), Script([refused_connection()]))
    for _ in range(13):
        await retry(a_call(), Script([an_answer()]))
    script = Script([refused_connection()])
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
    await retry(a_call(), Script([refused_connection(), an_answer()]))

    assert not retry.quota.take(budget, Reason.TRANSIENT)


async def test_without_budget() -> None:
    """Without a budget only the attempts bound the retries."""
    retry = make(RetryPolicy(budget=None))
    script = Script([refused_connection(), an_answer()])
    await retry(a_call(), script)

    assert 2 == len(script.calls)
