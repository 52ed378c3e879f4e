"""Buckets to draw from."""

from __future__ import annotations

from sesamy_async import Headers, RateLimit
from sesamy_async.core.rate_limit import Bucket


INF = float("inf")
LIMIT = RateLimit(requests=60, per=60, burst=3)  # One a second.
FAST = RateLimit(requests=240, per=60, burst=100)  # Four a second.


def left(remaining: float, limit: float = 60) -> Headers:
    """Return headers that say what remains."""
    return Headers(
        {
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Limit": str(limit),
        }
    )


def dues(bucket: Bucket, count: int, now: float = 0.0) -> list[float | None]:
    """Reserve so many places."""
    return [bucket.reserve(now, INF) for _ in range(count)]
