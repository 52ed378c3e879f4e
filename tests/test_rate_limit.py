"""The bucket: how many may go, and when."""

from __future__ import annotations

from typing import Any

import pytest

from sesamy_async import ConfigurationError, Headers, RateLimit
from sesamy_async.core.rate_limit import Bucket


INF = float("inf")
LIMIT = RateLimit(requests=60, per=60, burst=3)  # One a second.


FAST = RateLimit(requests=240, per=60, burst=100)  # Four a second.


def left(remaining: float, limit: float = 60) -> Headers:
    """Return headers that say what remains."""
    return Headers(
        {
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Limit": str(limit),
        }
    )


def dues(bucket: Bucket, count: int, now: float = 0.0) -> list[float | None]:
    """Reserve so many places."""
    return [bucket.reserve(now, INF) for _ in range(count)]


def test_burst_then_pace() -> None:
    """The burst goes at once, the rest one after the other."""
    bucket = Bucket(LIMIT, 0.0)

    assert [0.0, 0.0, 0.0, 1.0, 2.0] == dues(bucket, 5)


def test_refilled() -> None:
    """A rest refills the bucket, up to the burst."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 3)

    assert [100.0, 100.0, 100.0, 101.0] == dues(bucket, 4, now=100.0)


def test_refilled_in_part() -> None:
    """Half a second gains half a place."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 3)

    assert [1.0] == dues(bucket, 1, now=0.5)


def test_another_pace() -> None:
    """Four a second are a quarter of a second apart, and gain as fast."""
    bucket = Bucket(FAST, 0.0)
    dues(bucket, 100)

    assert [0.25, 0.5] == dues(bucket, 2)
    assert [2.0] * 6 + [2.25] == dues(bucket, 7, now=2.0)


def test_too_late() -> None:
    """A place that comes too late is not taken."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 3)

    assert None is bucket.reserve(0.0, latest=0.9)
    assert 1.0 == bucket.reserve(0.0, latest=1.0)


def test_cancelled() -> None:
    """A place that was given back is taken by the next."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 4)
    bucket.cancel()

    assert [1.0] == dues(bucket, 1)


def test_what_was_given_back_no_longer_counts() -> None:
    """Of three on their way two are left: one is given back, one answered."""
    bucket = Bucket(FAST, 0.0)
    dues(bucket, 4)
    bucket.cancel()
    bucket.answered(0.0, left(4))

    # Two of the four that remain are for those on their way.
    assert [0.0, 0.0, 1.0] == dues(bucket, 3)


def test_learns_what_remains() -> None:
    """What the server says remains counts, if it is less."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=100), 0.0)
    dues(bucket, 1)
    bucket.answered(0.0, left(2))

    assert [0.0, 0.0, 1.0] == dues(bucket, 3)


def test_what_remains_is_shared() -> None:
    """Requests that the server has not counted yet are taken off."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=100), 0.0)
    dues(bucket, 3)
    bucket.answered(0.0, left(3))

    assert [0.0, 1.0] == dues(bucket, 2)


def test_more_is_not_believed() -> None:
    """A server that says more remains does not raise our own count."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 3)
    bucket.answered(0.0, left(50))

    assert [1.0] == dues(bucket, 1)


def test_a_lower_rate_is_believed() -> None:
    """A lower X-RateLimit-Limit slows the pace."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 3)
    bucket.answered(0.0, left(0, limit=30))

    assert 0.5 == bucket.rate


def test_the_lowest_rate() -> None:
    """One request in the window is the least that can be a limit."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 1)
    bucket.answered(0.0, left(3, limit=1))

    assert 1 / 60 == bucket.rate


def test_available_while_blocked() -> None:
    """A block of no cost to the balance is a block all the same."""
    bucket = Bucket(FAST, 0.0)
    dues(bucket, 1)
    bucket.throttled(0.0, 1.0)
    bucket.cancel()
    for _ in range(9):
        bucket.cancel()

    assert 0.0 == bucket.available(0.5)
    assert 0.0 < bucket.available(1.0)


@pytest.mark.parametrize("limit", ["500", "0", "1e-323", "0.9", "nan", "soon"])
def test_another_limit_is_not(limit: str) -> None:
    """A higher limit may be the burst; an absurd one is none."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 1)
    bucket.answered(0.0, Headers({"X-RateLimit-Limit": limit}))

    assert 1.0 == bucket.rate


