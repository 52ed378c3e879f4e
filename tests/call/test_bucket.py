"""The bucket: how many calls may go, and when; what answers change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sesamy_async import ConfigurationError, RateLimit
from sesamy_async._call import Record
from support.buckets import (
    FAST,
    INF,
    LIMIT,
    Bucket,
    Reservation,
    came,
    completing,
    dues,
    left,
    limited,
    pair,
    taken,
)


WIDE = RateLimit(requests=60, per=60, burst=100)  # One a second.
Places = list[Reservation]


def nothing(bucket: Bucket, places: Places) -> None:
    """Change nothing."""
    del bucket, places


def lost(bucket: Bucket, places: Places) -> None:
    """The first has no answer, the second one leaves three."""
    bucket.answered(places[0], 0.0)
    bucket.answered(places[1], 0.0, **left(3))


def given_back(bucket: Bucket, places: Places) -> None:
    """The last was not sent, the first one leaves four."""
    bucket.unsent(places[-1])
    bucket.answered(places[0], 0.0, **left(4))


def throttled_after_a_loss(bucket: Bucket, places: Places) -> None:
    """The last one has no answer, the first gets a 429."""
    bucket.answered(places[-1], 0.0)
    bucket.throttled(places[0], 0.0, 10.0)


def throttled_all(*waits: float) -> Callable[[Bucket, Places], None]:
    """Each of the first gets a 429 with its wait."""

    def throttle(bucket: Bucket, places: Places) -> None:
        for place, wait in zip(places, waits, strict=False):
            bucket.throttled(place, 0.0, wait)

    return throttle


@pytest.mark.parametrize(
    ("limit", "before", "event", "now", "expected"),
    [
        # The burst goes at once, the rest one after the other.
        (LIMIT, 0, nothing, 0.0, [0.0, 0.0, 0.0, 1.0, 2.0]),
        (FAST, 100, nothing, 0.0, [0.25, 0.5]),
        (
            RateLimit(requests=0.5, per=0.5, burst=1),
            *(0, nothing, 0.0, [0.0, 1.0]),
        ),
        # A rest refills the bucket, up to the burst.
        (LIMIT, 3, nothing, 100.0, [100.0, 100.0, 100.0, 101.0]),
        (LIMIT, 3, nothing, 0.5, [1.0]),
        (FAST, 102, nothing, 2.0, [2.0] * 6 + [2.25]),
        # A place that waited and was given back is taken by the next.
        (
            *(LIMIT, 4),
            lambda bucket, places: bucket.unsent(places[3]),
            *(0.0, [1.0]),
        ),
        # What the server says remains counts, if it is less.
        (
            *(WIDE, 1),
            lambda bucket, places: bucket.answered(places[0], 0.0, **left(2)),
            *(0.0, [0.0, 0.0, 1.0]),
        ),
        (
            *(LIMIT, 3),
            lambda bucket, places: bucket.answered(places[0], 0.0, **left(50)),
            *(0.0, [1.0]),
        ),
        # Requests that the server has not counted yet are taken off.
        (
            *(WIDE, 3),
            lambda bucket, places: bucket.answered(places[0], 0.0, **left(3)),
            *(0.0, [0.0, 1.0]),
        ),
        # Two of the four, or three, that remain are for those on their way.
        (FAST, 4, given_back, 0.0, [0.0, 0.0, 1.0]),
        (WIDE, 4, lost, 0.0, [0.0, 1.0]),
        # What came free before an answer is in it, and gone with a 429.
        (
            *(LIMIT, 1),
            lambda bucket, places: bucket.answered(places[0], 5.0, **left(0)),
            *(5.0, [6.0]),
        ),
        (
            *(LIMIT, 3),
            lambda bucket, places: bucket.throttled(places[0], 5.0, 10.0),
            *(5.0, [17.0]),
        ),
        # An older time neither gains nor loses anything.
        (
            *(LIMIT, 3),
            lambda bucket, places: bucket.answered(
                places[0], -5.0, **left(50)
            ),
            *(0.0, [1.0]),
        ),
        # After a 429 nothing goes before its wait is over, then in turn;
        # those on their way share what comes after it.
        (LIMIT, 1, throttled_all(10.0), 0.0, [10.0, 11.0]),
        (LIMIT, 1, throttled_all(0.0), 0.0, [0.0, 1.0]),
        (FAST, 4, throttled_all(10.0), 0.0, [10.75, 11.0]),
        (WIDE, 3, throttled_after_a_loss, 0.0, [11.0]),
        # Several 429 cost no more than one, and the longest wait counts.
        (WIDE, 10, throttled_all(*[5.0] * 10), 0.0, [5.0, 6.0, 7.0]),
        (LIMIT, 2, throttled_all(10.0, 1.0), 0.0, [10.0]),
        # No single 429 stops a client for good.
        (LIMIT, 1, throttled_all(1e9), 0.0, [3600.0]),
    ],
)
def test_when(
    limit: RateLimit,
    before: int,
    event: Callable[[Bucket, Places], None],
    now: float,
    expected: list[float],
) -> None:
    """After so many requests and an event, the next ones are due then."""
    bucket = Bucket(limit, 0.0)
    event(bucket, taken(bucket, before))

    assert expected == dues(bucket, len(expected), now=now)


def test_too_late() -> None:
    """A place that comes too late is not taken."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 3)

    late = bucket.reserve(0.0, latest=0.9)
    place = bucket.reserve(0.0, latest=1.0)

    assert None is late
    assert place is not None
    assert 1.0 == place.due


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


