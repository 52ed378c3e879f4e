"""Buckets to draw from: pacers whose time is said with each question."""

from __future__ import annotations

from typing import Any

import attrs

from sesamy_async import (
    Headers,
    MemoryPacer,
    Place,
    PlaceEnd,
    Priority,
    RateLimit,
    Record,
)
from sesamy_async._headers import rate_numbers


INF = float("inf")
LIMIT = RateLimit(requests=60, per=60, burst=3)  # One a second.
FAST = RateLimit(requests=240, per=60, burst=100)  # Four a second.


@attrs.define(eq=False)
class Reservation:
    """A place, and when it is due."""

    place: Place
    due: float


class Bucket:
    """A pacer in which it is always as late as the caller says."""

    def __init__(self, limit: RateLimit, now: float) -> None:
        self._now = now
        self.pacer = MemoryPacer(limit, clock=lambda: self._now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pacer, name)

    def available(self, now: float) -> float:
        """Return how many may be sent at once."""
        self._now = now
        return self.pacer.free

    def keeps(self, reserved: Reservation) -> bool:
        """Whether a second place is still kept."""
        return reserved.place.id in self._kept

    def reserve(
        self,
        now: float,
        latest: float,
        *,
        priority: Priority = Priority.NEW,
        size: int = 1,
        kept: Reservation | None = None,
        record: Record | None = None,
    ) -> Reservation | None:
        """Take a place, or two, unless it would be too late."""
        place = Place(
            priority=priority,
            size=size,
            kept=None if kept is None else kept.place,
            record=record or Record(),
        )
        reserved = Reservation(place, now)
        return reserved if self.turn(reserved, now, latest) else None

    def turn(self, reserved: Reservation, now: float, latest: float) -> bool:
        """Look when a place is due; return whether that is in time."""
        self._now = now
        turn = self.pacer.reserve(
            reserved.place, longest=latest - now, within=0
        )
        if turn is not None:
            reserved.due = now + turn.wait
        return turn is not None

    def unsent(self, reserved: Reservation) -> None:
        """End a place for which nothing was sent."""
        self.pacer.end(reserved.place, PlaceEnd(sent=False), within=0)

    def answered(
        self, reserved: Reservation, now: float, **said: float | None
    ) -> None:
        """End a place with what the response says."""
        self._now = now
        self.pacer.end(reserved.place, PlaceEnd(**said), within=0)  # type: ignore[arg-type]

    def throttled(
        self, reserved: Reservation, now: float, wait: float
    ) -> None:
        """End a place with a 429."""
        self._now = now
        self.pacer.end(reserved.place, PlaceEnd(wait=wait), within=0)

    def give_back(self, reserved: Reservation) -> None:
        """Give back a second place."""
        self.pacer.give_back(reserved.place, within=0)


def left(remaining: float, limit: float = 60) -> dict[str, float]:
    """Return what an answer says that remains."""
    return {"left": remaining, "limit": limit}


def limited(limit: str) -> dict[str, float | None]:
    """Return what an answer says that has a header with a limit."""
    number, _, _ = rate_numbers(Headers({"X-RateLimit-Limit": limit}))
    return {"limit": number}


def taken(bucket: Bucket, count: int, now: float = 0.0) -> list[Reservation]:
    """Reserve so many places."""
    places = [bucket.reserve(now, INF) for _ in range(count)]
    return [place for place in places if place is not None]


def dues(bucket: Bucket, count: int, now: float = 0.0) -> list[float]:
    """Reserve so many places; return when they are due."""
    return [place.due for place in taken(bucket, count, now)]


def pair(bucket: Bucket, now: float = 0.0, latest: float = INF) -> Reservation:
    """Reserve a place with one for what completes the call."""
    place = bucket.reserve(now, latest, size=2)
    assert place is not None
    return place


def completing(
    bucket: Bucket, now: float = 0.0, kept: Reservation | None = None
) -> Reservation:
    """Reserve a place for what completes a call."""
    priority = Priority.COMPLETING if kept is None else Priority.KEPT
    place = bucket.reserve(now, INF, priority=priority, kept=kept)
    assert place is not None
    return place


def came(
    bucket: Bucket, place: Reservation, now: float, latest: float = INF
) -> bool:
    """Look whether the turn of a place has come."""
    return bucket.turn(place, now, latest) and place.due <= now
