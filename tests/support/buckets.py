"""Buckets to draw from."""

from __future__ import annotations

from sesamy_async import Headers, Priority, RateLimit
from sesamy_async._call import Bucket, Reservation
from sesamy_async._headers import rate_numbers


INF = float("inf")
LIMIT = RateLimit(requests=60, per=60, burst=3)  # One a second.
FAST = RateLimit(requests=240, per=60, burst=100)  # Four a second.


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