def test_after_a_fork() -> None:
    """A child can pace, whoever held the lock, and owes no answers."""
    bucket = Bucket(WIDE, 0.0)
    dues(bucket, 5)
    bucket._lock.acquire()
    bucket.after_fork()
    (place,) = taken(bucket, 1)
    bucket.answered(place, 0.0, **left(2))

    assert [0.0, 0.0, 1.0] == dues(bucket, 3)


def test_available() -> None:
    """What is left of the burst for others; nothing during a block."""
    bucket = Bucket(LIMIT, 0.0)
    full = bucket.available(0.0)
    first, *_ = taken(bucket, 5)
    spent, rested = bucket.available(0.0), bucket.available(4.0)
    bucket.throttled(first, 4.0, 10.0)

    assert (3.0, 0.0, 1.0) == (full, spent, rested)
    assert 0.0 == bucket.available(13.0)

    # A part of a request that is free during a block can't be had.
    fast = Bucket(FAST, 0.0)
    fast.throttled(taken(fast, 1)[0], 0.0, 1.0)

    assert [0.0, 1.0] == [fast.available(at) for at in (0.9, 1.0)]


def test_what_remains_is_shared_with_those_who_wait() -> None:
    """Those who wait, or have a place kept for them, have their part."""
    bucket = Bucket(LIMIT, 0.0)
    begun = pair(bucket)
    dues(bucket, 2)
    bucket.answered(begun, 0.0, **left(2))

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
    bucket.answered(places[0], 0.0, **left(2))

    assert counted == bucket.available(0.0)


@pytest.mark.parametrize(
    ("began", "free"), [(0.25, 91.0), (0.375, 90.5), (0.5, 90.0)]
)
def test_sent_long_after_its_turn(began: float, free: float) -> None:
    """Until a full bucket is really used, nothing comes free in it."""
    bucket = Bucket(FAST, 0.0)
    records = [Record() for _ in range(10)]
    places = [bucket.reserve(0.25, INF, record=each) for each in records]
    for record in records:
        record.began = began
    for place in places:
        assert place is not None
        bucket.answered(place, 0.5)

    assert free == bucket.available(0.5) == bucket._likely


