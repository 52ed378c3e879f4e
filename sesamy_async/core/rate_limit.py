"""How many requests may be sent, and when: the bucket."""

from __future__ import annotations

import math
from threading import Lock

import attrs

from .after_fork import renewed_after_fork
from .answers import seconds
from .headers import Headers
from .numbers import check_number


_LONGEST_BLOCK = 3600.0


@attrs.frozen(kw_only=True)
class RateLimit:
    """The pace that a client keeps by itself.

    The defaults are those of Sesamy's client API (D); the management API
    permits 100 per 60 s and bursts of 200.  Which of the two applies to
    external orders is unknown, so the client also learns from the
    ``X-RateLimit-*`` headers and from each 429.

    Attributes:
        requests: How many requests may be sent...
        per: ...in so many seconds.
        burst: How many may be sent at once after a rest.

    .. versionadded:: 0.1.0
    """

    requests: float = 300
    per: float = 60
    burst: float = 500

    def __attrs_post_init__(self) -> None:
        for name in ("requests", "per"):
            value = getattr(self, name)
            check_number(f"rate_limit.{name}", value, above=True)
        check_number("rate_limit.burst", self.burst, least=1)
        check_number("rate_limit.requests / per", self.rate, above=True)

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.per


class Bucket:
    """A token bucket that follows the server's; safe under threads.

    Each caller takes its place in advance (the balance may be negative)
    and waits until its turn, so places are given in the order of asking.
    """

    def __init__(self, limit: RateLimit, now: float) -> None:
        self._limit = limit
        self._rate = limit.rate
        self._balance = float(limit.burst)
        self._at = now
        self._blocked_until = -math.inf
        self._outstanding = 0
        self._lock = Lock()
        renewed_after_fork(self)

    def after_fork(self) -> None:
        """Begin anew in a child: what is on its way is the parent's."""
        self._lock = Lock()
        self._outstanding = 0

    @property
    def rate(self) -> float:
        """Requests per second, as far as is known now."""
        return self._rate

    def available(self, now: float) -> float:
        """Return how many requests may be sent at once, as far as is known.

        Args:
            now: On the runtime's clock.
        """
        with self._lock:
            self._refill(now)
            return 0.0 if self.blocked(now) else max(0.0, self._balance)

    def reserve(self, now: float, latest: float) -> float | None:
        """Take a place.

        Args:
            now: On the runtime's clock.
            latest: When the place must have come, on the same clock.

        Returns:
            When it comes (at once, if that is not after `now`), or None
            where it would come too late: then no place is taken.
        """
        with self._lock:
            self._refill(now)
            due = now + max(0.0, (1.0 - self._balance) / self._rate)
            due = max(due, self._blocked_until)
            if due > latest:
                return None
            self._balance -= 1.0
            self._outstanding += 1
            return due

    def blocked(self, now: float) -> float:
        """Return for how many seconds nothing may be sent."""
        return max(0.0, self._blocked_until - now)

    def cancel(self) -> None:
        """Give back a place that was not used."""
        with self._lock:
            self._balance += 1.0
            self._outstanding -= 1

    def lost(self) -> None:
        """Keep the place of a request whose answer never came."""
        with self._lock:
            self._outstanding -= 1

    def answered(self, now: float, headers: Headers) -> None:
        """Follow what an answer says of the server's own count.

        Requests that are on their way or wait for their turn are taken off
        what remains: the server has not counted them yet.  The rate is only
        ever lowered: ``X-RateLimit-Limit`` may name the rate or the burst.
        """
        limit = seconds(headers.get("x-ratelimit-limit"))
        left = seconds(headers.get("x-ratelimit-remaining"))
        with self._lock:
            self._outstanding -= 1
            # Less than one request is no limit: nothing could be sent that
            # brings back a better one.
            if limit is not None and limit >= 1:
                self._rate = min(self._limit.rate, limit / self._limit.per)
            if left is not None:
                self._refill(now)
                own = left - self._outstanding
                self._balance = min(self._balance, own)

    def throttled(self, now: float, wait: float) -> None:
        """Send nothing for so many seconds: the server answered 429.

        For an hour at most, whatever it says.  Then one request is free,
        and those that are on their way or wait for their turn have to
        share what comes after it.
        """
        wait = min(wait, _LONGEST_BLOCK)
        with self._lock:
            self._outstanding -= 1
            self._refill(now)
            own = 1.0 - wait * self._rate - self._outstanding
            self._balance = min(self._balance + 1.0, own)
            self._blocked_until = max(self._blocked_until, now + wait)

    def _refill(self, now: float) -> None:
        gained = max(0.0, now - self._at) * self._rate
        self._at = max(self._at, now)
        self._balance = min(self._limit.burst, self._balance + gained)
