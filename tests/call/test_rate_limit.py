"""The bucket paces calls after a burst: how many may go, and when."""

from __future__ import annotations

from typing import Any

import pytest

from sesamy_async import ConfigurationError, Headers, RateLimit
from sesamy_async._call import Bucket
from support.buckets import FAST, LIMIT, dues, left, taken


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

    late = bucket.reserve(0.0, latest=0.9)
    place = bucket.reserve(0.0, latest=1.0)

    assert None is late
    assert place is not None
    assert 1.0 == place.due


def test_cancelled() -> None:
    """A place that was given back is taken by the next."""
    bucket = Bucket(LIMIT, 0.0)
    *_, last = taken(bucket, 4)
    bucket.cancel(last)

    assert [1.0] == dues(bucket, 1)


def test_available_while_blocked() -> None:
    """A part of a request that is free during a block can't be had."""
    bucket = Bucket(FAST, 0.0)
    bucket.throttled(taken(bucket, 1)[0], 0.0, 1.0)

    assert 0.0 == bucket.available(0.9)
    assert 1.0 == bucket.available(1.0)


def test_time_does_not_run_backwards() -> None:
    """An older time neither gains nor loses anything."""
    bucket = Bucket(LIMIT, 10.0)
    first, *_ = taken(bucket, 3, now=10.0)
    bucket.answered(first, 5.0, Headers())

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


def test_after_a_fork() -> None:
    """A child can pace, whoever held the lock, and owes no answers."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=100), 0.0)
    dues(bucket, 5)
    bucket._lock.acquire()
    bucket.after_fork()
    (place,) = taken(bucket, 1)
    bucket.answered(place, 0.0, left(2))

    assert [0.0, 0.0, 1.0] == dues(bucket, 3)


def test_available() -> None:
    """What is left of the burst for others; nothing while it is blocked."""
    bucket = Bucket(LIMIT, 0.0)
    full = bucket.available(0.0)
    first, *_ = taken(bucket, 5)
    spent, rested = bucket.available(0.0), bucket.available(4.0)
    bucket.throttled(first, 4.0, 10.0)

    assert (3.0, 0.0, 1.0) == (full, spent, rested)
    assert 0.0 == bucket.available(13.0)
