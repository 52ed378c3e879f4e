"""One pace for all hosts, in a Redis: what is shared, and what goes wrong."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redis import Redis as RedisClient

from idempotency.faulty import FaultyWay
from pace.conftest import INF, LIMIT, WITHIN, World
from sesamy_async import (
    ConfigurationError,
    Outcome,
    PacerUnavailable,
    Place,
    PlaceEnd,
    Priority,
    RateLimit,
    Record,
    Turn,
)
from sesamy_async.redis import RedisPacer, _pacer
from support.ports import closed_port
from support.servers import Redis


PAGE = Path(__file__).parents[2] / "docs" / "retries-deadlines-pace.md"
_FORKING = """
import os, sys
from sesamy_async import Place, RateLimit
from sesamy_async.redis import RedisPacer
pacer = RedisPacer(sys.argv[1], RateLimit(requests=1, per=600, burst=30))
def take():
    turns = [pacer.reserve(Place(), longest=0, within=20) for _ in range(10)]
    assert all(turns), turns
take()
child = os.fork()
take()
if child:
    _, status = os.waitpid(child, 0)
    assert pacer.reserve(Place(), longest=0, within=20) is None
    sys.exit(os.waitstatus_to_exitcode(status))
"""


def taken(pacer: RedisPacer, count: int) -> list[float | None]:
    """Ask for so many places; return how long each has to wait."""
    turns = [
        pacer.reserve(Place(), longest=INF, within=WITHIN)
        for _ in range(count)
    ]
    return [None if turn is None else round(turn.wait) for turn in turns]


def test_it_is_one_pace_for_all_that_have_its_name(redis: Redis) -> None:
    """Another pacer of this name goes on; one of another name has its own."""
    with (
        closing(RedisPacer(redis.url, LIMIT)) as one,
        closing(RedisPacer(redis.url, LIMIT)) as same,
        closing(RedisPacer(redis.url, LIMIT, name="other")) as other,
    ):
        waits = [taken(each, 3) for each in (one, same, other)]

    assert [[0, 0, 0], [0, 1, 2], [0, 0, 0]] == waits


def test_who_waits_and_is_gone_is_forgotten(clock: World) -> None:
    """Who was killed does not ask again, so others take its place."""
    clock.taken(4)
    clock.taken(2, size=2)
    alive = Place()
    before = clock.ask(alive)
    clock.move(4.0)

    assert (5, 0) == (before, clock.ask(alive))


def test_who_asks_too_late_keeps_its_turn(clock: World) -> None:
    """Others pass it meanwhile, but those that came later wait for it."""
    clock.taken(4)
    [late] = clock.taken(1)
    clock.move(3.0)
    passing, waiting = clock.taken(2)
    clock.end(passing, PlaceEnd(left=0))
    del waiting
    after = Place()

    assert (1, 1, 2) == (clock.ask(after), clock.ask(late), clock.ask(after))


def test_who_waits_asks_every_few_seconds(clock: World) -> None:
    """However long it has to wait, it shows that it is alive."""
    [first] = clock.taken(1)
    clock.end(first, PlaceEnd(wait=60.0))
    place, waits = Place(), list[float | None]()
    for _ in range(13):
        waits.append(clock.ask(place))
        clock.move(waits[-1] or 0.0)

    assert [*[5.0] * 12, 0.0] == waits


def test_a_kept_place_of_who_is_gone_is_free_again(clock: World) -> None:
    """After half a minute; its owner still goes before others."""
    begun = Place(size=2)
    clock.ask(begun)
    before = clock.free
    clock.move(31.0)
    after = clock.free
    clock.taken(4)

    assert (2, 4) == (before, after)
    assert 1 == clock.ask(Place(priority=Priority.KEPT, kept=begun))
    assert 2 == clock.ask(Place())


def test_a_request_of_who_is_gone_counts_no_longer(clock: World) -> None:
    """After some seconds, the service has counted it itself."""
    [first] = clock.taken(1)
    clock.move(0.1)
    clock.taken(1)
    clock.move(6.0)
    clock.end(first, PlaceEnd(left=3))

    assert 3 == clock.free


def test_who_is_gone_kept_no_bucket_full(clock: World) -> None:
    """What it was about to send counts no longer."""
    clock.taken(4)
    clock.move(6.0)
    place = Place(record=Record(began=time.monotonic()))
    clock.ask(place)
    clock.end(place)

    assert 3 == clock.free


def test_a_clock_that_is_set_back_stops_nobody(clock: World) -> None:
    """After a failover the time may be another one."""
    [place] = clock.taken(1)
    clock.taken(5)
    clock.end(place, PlaceEnd(wait=60.0))
    clock.move(-86_400.0)

    assert 0 < (clock.ask(Place()) or 0.0)

    clock.move(61.0)

    assert 0 == clock.ask(Place())


def test_a_limit_can_be_raised(redis: Redis) -> None:
    """Only what Sesamy has said is kept for the next one."""
    faster = RateLimit(requests=1200, per=60, burst=4)
    with (
        closing(RedisPacer(redis.url, LIMIT)) as before,
        closing(RedisPacer(redis.url, faster)) as after,
    ):
        for each in (before, after, before):
            new(each)
        raised = before.rate, after.rate
        place = Place()
        after.reserve(place, longest=INF, within=WITHIN)
        after.end(place, PlaceEnd(limit=30), within=WITHIN)
        new(before)

    assert (1.0, 20.0) == raised
    assert 0.5 == before.rate == after.rate


def test_a_confirm_over_the_redis_frees_what_its_share_kept(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its create was sent while the Redis was away."""
    monkeypatch.setattr(_pacer, "_PAUSE", 0.0)
    create = Place(size=2)
    with closing(RedisPacer(redis.url, LIMIT, fallback=LIMIT)) as pacer:
        redis.kill()
        pacer.reserve(create, longest=INF, within=WITHIN)
        redis.start()
        turn = new(pacer, priority=Priority.KEPT, kept=create)
        redis.kill()
        waits = taken(pacer, 4)

    assert Turn() == turn
    assert [0, 0, 0, 0] == waits


