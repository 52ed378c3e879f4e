"""The rate limit: a token bucket as a value."""

from __future__ import annotations

import math
from typing import Self

import attrs

from sesamy_async.errors import ConfigurationError


# Waiting exactly as long as told must be enough, rounding or not.
_ROUNDING = 1e-6


def _positive(
    limit: object, attribute: attrs.Attribute[int], value: int
) -> None:
    del limit
    if value < 1:
        raise ConfigurationError(
            f"rate_limit.{attribute.name} must be at least 1, not {value}."
        )


@attrs.frozen(kw_only=True)
class Limit:
    """How many requests the sandbox takes.

    Attributes:
        requests_per_minute: How fast used places become free again.
        burst: How many may come at once.

    .. versionadded:: 0.1.0
    """

    requests_per_minute: int = attrs.field(default=300, validator=_positive)
    burst: int = attrs.field(default=500, validator=_positive)

    @property
    def per_second(self) -> float:
        """How many places become free in a second."""
        return self.requests_per_minute / 60


@attrs.frozen(kw_only=True)
class Reading:
    """What the bucket says to one request.

    Attributes:
        limit: Requests per minute.
        remaining: Places that are free now.
        reset: The Unix second at which all are free again.
        retry_after: Whole seconds until one is free; 0 if one was.
    """

    limit: int
    remaining: int
    reset: int
    retry_after: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """The headers that tell it to the client."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


@attrs.frozen(kw_only=True)
class Bucket:
    """How many places were free, and when.

    Attributes:
        limit: Its size and its inflow.
        free: Places that were free at that time.
        at: The Unix time of it.
    """

    limit: Limit
    free: float
    at: float

    @classmethod
    def full(cls, limit: Limit, now: float) -> Self:
        """Return the bucket with all its places free."""
        return cls(limit=limit, free=limit.burst, at=now)

    def later(self, now: float) -> Self:
        """Return it as it is by now; a clock set back frees nothing."""
        free = self.free + max(0.0, now - self.at) * self.limit.per_second
        return attrs.evolve(self, free=min(free, self.limit.burst), at=now)

    def take(self, now: float) -> tuple[Self, Reading]:
        """Take a place, if one is free.

        Returns:
            The bucket afterwards, and what to tell the client.
        """
        bucket = self.later(now)
        if bucket.free + _ROUNDING < 1:
            return bucket, bucket.read()
        bucket = attrs.evolve(bucket, free=max(0.0, bucket.free - 1))
        return bucket, attrs.evolve(bucket.read(), retry_after=0)

    def read(self) -> Reading:
        """Say how it stands, without taking a place."""
        rate = self.limit.per_second
        missing = max(0.0, 1 - self.free - _ROUNDING)
        return Reading(
            limit=self.limit.requests_per_minute,
            remaining=math.floor(self.free + _ROUNDING),
            reset=math.ceil(self.at + (self.limit.burst - self.free) / rate),
            retry_after=math.ceil(missing / rate),
        )
