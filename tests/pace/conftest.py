"""Fixtures: a pace in a Redis, with a time that is moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import attrs
import pytest
from redis import Redis as RedisClient

from sesamy_async import Pacer, Place, PlaceEnd, RateLimit
from sesamy_async.redis import RedisPacer, _pacer_scripts
from support.servers import Redis


LIMIT = RateLimit(requests=60, per=60, burst=4)  # One a second.
INF = float("inf")
WITHIN = 10.0


@attrs.define
class World:
    """A pacer, and the time it lives in."""

    pacer: Pacer
    _move: Callable[[float], object]

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self._move(seconds)

    def ask(self, place: Place, longest: float = INF) -> float | None:
        """Ask for a place; return how long to wait, if it comes in time."""
        turn = self.pacer.reserve(place, longest=longest, within=WITHIN)
        return None if turn is None else round(turn.wait, 3)

    def taken(self, count: int, size: int = 1) -> list[Place]:
        """Ask for so many places."""
        places = [Place(size=size) for _ in range(count)]
        for each in places:
            self.ask(each)
        return places

    def end(self, place: Place, end: PlaceEnd | None = None) -> None:
        """Say what came of a place."""
        self.pacer.end(place, end or PlaceEnd(), within=WITHIN)

    @property
    def free(self) -> float:
        """How many new ones may be sent at once."""
        # What a pacer knows of itself may be old, and is then asked for.
        self.pacer.give_back(Place(), within=WITHIN)
        return round(self.pacer.free, 1)


@pytest.fixture
def clock(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Return a pace in a Redis whose time is moved by hand."""
    for name in ("RESERVE", "END", "GIVE_BACK"):
        script = getattr(_pacer_scripts, name)
        told = script.replace(
            "redis.call('TIME')", "{redis.call('GET', 'clock'), 0}"
        )
        assert told != script
        monkeypatch.setattr(_pacer_scripts, name, told)
    with (
        RedisClient.from_url(redis.url) as client,
        closing(RedisPacer(redis.url, LIMIT)) as pacer,
    ):
        client.set("clock", "1800000000")
        yield World(
            pacer, lambda seconds: client.incrbyfloat("clock", seconds)
        )
