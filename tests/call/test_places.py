"""Who goes first in the bucket, and what is kept for whom."""

from __future__ import annotations

import pytest

from sesamy_async import Priority, RateLimit
from sesamy_async._call import Kept, Latency
from support.buckets import (
    FAST,
    INF,
    LIMIT,
    Bucket,
    came,
    completing,
    dues,
    left,
    limited,
    pair,
    taken,
)
from support.exchanges import a_call


def test_two_places() -> None:
    """A place for the call that completes it comes with the first one."""
    bucket = Bucket(LIMIT, 0.0)
    begun = pair(bucket)

    assert (0.0, True) == (begun.due, bucket.keeps(begun))
    assert 1.0 == bucket.available(0.0)
    assert [1.0 * n for n in (0, 1)] == dues(bucket, 2)


def test_no_place_is_kept_before_its_turn() -> None:
    """Who waits with two places keeps none, and hands none on."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 3)
    waiting = pair(bucket)

    assert (1.0, False) == (waiting.due, bucket.keeps(waiting))
    assert [3.0] == dues(bucket, 1)
    assert came(bucket, waiting, 1.0)
    assert bucket.keeps(waiting)


@pytest.mark.parametrize(
    ("limit", "before", "latest", "due"),
    [
        # Both must come in time.
        (LIMIT, 3, 1.9, None),
        (LIMIT, 3, 2.0, 1.0),
        # The second one comes as much later as the rate says.
        (FAST, 100, 0.4, None),
        (FAST, 100, 0.5, 0.25),
        # The last request that is free is not enough for two.
        (RateLimit(requests=60, per=60, burst=1), 0, 0.9, None),
        (RateLimit(requests=60, per=60, burst=1), 0, 1.0, 0.0),
        # Where both are free, neither has to be waited for.
        (RateLimit(requests=1, per=60, burst=2), 0, 0.0, 0.0),
    ],
)
def test_both_in_time(
    limit: RateLimit, before: int, latest: float, due: float | None
) -> None:
    """What can't be completed in time takes no place."""
    bucket = Bucket(limit, 0.0)
    dues(bucket, before)
    free = bucket._unsent
    place = bucket.reserve(0.0, latest, size=2)

    assert due == (place and place.due)
    assert (place is None) is (free == bucket._unsent)


def test_just_in_time() -> None:
    """What comes at the last moment is in time when it is looked at, too."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 3)

    assert came(bucket, pair(bucket, latest=2.0), 1.0, 2.0)


def test_a_kept_place_is_used() -> None:
    """It is free when it's wanted, whoever came meanwhile."""
    bucket = Bucket(LIMIT, 0.0)
    begun = pair(bucket)
    dues(bucket, 4)
    confirm = completing(bucket, kept=begun)

    assert (0.0, False) == (confirm.due, bucket.keeps(begun))
    assert [4.0] == dues(bucket, 1)


@pytest.mark.parametrize("used", [False, True])
def test_a_kept_place_is_given_back_once(used: bool) -> None:
    """What is not used is free for others, and only once."""
    bucket = Bucket(LIMIT, 0.0)
    begun = pair(bucket)
    if used:
        completing(bucket, kept=begun)
    for _ in range(2):
        bucket.give_back(begun)

    assert (2.0 - used, False) == (bucket.available(0.0), bucket.keeps(begun))


def test_a_kept_place_that_comes_too_late() -> None:
    """It stays kept: it was not taken."""
    bucket = Bucket(LIMIT, 0.0)
    begun = pair(bucket)
    bucket.answered(begun, 0.0, **left(0))
    late = bucket.reserve(0.0, 0.5, priority=Priority.KEPT, kept=begun)

    assert (None, True) == (late, bucket.keeps(begun))
    assert 1.0 == completing(bucket, kept=begun).due


def test_completing_goes_before_new() -> None:
    """Those who wait go as much later as others go before them."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 3)
    first, second = taken(bucket, 2)
    confirm = completing(bucket)

    assert 1.0 == confirm.due
    assert not came(bucket, first, 1.0)
    assert came(bucket, confirm, 1.0)
    assert not came(bucket, second, 2.0)
    assert (2.0, 3.0) == (first.due, second.due)
    assert came(bucket, first, 2.0)
    assert came(bucket, second, 3.0)


def test_in_turn_among_those_who_complete() -> None:
    """They go in the order of asking, each in its own time."""
    bucket = Bucket(FAST, 0.0)
    dues(bucket, 100)

    assert [0.25, 0.5, 0.75] == [completing(bucket).due for _ in range(3)]


def test_kept_goes_before_completing() -> None:
    """What was promised goes before what was not."""
    bucket = Bucket(LIMIT, 0.0)
    begun = pair(bucket)
    bucket.answered(begun, 0.0, **left(0))
    plain = completing(bucket)
    kept = completing(bucket, kept=begun)

    assert (2.0, 1.0) == (plain.due, kept.due)
    assert not came(bucket, plain, 1.5)
    assert came(bucket, kept, 1.5)
    assert came(bucket, plain, 2.0)


def test_what_is_kept_is_left_free() -> None:
    """Who is new waits until enough is free for those that have begun."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=10), 0.0)
    *_, last = [pair(bucket) for _ in range(3)]
    bucket.answered(last, 0.0, **left(3))

    assert [3.0, 4.0] == dues(bucket, 2)


