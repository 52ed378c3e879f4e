"""Answers correct the bucket: what remains, the rate, and the wait."""

from __future__ import annotations

import pytest

from sesamy_async import Headers, RateLimit
from sesamy_async.core.rate_limit import Bucket
from support.buckets import FAST, LIMIT, dues, left


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


def test_the_longest_block() -> None:
    """No single 429 stops a client for good."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 1)
    bucket.throttled(0.0, 1e9)

    assert 3600.0 == bucket.blocked(0.0)
