"""The rules that each pacer keeps, in a process or in a Redis."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from pace.conftest import INF, LIMIT, WITHIN, World
from sesamy_async import (
    MemoryPacer,
    Pacer,
    Place,
    PlaceEnd,
    Priority,
    RateLimit,
    Record,
)
from sesamy_async.redis import RedisPacer
from support.servers import Redis


@pytest.fixture(params=["memory", "redis"])
def world(request: pytest.FixtureRequest) -> World:
    """Return both kinds of pacer, with a time that is moved by hand."""
    if request.param == "redis":
        found: World = request.getfixturevalue("clock")
        return found
    now = [1000.0]

    def move(seconds: float) -> None:
        now[0] += seconds

    return World(MemoryPacer(LIMIT, clock=lambda: now[0]), move)


def test_a_burst_and_then_the_rate(world: World) -> None:
    """So many go at once, and the others one after the other."""
    waits = [world.ask(Place()) for _ in range(7)]

    assert [0, 0, 0, 0, 1, 2, 3] == waits
    assert 1.0 == world.pacer.rate


def test_first_come_first_served(world: World) -> None:
    """Who came first goes first, also if another one asks first."""
    world.taken(4)
    first, second = world.taken(2)
    world.move(1.0)

    assert [1, 0, 1] == [
        world.ask(second),
        world.ask(first),
        world.ask(second),
    ]


def test_what_completes_a_call_overtakes(world: World) -> None:
    """It goes before calls that have waited for longer."""
    world.taken(4)
    [waiting] = world.taken(1)
    completing = Place(priority=Priority.COMPLETING)

    assert 1 == world.ask(completing)

    world.move(1.0)

    assert [1, 0] == [world.ask(waiting), world.ask(completing)]


@pytest.mark.parametrize(
    ("size", "longest", "wait"),
    [(1, 0.9, None), (1, 1.1, 1), (2, 1.9, None), (2, 2.1, 1)],
)
def test_in_time_or_not_at_all(
    world: World, size: int, longest: float, wait: float | None
) -> None:
    """What would come too late takes no place; two must both be in time."""
    world.taken(4)

    assert wait == world.ask(Place(size=size), longest)
    assert (1 if wait is None else 1 + size) == world.ask(Place())


def test_too_late_when_its_turn_comes(world: World) -> None:
    """Who was put off for too long leaves the queue."""
    world.taken(4)
    [late] = world.taken(1)
    world.ask(Place(priority=Priority.COMPLETING))
    world.move(1.0)

    assert None is world.ask(late, 0.5)
    assert 1 == world.ask(Place())


def test_the_second_place_is_kept(world: World) -> None:
    """It is for the call that completes the first one, whoever waits."""
    begun = Place(size=2)
    assert 0 == world.ask(begun)
    world.taken(2)

    assert [1, 0] == [
        world.ask(Place()),
        world.ask(Place(priority=Priority.KEPT, kept=begun)),
    ]


def test_a_kept_place_is_used_once(world: World) -> None:
    """After that, what completes the call waits like others of its kind."""
    begun = Place(size=2)
    world.ask(begun)
    world.ask(Place(priority=Priority.KEPT, kept=begun))
    world.taken(2)

    assert 1 == world.ask(Place(priority=Priority.COMPLETING))


def test_what_is_not_used_is_given_back(world: World) -> None:
    """The second place is free for others then, once."""
    begun = Place(size=2)
    world.ask(begun)
    free = [world.free]
    for _ in range(2):
        world.pacer.give_back(begun, within=WITHIN)
        free.append(world.free)

    assert [2, 3, 3] == free


def test_an_end_leaves_the_second_place(world: World) -> None:
    """The call that completes it comes after the end of the first one."""
    begun = Place(size=2)
    world.ask(begun)
    world.end(begun)
    world.taken(2)

    assert 0 == world.ask(Place(priority=Priority.KEPT, kept=begun))


def test_what_was_not_sent_is_free_again(world: World) -> None:
    """A place that was given up is there for others."""
    [*_, last] = world.taken(4)
    world.end(last, PlaceEnd(sent=False))

    assert [0, 1] == [world.ask(Place()), world.ask(Place())]


def test_who_leaves_the_queue_makes_room(clock: World) -> None:
    """A call that is cancelled while it waits is nobody's predecessor."""
    clock.taken(4)
    first, second = clock.taken(2)
    clock.end(first, PlaceEnd(sent=False))
    clock.move(1.0)

    assert 0 == clock.ask(second)