def test_what_is_kept_is_not_put_off_by_precaution() -> None:
    """Those that may be counted are not taken off for a kept place."""
    bucket = Bucket(LIMIT, 0.0)
    begun = pair(bucket)
    pair(bucket)
    bucket.answered(begun, 0.0, **left(1))

    assert 0.0 == completing(bucket, kept=begun).due
    assert 3.0 == completing(bucket).due


def test_no_more_is_saved_up_than_the_burst() -> None:
    """What comes in a full bucket is not kept from those who are new."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=1), 0.0)
    begun = pair(bucket)
    place = pair(bucket)

    assert (True, 1.0) == (bucket.keeps(begun), place.due)
    assert came(bucket, place, 1.0)


def test_a_late_kept_place_puts_others_off() -> None:
    """Where nothing is saved up for it, others wait for it."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=1), 0.0)
    begun = pair(bucket)
    place, last = taken(bucket, 2)
    confirm = completing(bucket, 0.5, kept=begun)

    assert 1.0 == confirm.due
    assert came(bucket, confirm, 1.0)
    assert not came(bucket, place, 1.25)
    assert 2.0 == place.due
    assert came(bucket, place, 2.0)
    assert not came(bucket, last, 2.0)
    assert 3.0 == last.due


def test_put_off_too_long() -> None:
    """Who can't go in time any more gives its places back."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 3)
    place = pair(bucket, latest=2.0)
    completing(bucket)

    assert not bucket.turn(place, 1.0, 2.0)
    assert [2.0] == dues(bucket, 1, now=1.0)


def test_who_comes_later_is_put_off_once() -> None:
    """Whoever comes before it is noticed waits no longer than need be."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 3)
    (first,) = taken(bucket, 1)
    confirm = completing(bucket)
    (second,) = taken(bucket, 1)

    assert came(bucket, confirm, 1.0)
    assert not came(bucket, first, 1.0)
    assert came(bucket, first, 2.0)
    assert not came(bucket, second, 2.0)
    assert came(bucket, second, 3.0)


def test_another_rate_meanwhile() -> None:
    """Who waits goes by the rate that is known when it looks."""
    bucket = Bucket(LIMIT, 0.0)
    first, *_ = taken(bucket, 3)
    _, place = taken(bucket, 2)
    bucket.answered(first, 1.0, **limited("30"))

    assert not came(bucket, place, 2.0)
    assert came(bucket, place, place.due)


def test_cancelled_while_it_waits() -> None:
    """Both places are free for the next."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 3)
    bucket.unsent(pair(bucket))

    assert [1.0] == dues(bucket, 1)


@pytest.mark.parametrize("throttled", [False, True])
def test_sent_while_it_waits(throttled: bool) -> None:
    """What another pacer lets go does not wait here for ever."""
    bucket = Bucket(LIMIT, 0.0)
    dues(bucket, 3)
    waiting = pair(bucket)
    if throttled:
        bucket.throttled(waiting, 0.0, 1.0)
    else:
        bucket.answered(waiting, 0.0)

    assert [0, 0, 0] == bucket._waiting


def test_cancelled_after_its_turn() -> None:
    """What was not sent is free again; what is kept stays kept."""
    bucket = Bucket(FAST, 0.0)
    begun = pair(bucket)
    dues(bucket, 3)
    bucket.unsent(begun)

    assert (96.0, True) == (bucket.available(0.0), bucket.keeps(begun))
    assert 97.0 == bucket._likely


def test_places_of_a_parent() -> None:
    """What ends in a child was the parent's: it counts for nothing there."""
    bucket = Bucket(RateLimit(requests=60, per=60, burst=10), 0.0)
    begun = pair(bucket)
    bucket.after_fork()
    before = bucket.available(0.0)
    bucket.give_back(begun)

    assert (8.0, 8.0) == (before, bucket.available(0.0))
    assert 8.0 == bucket._likely


def test_latency() -> None:
    """It follows the mean, and leaves room for what is off it."""
    latency = Latency()
    estimates = [latency.estimate]
    for seconds in (1.0, 1.0, 3.0):
        latency.note(seconds)
        estimates.append(latency.estimate)

    assert [0.25, 3.0, 2.5, 4.375] == estimates


@pytest.mark.parametrize(
    ("changes", "latest"),
    [
        ({}, 18.0),
        ({"kept": Kept()}, 16.0),
        ({"completes": True}, 20.0),
        ({"deadline": 12.0, "kept": Kept()}, 11.0),
        ({"deadline": INF, "kept": Kept()}, INF),
    ],
)
def test_until_when_to_wait(changes: dict[str, object], latest: float) -> None:
    """Time is left for one exchange, or two; but half may be waited."""
    latency = Latency()
    for _ in range(60):
        latency.note(2.0)

    call = a_call(**({"deadline": 20.0} | changes))

    assert latest == pytest.approx(latency.latest(call, begun=10.0), abs=1e-3)


def test_a_pair_behind_others_is_taken_only_as_a_whole() -> None:
    """Its second place has to be in time, too."""
    bucket = Bucket(LIMIT, 0.0)
    taken(bucket, 5)

    assert bucket.reserve(0.0, 3.9, size=2) is None
    assert bucket.reserve(0.0, 4.0, size=2) is not None
