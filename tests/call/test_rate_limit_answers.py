"""Answers correct the bucket: what remains, the rate, and the wait."""

from __future__ import annotations

import pytest

from sesamy_async import Headers, RateLimit
from sesamy_async._call import Bucket, Record
from support.buckets import (
    FAST,
    INF,
    LIMIT,
    came,
    completing,
    dues,
    left,
    pair,
    taken,
)


def test_learns_what_remains() -> None:
    """What the server says remains counts, if it is less."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=100), 0.0)
    places = taken(bucket, 1)
    bucket.answered(places.pop(0), 0.0, left(2))

    assert [0.0, 0.0, 1.0] == dues(bucket, 3)


def test_what_was_given_back_no_longer_counts() -> None:
    """Of three on their way two are left: one is given back, one answered."""
    bucket = Bucket(FAST, 0.0)
    first, *_, last = taken(bucket, 4)
    bucket.cancel(last)
    bucket.answered(first, 0.0, left(4))

    # Two of the four that remain are for those on their way.
    assert [0.0, 0.0, 1.0] == dues(bucket, 3)


def test_what_remains_is_shared() -> None:
    """Requests that the server has not counted yet are taken off."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=100), 0.0)
    first, *_ = taken(bucket, 3)
    bucket.answered(first, 0.0, left(3))

    assert [0.0, 1.0] == dues(bucket, 2)


def test_what_remains_is_shared_with_those_who_wait() -> None:
    """Those who wait, or have a place kept for them, have their part."""
    bucket = Bucket(LIMIT, 0.0)
    begun = pair(bucket)
    dues(bucket, 2)
    bucket.answered(begun, 0.0, left(2))

    assert [2.0] == dues(bucket, 1)


@pytest.mark.parametrize(
    ("began", "counted"),
    [
        ([1.0, None, None], 0),  # They are not sent yet.
        ([1.0, 1.1, 1.2], 0),  # Later.
        ([1.0, 0.8, 1.2], 1),
        ([1.0, 0.8, 0.9], 2),  # Before it.
        ([1.0, 1.0, 1.0], 2),  # At the same time.
        ([None, 1.0, None], 1),  # Nobody knows.
    ],
)
def test_who_was_counted(began: list[float | None], counted: int) -> None:
    """Those that were sent later than what is answered are taken off."""
    bucket = Bucket(FAST, 0.0)
    records = [Record() for _ in began]
    places = [bucket.reserve(0.0, INF, record=each) for each in records]
    for record, at in zip(records, began, strict=True):
        record.began = at
    assert places[0] is not None
    bucket.answered(places[0], 0.0, left(2))

    assert counted == bucket.available(0.0)


def test_what_is_kept_is_not_put_off_by_precaution() -> None:
    """Those that may be counted are not taken off for a kept place."""
    bucket = Bucket(LIMIT, 0.0)
    begun = pair(bucket)
    pair(bucket)
    bucket.answered(begun, 0.0, left(1))

    assert 0.0 == completing(bucket, kept=begun).due
    assert 3.0 == completing(bucket).due


def test_what_is_kept_follows_the_answers() -> None:
    """If nothing remains, then nothing is there for a kept place."""
    bucket = Bucket(LIMIT, 0.0)
    begun = pair(bucket)
    bucket.answered(begun, 0.0, left(0))

    assert 1.0 == completing(bucket, kept=begun).due


def test_sent_long_after_its_turn() -> None:
    """Until a full bucket is really used, nothing comes free in it."""
    bucket = Bucket(FAST, 0.0)
    records = [Record() for _ in range(10)]
    places = [bucket.reserve(0.25, INF, record=each) for each in records]
    for record in records:
        record.began = 0.5
    for place in places:
        assert place is not None
        bucket.answered(place, 0.5, Headers())

    assert 90.0 == bucket.available(0.5) == bucket._likely


def test_what_remains_counts_from_then() -> None:
    """What came free before an answer is in it."""
    bucket = Bucket(LIMIT, 0.0)
    *_, last = taken(bucket, 1)
    bucket.answered(last, 5.0, left(0))

    assert [6.0] == dues(bucket, 1, now=5.0)


def test_a_throttling_counts_from_then() -> None:
    """What came free before a 429 is gone."""
    bucket = Bucket(LIMIT, 0.0)
    first, *_ = taken(bucket, 3)
    bucket.throttled(first, 5.0, 10.0)

    assert [17.0] == dues(bucket, 1, now=5.0)


def test_throttled_when_more_is_owed() -> None:
    """A 429 gives back its own place, and no more."""
    bucket = Bucket(LIMIT, 0.0)
    first, _, last = taken(bucket, 3)
    bucket.answered(first, 0.0, left(0))
    likely = bucket._likely
    bucket.throttled(last, 0.0, 0.0)

    assert [2.0] == dues(bucket, 1)
    assert (0.0, 1.0) == (likely, bucket._likely)