def test_a_redis_that_forgets_begins_anew(redis: Redis) -> None:
    """What is lost is the pace only; the next answers tell it again."""
    with closing(RedisPacer(redis.url, LIMIT)) as pacer:
        before = taken(pacer, 6)
        with RedisClient.from_url(redis.url) as client:
            client.flushall()
        after = taken(pacer, 5)

    assert ([0, 0, 0, 0, 1, 2], [0, 0, 0, 0, 1]) == (before, after)


def test_who_has_no_deadline_waits_without_end(redis: Redis) -> None:
    """However long that is."""
    slow = RateLimit(requests=1, per=3600, burst=1)
    with closing(RedisPacer(redis.url, slow)) as pacer:
        waits = taken(pacer, 4)

    assert [0, 5, 5, 5] == waits


def test_who_waits_for_its_share_asks_soon_again(redis: Redis) -> None:
    """The Redis may be there again before its turn comes."""
    limit = RateLimit(requests=1, per=60, burst=1)
    with closing(RedisPacer(redis.url, limit, fallback=limit)) as pacer:
        redis.kill()
        waits = taken(pacer, 2)
        late = pacer.reserve(Place(), longest=1.0, within=WITHIN)

    assert ([0, 1], None) == (waits, late)


@pytest.mark.parametrize(
    ("spent", "waits"), [(0, [0, 0, 0, 1]), (4, [0, 1]), (6, [1])]
)
def test_a_share_holds_nothing_that_was_spent(
    redis: Redis, spent: int, waits: list[int]
) -> None:
    """All begin with their share of what is left of the burst."""
    limit = RateLimit(requests=1, per=60, burst=6)
    share = limit.share(2)
    with closing(RedisPacer(redis.url, limit, fallback=share)) as pacer:
        taken(pacer, spent)
        redis.kill()

        assert waits == taken(pacer, len(waits))