def test_what_has_ended_is_forgotten(world: World) -> None:
    """To end a place again, or one that nobody knows, changes nothing."""
    [place] = world.taken(1)
    world.end(place, PlaceEnd(sent=False))
    for _ in range(2):
        world.end(place, PlaceEnd(sent=False))

    assert 4 == world.free


def test_answers_say_what_is_left(world: World) -> None:
    """Other clients may have used some; what is left is never more."""
    first, second = world.taken(2)
    world.end(first, PlaceEnd(left=50))
    before = world.free
    world.move(0.1)
    world.end(second, PlaceEnd(left=1))

    assert (2, 1) == (before, world.free)


def test_an_answer_does_not_count_later_requests(world: World) -> None:
    """Those that were sent after its own one have to come off, too."""
    [first] = world.taken(1)
    world.move(0.1)
    world.taken(1)
    world.end(first, PlaceEnd(left=2))

    assert 1 == world.free


@pytest.mark.parametrize(
    ("limit", "rate"), [(30.0, 0.5), (500.0, 1.0), (0.9, 1.0)]
)
def test_answers_lower_the_rate(
    world: World, limit: float, rate: float
) -> None:
    """A higher limit may be the burst, and an absurd one is none."""
    [place, *_] = world.taken(4)
    world.end(place, PlaceEnd(limit=limit))

    assert 1 / rate == world.ask(Place())
    assert rate == world.pacer.rate


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_the_limit_of_an_answer_is_one_a_minute(
    kind: str, redis: Redis
) -> None:
    """Whatever the period of the own limit is."""
    limit = RateLimit(requests=20, per=1, burst=40)
    with closing(RedisPacer(redis.url, limit)) as for_hosts:
        pacer: Pacer = for_hosts if kind == "redis" else MemoryPacer(limit)
        place = Place()
        pacer.reserve(place, longest=INF, within=WITHIN)
        pacer.end(place, PlaceEnd(limit=600), within=WITHIN)

    assert 10.0 == pacer.rate


def test_a_429_stops_all(world: World) -> None:
    """Nothing is sent for as long as it says; then one request is free."""
    [place] = world.taken(1)
    waiting = Place()
    world.end(place, PlaceEnd(wait=4.0))

    assert (0, 4) == (world.free, world.ask(waiting))

    world.move(4.0)

    assert [0, 1] == [world.ask(waiting), world.ask(Place())]


def test_a_429_stops_for_an_hour_at_most(world: World) -> None:
    """Whatever it says: it may be a mistake."""
    [place] = world.taken(1)
    world.end(place, PlaceEnd(wait=1e9))
    world.move(3600.0)

    assert 0 == world.ask(Place())


def test_a_full_bucket_gains_nothing(world: World) -> None:
    """If the first request is late, the service has not counted yet."""
    first = Place(record=Record())
    world.ask(first)
    world.move(2.0)
    if isinstance(world.pacer, RedisPacer):
        first.record.began = time.monotonic()
    else:
        first.record.began = 1002.0
    world.end(first)

    assert 3 == world.free


def test_what_a_full_bucket_did_not_gain_is_taken_off_once(
    world: World,
) -> None:
    """However many requests were late together."""
    places = [Place(size=2, record=Record()) for _ in range(5)]
    for each in places:
        while wait := world.ask(each):
            world.move(wait)
    shared = isinstance(world.pacer, RedisPacer)
    for each in places:
        each.record.began = time.monotonic() if shared else 1004.0
    for each in places:
        world.end(each)
    # All five of them, and four were free.
    wait = world.ask(Place(priority=Priority.KEPT, kept=places[0]))

    assert 2 == round(wait or 0.0)


def test_any_answer_shows_that_the_service_counts(world: World) -> None:
    """Who is late then has not kept its bucket full."""
    late, other = (Place(record=Record()) for _ in range(2))
    world.ask(late)
    world.ask(other)
    shared = isinstance(world.pacer, RedisPacer)
    other.record.began = time.monotonic() if shared else 1000.0
    world.end(other)
    world.move(2.0)
    late.record.began = time.monotonic() if shared else 1002.0
    world.end(late)

    assert 4 == world.free
