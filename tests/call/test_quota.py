"""The retry budget of a client."""

from __future__ import annotations

from sesamy_async import RetryBudget
from sesamy_async._call import Quota, Reason
from sesamy_async._call.runtime import _renew


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