def test_all_of_it_expires(redis: Redis) -> None:
    """It holds ids of places and numbers, for a day at most."""
    with closing(RedisPacer(redis.url, LIMIT)) as pacer:
        taken(pacer, 6)
        pacer.reserve(Place(size=2), longest=INF, within=WITHIN)
    with RedisClient.from_url(redis.url) as client:
        names = client.keys()
        lives = [client.ttl(each) for each in names]

    assert b"{sesamy-pace:default}:state" in names
    assert all(0 < each <= 86_400 for each in lives)


def test_it_has_own_connections_after_a_fork(redis: Redis) -> None:
    """A child leaves the connections of its parent alone."""
    command = [sys.executable, "-c", _FORKING, redis.url]

    subprocess.run(  # noqa: S603
        command, check=True, timeout=60, env=dict(os.environ)
    )


def new(pacer: RedisPacer, **more: Any) -> Turn | None:
    """Ask for a place for something new."""
    return pacer.reserve(Place(**more), longest=INF, within=WITHIN)


def away(pacer: RedisPacer) -> PacerUnavailable:
    """Ask for a place; return the error."""
    with pytest.raises(PacerUnavailable) as caught:
        new(pacer)
    return caught.value


def test_without_its_redis_nothing_new_is_sent(redis: Redis) -> None:
    """But what completes a call that has begun is."""
    with closing(RedisPacer(redis.url, LIMIT)) as pacer:
        begun = Place(size=2)
        pacer.reserve(begun, longest=INF, within=WITHIN)
        redis.kill()
        error = away(pacer)
        with pytest.raises(PacerUnavailable):
            pacer.end(begun, PlaceEnd(), within=WITHIN)
        turns = [
            new(pacer, priority=Priority.KEPT, kept=begun),
            new(pacer, priority=Priority.COMPLETING),
        ]

    assert [Turn(), Turn()] == turns
    assert (True, Outcome.NOT_SENT) == (error.retryable, error.outcome)
    assert None is error.__cause__ is error.__context__
    assert error.args[0].startswith(
        "The shared rate limit (Redis) can't be used: the connection failed."
    )


def test_without_its_redis_a_process_keeps_its_share(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the user chose one, and until the Redis is there again."""
    monkeypatch.setattr(_pacer, "_PAUSE", 60.0)
    limit = RateLimit(requests=60, per=60, burst=8)
    with closing(
        RedisPacer(redis.url, limit, fallback=limit.share(4))
    ) as pacer:
        redis.kill()
        turns = [new(pacer) for _ in range(3)]
        begun = Place(size=2)
        waits = pacer.reserve(begun, longest=INF, within=WITHIN)
        pacer.give_back(begun, within=WITHIN)
        pacer.end(begun, PlaceEnd(sent=False), within=WITHIN)
        again = new(pacer)

    assert [0, 0, 4, 8, 8] == [
        each and round(each.wait) for each in (*turns, waits, again)
    ]


def test_a_redis_that_is_away_is_not_asked_each_time(
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Only after a pause; the log says when it goes, and when it is back."""
    caplog.set_level(logging.INFO, "sesamy_async")
    with (
        FaultyWay(redis.port) as way,
        closing(
            RedisPacer(redis.url.replace(f":{redis.port}/", f":{way.port}/"))
        ) as pacer,
    ):
        way.lose(1, answer=False)
        first = away(pacer)
        second = away(pacer)
        counts = [way.count]
        monkeypatch.setattr(_pacer, "_PAUSE", 0.0)
        way.lose(1, answer=False)
        away(pacer)
        turn = new(pacer)
        counts.append(way.count)

    assert first is not second
    assert first.args == second.args
    assert (Turn(), [1, 3]) == (turn, counts)
    assert [
        first.args[0],
        "The shared rate limit (Redis) is available again.",
    ] == [each.getMessage() for each in caplog.records]


def test_it_gives_up_in_time(redis: Redis) -> None:
    """A Redis that does not answer holds nobody up."""
    with closing(RedisPacer(redis.url)) as pacer, redis.frozen():
        began = time.monotonic()
        with pytest.raises(PacerUnavailable):
            pacer.reserve(Place(), longest=INF, within=0.2)

        assert time.monotonic() - began < 2.0


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ("wrong-password", "it refuses this user"),
        ("no-rights", "(NoPermissionError). Check its user, rights"),
    ],
)
def test_it_says_what_somebody_has_to_do(
    redis: Redis, wrong: str, what: str
) -> None:
    """Such an error is not retryable, and shows nothing of the URL."""
    url = f"redis://{wrong}:s3cret@127.0.0.1:{redis.port}/0"
    with RedisClient.from_url(redis.url) as client:
        client.acl_setuser(
            "no-rights",
            enabled=True,
            passwords=["+s3cret"],
            commands=["+ping"],
        )
    with closing(RedisPacer(url)) as pacer:
        error = away(pacer)

    assert what in error.args[0]
    assert not error.retryable
    assert "s3cret" not in f"{error!r}{pacer!r}"


