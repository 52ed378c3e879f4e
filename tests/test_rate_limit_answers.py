"""Answers correct the bucket: what remains, the rate, and the wait."""

from __future__ import annotations

import pytest

from sesamy_async import Headers, RateLimit
from sesamy_async.core.rate_limit import Bucket
from support.buckets import FAST, LIMIT, came, dues, left, pair, taken


def test_learns_what_remains() -> None:
    """What the server says remains counts, if it is less."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=100), 0.0)
    dues(bucket, 1)
    bucket.answered(0.0, left(2))

    assert [0.0, 0.0, 1.0] == dues(bucket, 3)


def test_what_remains_is_shared() -> None:
    """Those who have a place kept for them have their part."""
    bucket = Bucket(LIMIT, 0.0)
    pair(bucket)
    bucket.answered(0.0, left(1))

    assert [1.0, 2.0] == dues(bucket, 2)


def test_answers_in_another_order() -> None:
    """What the last one says holds for all that were sent before it."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 3)
    for remaining in (0, 2, 1):
        bucket.answered(0.0, left(remaining))

    assert [1.0, 2.0] == dues(bucket, 2)


def test_a_slow_answer() -> None:
    """What came free since it was sent is free."""
    bucket = Bucket(FAST, 0.0)
    dues(bucket, 1)
    bucket.answered(2.0, left(0, limit=240), 1.5)

    assert [2.0, 2.0, 2.25] == dues(bucket, 3, now=2.0)


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

    assert [10.0, 11.0] == dues(bucket, 2)


def test_throttled_with_others_waiting() -> None:
    """They share what comes after the wait, at our pace and in turn."""
    bucket = Bucket(FAST, 0.0)
    dues(bucket, 100)
    first, second = taken(bucket, 2)
    bucket.throttled(0.0, 10.0)
    for place in (first, second):
        assert not came(bucket, place, place.due)

    assert [10.0, 10.25] == [first.due, second.due]
    assert [10.5] == dues(bucket, 1, now=0.5)


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

    assert [10.0] == dues(bucket, 1)


def test_the_longest_block() -> None:
    """No single 429 stops a client for good."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 1)
    bucket.throttled(0.0, 1e9)

    assert [3600.0] == dues(bucket, 1)