def test_more_is_not_believed() -> None:
    """A server that says more remains does not raise our own count."""
    bucket = Bucket(LIMIT, 0.0)
    places = taken(bucket, 3)
    bucket.answered(places.pop(0), 0.0, left(50))

    assert [1.0] == dues(bucket, 1)


def test_a_lower_rate_is_believed() -> None:
    """A lower X-RateLimit-Limit slows the pace."""
    bucket = Bucket(LIMIT, 0.0)
    places = taken(bucket, 3)
    bucket.answered(places.pop(0), 0.0, left(0, limit=30))

    assert 0.5 == bucket.rate


def test_the_lowest_rate() -> None:
    """One request in the window is the least that can be a limit."""
    bucket = Bucket(LIMIT, 0.0)
    places = taken(bucket, 1)
    bucket.answered(places.pop(0), 0.0, left(3, limit=1))

    assert 1 / 60 == bucket.rate


@pytest.mark.parametrize("limit", ["500", "0", "1e-323", "0.9", "nan", "soon"])
def test_another_limit_is_not(limit: str) -> None:
    """A higher limit may be the burst; an absurd one is none."""
    bucket = Bucket(LIMIT, 0.0)
    places = taken(bucket, 1)
    bucket.answered(places.pop(0), 0.0, Headers({"X-RateLimit-Limit": limit}))

    assert 1.0 == bucket.rate


def test_throttled() -> None:
    """After a 429 nothing goes before its wait is over, then in turn."""
    bucket = Bucket(LIMIT, 0.0)
    places = taken(bucket, 1)
    bucket.throttled(places.pop(0), 0.0, 10.0)

    assert [10.0, 11.0] == dues(bucket, 2)


def test_throttled_with_others_on_their_way() -> None:
    """They share what comes after the wait, at our pace."""
    bucket = Bucket(FAST, 0.0)
    first, *_ = taken(bucket, 4)
    bucket.throttled(first, 0.0, 10.0)

    assert [10.75, 11.0] == dues(bucket, 2)


def test_throttled_with_others_waiting() -> None:
    """They share what comes after the wait, too, and in turn."""
    bucket = Bucket(RateLimit(requests=240, per=60, burst=1), 0.0)
    sent, first, second = taken(bucket, 3)
    bucket.throttled(sent, 0.0, 10.0)
    for place in (first, second):
        assert not came(bucket, place, place.due)

    assert [10.0, 10.25] == [first.due, second.due]
    assert [10.5] == dues(bucket, 1, now=0.5)


def test_throttled_after_a_loss() -> None:
    """One that was lost no longer has to share what comes after it."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=100), 0.0)
    first, _, last = taken(bucket, 3)
    bucket.lost(last)
    bucket.throttled(first, 0.0, 10.0)

    assert [11.0] == dues(bucket, 1)


def test_throttled_with_a_place_kept() -> None:
    """It waits as long as the others, but not for them."""
    bucket = Bucket(FAST, 0.0)
    begun, other = pair(bucket), pair(bucket)
    dues(bucket, 3)
    bucket.throttled(begun, 0.0, 10.0)

    assert 10.0 == completing(bucket, kept=begun).due
    assert 10.25 == completing(bucket, kept=other).due


def test_lost() -> None:
    """A request without an answer keeps its place, and no longer counts."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=100), 0.0)
    first, second, *_ = taken(bucket, 4)
    bucket.lost(first)
    bucket.answered(second, 0.0, left(3))

    # Two of the three that remain are for those on their way.
    assert [0.0, 1.0] == dues(bucket, 2)


def test_throttled_at_zero() -> None:
    """A wait of zero is a wait of zero."""
    bucket = Bucket(LIMIT, 0.0)
    places = taken(bucket, 1)
    bucket.throttled(places.pop(0), 0.0, 0.0)

    assert [0.0, 1.0] == dues(bucket, 2)


def test_throttled_together() -> None:
    """Several 429 at once cost no more than one."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=100), 0.0)
    places = taken(bucket, 10)
    for _ in range(10):
        bucket.throttled(places.pop(0), 0.0, 5.0)

    assert [5.0, 6.0, 7.0] == dues(bucket, 3)


def test_the_longest_block_counts() -> None:
    """A later 429 with a shorter wait does not shorten the block."""
    bucket = Bucket(LIMIT, 0.0)
    places = taken(bucket, 2)
    bucket.throttled(places.pop(0), 0.0, 10.0)
    bucket.throttled(places.pop(0), 0.0, 1.0)

    assert [10.0] == dues(bucket, 1)


def test_the_longest_block() -> None:
    """No single 429 stops a client for good."""
    bucket = Bucket(LIMIT, 0.0)
    places = taken(bucket, 1)
    bucket.throttled(places.pop(0), 0.0, 1e9)

    assert [3600.0] == dues(bucket, 1)