def test_the_rights_that_a_page_names_are_enough(redis: Redis) -> None:
    """Also after a clock was set back; without one of them it says so."""
    [named] = re.findall(r"ACL SETUSER pace (.*?)`", PAGE.read_text())
    rights = [each for each in named.split() if each.startswith("+")]
    url = f"redis://guest:s3cret@127.0.0.1:{redis.port}/0"
    guest = ("ACL", "SETUSER", "guest")
    with (
        RedisClient.from_url(redis.url) as client,
        closing(RedisPacer(url, LIMIT)) as pacer,
    ):
        client.execute_command(
            *guest, "reset", "on", ">s3cret", "~{sesamy-pace:*", *rights
        )
        create = Place(size=2)
        confirm = Place(priority=Priority.KEPT, kept=create)
        client.hset("{sesamy-pace:default}:state", "at", 1e12)
        for each in (create, confirm):
            pacer.reserve(each, longest=INF, within=WITHIN)
            pacer.end(each, PlaceEnd(left=0.0), within=WITHIN)
        pacer.give_back(create, within=WITHIN)
        waiting = pacer.reserve(Place(size=2), longest=INF, within=WITHIN)
        client.execute_command(*guest, "-hset")
        with pytest.raises(PacerUnavailable, match="Check its user, rights"):
            pacer.reserve(Place(), longest=INF, within=WITHIN)

    assert waiting is not None
    assert waiting.wait > 0


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"url": "https://us3r:s3cret@host"}, "url of RedisPacer: the value"),
        ({"limit": 5}, "limit must be a RateLimit"),
        ({"fallback": 5}, "fallback must be a RateLimit"),
        ({"name": ""}, "name must be a text"),
        ({"name": "x" * 101}, "name must be a text"),
        ({"name": 5}, "name must be a text"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], what: str) -> None:
    """They are named before anything is asked."""
    with pytest.raises(ConfigurationError) as caught:
        RedisPacer(**{"url": "redis://localhost"} | arguments)

    assert what in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_it_shows_nothing_of_its_url() -> None:
    """Neither host nor password."""
    with closed_port() as port:
        url = f"redis://:s3cret@127.0.0.1:{port}/0"
        with closing(RedisPacer(url)) as pacer:
            error = away(pacer)

    shown = f"{pacer!r} {error!r} {error}"
    assert not [each for each in ("s3cret", "127.0.0.1") if each in shown]
    assert "RedisPacer(RateLimit(requests=300" in repr(pacer)