def test_throttled_when_more_is_owed() -> None:
    """A 429 gives back its own place, and no more."""
    bucket = Bucket(LIMIT, 0.0)
    first, _, last = taken(bucket, 3)
    bucket.answered(first, 0.0, **left(0))
    likely = bucket._likely
    bucket.throttled(last, 0.0, 0.0)

    assert [2.0] == dues(bucket, 1)
    assert (0.0, 1.0) == (likely, bucket._likely)


@pytest.mark.parametrize(
    ("limit", "rate"),
    [
        ("30", 0.5),
        ("1", 1 / 60),
        # A higher limit may be the burst; an absurd one is none.
        *((each, 1.0) for each in ["500", "0", "1e-323", "0.9", "nan", "x"]),
    ],
)
def test_rate(limit: str, rate: float) -> None:
    """A lower X-RateLimit-Limit slows the pace."""
    bucket = Bucket(LIMIT, 0.0)
    (place,) = taken(bucket, 1)
    bucket.answered(place, 0.0, **limited(limit))

    assert rate == bucket.rate


def test_others_go_first_again_and_again() -> None:
    """Each of those who wait is put off by all that went before it."""
    bucket = Bucket(LIMIT, 0.0)
    _, _, _, *waiting = taken(bucket, 6)
    for now in (1.0, 2.0):
        completing(bucket, now)
        assert not came(bucket, waiting[0], now)

    assert [6.0] == dues(bucket, 1, now=2.0)
    for place in waiting:
        assert not came(bucket, place, 2.0)
    assert [3.0, 4.0, 5.0] == [place.due for place in waiting]


def test_throttled_with_others_waiting() -> None:
    """They share what comes after the wait, too, and in turn."""
    bucket = Bucket(RateLimit(requests=240, per=60, burst=1), 0.0)
    sent, first, second = taken(bucket, 3)
    bucket.throttled(sent, 0.0, 10.0)
    for place in (first, second):
        assert not came(bucket, place, place.due)

    assert [10.0, 10.25] == [first.due, second.due]
    assert [10.5] == dues(bucket, 1, now=0.5)


def test_throttled_with_a_place_kept() -> None:
    """It waits as long as the others, but not for them."""
    bucket = Bucket(FAST, 0.0)
    begun, other = pair(bucket), pair(bucket)
    dues(bucket, 3)
    bucket.throttled(begun, 0.0, 10.0)

    assert 10.0 == completing(bucket, kept=begun).due
    assert 10.25 == completing(bucket, kept=other).due


def test_a_shorter_wait_does_not_end_a_longer_one() -> None:
    """Not even for a kept place, which waits for nothing else."""
    bucket = Bucket(LIMIT, 0.0)
    begun, (other,) = pair(bucket), taken(bucket, 1)
    bucket.throttled(other, 0.0, 10.0)
    bucket.throttled(begun, 0.0, 1.0)

    assert 10.0 == completing(bucket, kept=begun).due


def test_each_429_gives_one_request_back() -> None:
    """Kept places are no more than those that were not counted, either."""
    bucket = Bucket(FAST, 0.0)
    begun = [pair(bucket) for _ in range(3)]
    for other, wait in zip(taken(bucket, 2), (10.0, 1.0), strict=True):
        bucket.throttled(other, 0.0, wait)

    assert [10.0, 10.0, 10.25] == [
        completing(bucket, kept=each).due for each in begun
    ]


@pytest.mark.parametrize(
    ("idle", "free"), [(1.0, 1.0), (60.0, 60.0), (1e3, 100.0)]
)
def test_the_burst_after_a_429(idle: float, free: float) -> None:
    """It is gone, and comes back at the rate, whatever the server has left."""
    bucket = Bucket(WIDE, 0.0)
    (first,) = taken(bucket, 1)
    bucket.throttled(first, 0.0, 2.0)
    (second,) = taken(bucket, 1, now=2.0)
    bucket.answered(second, 2.0, **left(99))

    assert 0.0 == bucket.available(2.0)
    assert free == bucket.available(2.0 + idle)