def test_throttled() -> None:
    """After a 429 nothing goes before its wait is over, then in turn."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 1)
    bucket.throttled(0.0, 10.0)

    assert 10.0 == bucket.blocked(0.0)
    assert 4.0 == bucket.blocked(6.0)
    assert 0.0 == bucket.blocked(10.0)
    assert [10.0, 11.0] == dues(bucket, 2)


def test_throttled_with_others_on_their_way() -> None:
    """They share what comes after the wait, at our pace."""
    bucket = Bucket(FAST, 0.0)
    dues(bucket, 4)
    bucket.throttled(0.0, 10.0)

    assert [10.75, 11.0] == dues(bucket, 2)


def test_throttled_after_a_loss() -> None:
    """Its own place is given back, and not that of the lost one."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=1), 0.0)
    dues(bucket, 2)
    bucket.lost()
    bucket.throttled(0.0, 0.0)

    assert [1.0] == dues(bucket, 1)


def test_throttled_at_zero() -> None:
    """A wait of zero is a wait of zero."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 1)
    bucket.throttled(0.0, 0.0)

    assert [0.0, 1.0] == dues(bucket, 2)


def test_throttled_together() -> None:
    """Several 429 at once cost no more than one."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=100), 0.0)
    dues(bucket, 10)
    for _ in range(10):
        bucket.throttled(0.0, 5.0)

    assert [5.0, 6.0, 7.0] == dues(bucket, 3)


def test_the_longest_block_counts() -> None:
    """A later 429 with a shorter wait does not shorten the block."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 2)
    bucket.throttled(0.0, 10.0)
    bucket.throttled(0.0, 1.0)

    assert 10.0 == bucket.blocked(0.0)


def test_lost() -> None:
    """A request without an answer keeps its place, and no longer counts."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=100), 0.0)
    dues(bucket, 4)
    bucket.lost()
    bucket.answered(0.0, left(3))

    # Two of the three that remain are for those on their way.
    assert [0.0, 1.0] == dues(bucket, 2)


def test_time_does_not_run_backwards() -> None:
    """An older time neither gains nor loses anything."""
    bucket = Bucket(LIMIT, 10.0)
    dues(bucket, 3, now=10.0)
    bucket.answered(5.0, Headers())

    assert [11.0] == dues(bucket, 1, now=10.0)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"requests": 0}, "rate_limit.requests must be a finite number, more"),
        ({"per": 0}, "rate_limit.per must be a finite number, more than 0;"),
        (
            {"per": "60"},
            "rate_limit.per must be a number, more than 0; got str.",
        ),
        (
            {"burst": 0.5},
            "rate_limit.burst must be a finite number, at least 1;",
        ),
        ({"requests": 5e-324, "per": 1e308}, "rate_limit.requests / per"),
        ({"requests": 1e308, "per": 1e-308}, "rate_limit.requests / per"),
    ],
)
def test_impossible(changes: dict[str, Any], named: str) -> None:
    """An impossible pace is refused by name, with what is possible."""
    with pytest.raises(ConfigurationError) as caught:
        RateLimit(**changes)

    assert str(caught.value.args[0]).startswith(named)


def test_the_least() -> None:
    """A burst of one is a plain pace."""
    bucket = Bucket(RateLimit(requests=0.5, per=0.5, burst=1), 0.0)

    assert [0.0, 1.0] == dues(bucket, 2)


def test_the_longest_block() -> None:
    """No single 429 stops a client for good."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 1)
    bucket.throttled(0.0, 1e9)

    assert 3600.0 == bucket.blocked(0.0)


def test_after_a_fork() -> None:
    """A child can pace, whoever held the lock, and owes no answers."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=100), 0.0)
    dues(bucket, 5)
    bucket._lock.acquire()
    bucket.after_fork()
    dues(bucket, 1)
    bucket.answered(0.0, left(2))

    assert [0.0, 0.0, 1.0] == dues(bucket, 3)


def test_available() -> None:
    """What is left of the burst, refilled; nothing while it is blocked."""
    bucket = Bucket(LIMIT, 0.0)
    full = bucket.available(0.0)
    dues(bucket, 5)
    spent, rested = bucket.available(0.0), bucket.available(4.0)
    bucket.lost()
    bucket.throttled(4.0, 10.0)

    assert (3.0, 0.0, 2.0) == (full, spent, rested)
    assert 0.0 == bucket.available(13.0)
