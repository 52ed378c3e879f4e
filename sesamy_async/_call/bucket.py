"""How many requests may be sent, and when."""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import Lock

import attrs

from sesamy_async._checks import Problems, check_number

from .call import Place, Priority
from .runtime import BlockingRuntime, present, renewed_after_fork


MINUTE = 60.0  # Seconds for which `X-RateLimit-Limit` is permitted (D).

_LONGEST_BLOCK = 3600.0
_ROUNDING = 1e-9  # Of a request: what sums of floats are off by.


@attrs.frozen(kw_only=True)
class RateLimit:
    """The rate limit that a client keeps by itself.

    The defaults are documented for Sesamy's client API; the management API
    permits 100 per 60 s and bursts of 200.  Which of the two applies to
    these calls is unknown, so the client also learns from the
    ``X-RateLimit-*`` headers and from each 429.

    Attributes:
        requests: How many requests may be sent in `per` seconds.
        per: Seconds.
        burst: How many may be sent at once after a pause.
    """

    requests: float = 300
    per: float = 60
    burst: float = 500

    def __attrs_post_init__(self) -> None:
        check = Problems()
        for name in ("requests", "per"):
            value = getattr(self, name)
            check(check_number, f"rate_limit.{name}", value, above=True)
        check(check_number, "rate_limit.burst", self.burst, least=1)
        check.raise_all()
        check_number("rate_limit.requests / per", self.rate, above=True)

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.per

    def share(self, count: int) -> RateLimit:
        """Return the part of one of several processes that share the limit.

        Args:
            count: How many share it; at least 1.

        Returns:
            A limit with that part of `requests` and of `burst`, which is at
            least 1.
        """
        check_number("count", count, least=1)
        return attrs.evolve(
            self,
            requests=self.requests / count,
            burst=max(1.0, self.burst / count),
        )


@attrs.frozen
class Turn:
    """When a place is due.

    Attributes:
        wait: Seconds after which to ask again; 0 if its turn has come.
    """

    wait: float = 0.0

    def __attrs_post_init__(self) -> None:
        check_number("Turn.wait", self.wait)


@attrs.frozen(kw_only=True)
class PlaceEnd:
    """What became of a place whose turn came, or that was given up.

    Attributes:
        sent: Whether its request was sent, or may have been.
        limit: ``X-RateLimit-Limit`` of the response, if any.
        left: ``X-RateLimit-Remaining`` of the response, if any.
        wait: Seconds for which Sesamy wants no more requests, after a 429.
    """

    sent: bool = True
    limit: float | None = None
    left: float | None = None
    wait: float | None = None


@attrs.define(eq=False, repr=False)
class _Held:
    """A place that waits, or whose request is sent."""

    place: Place
    due: float  # When its turn comes; later, if others go before it.
    mark: float = 0.0  # Its turn in the count of the bucket.


class MemoryPacer:
    """Keeps one pace for all clients of this process that use it.

    A client with a `RateLimit` makes one for itself and its copies.

    Args:
        limit: The rate limit.
        clock: Returns seconds on a monotonic clock; for tests.
    """

    # It is a token bucket that follows the server's; safe under threads.
    # Places are given in the order of asking, but calls that complete others
    # go first: otherwise a burst would begin everything and complete nothing.

    def __init__(
        self,
        limit: RateLimit = RateLimit(),
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._limit = limit
        self._clock = clock or present(BlockingRuntime()).now
        self._rate = limit.rate
        # What the server would permit after counting all that was sent: at
        # least, and at most.
        self._free = self._likely = float(limit.burst)
        self._at = self._clock()
        # A place that waits is due when as many requests have become free
        # as its mark says, and as many more as its priority was put off by.
        self._gained = 0.0
        # How many have become free in all, where a full bucket gains nothing;
        # and how many had when a full one was first used, until a response
        # shows that the server has counted since.
        self._freed = 0.0
        self._full: float | None = None
        self._put_off = [0.0] * len(Priority)
        self._ends = [0.0] * len(Priority)  # The mark behind the last one.
        self._blocked_until = -math.inf
        self._forget()
        renewed_after_fork(self)

    def _forget(self) -> None:
        self._lock = Lock()
        self._places: dict[str, _Held] = {}
        self._waiting = [0] * len(Priority)
        self._sent: set[_Held] = set()
        # The places whose second one is kept.
        self._kept: set[str] = set()

    def after_fork(self) -> None:
        """Forget in a child the places of its parent."""
        self._free -= self._unsent
        self._likely -= self._unsent
        self._forget()

    def __repr__(self) -> str:
        return f"MemoryPacer({self._limit!r})"

    @property
    def rate(self) -> float:
        """Requests per second; Sesamy's responses may have lowered it."""
        return self._rate

    @property
    def free(self) -> float:
        """How many may be sent at once."""
        with self._lock:
            if self._refill() < self._blocked_until:
                return 0.0
            return max(0.0, self._free - self._unsent)

    def reserve(
        self, place: Place, *, longest: float, within: float
    ) -> Turn | None:
        """Take a place, or look again whether its turn has come."""
        del within
        with self._lock:
            now = self._refill()
            held = self._places.get(place.id)
            if held is None:
                held = self._queued(place, now)
                if self._last(held, now) > now + longest:
                    return None
                if place.kept is not None:
                    self._kept.discard(place.kept.id)
                self._places[place.id] = held
                self._waiting[place.priority] += place.size
                self._ends[place.priority] = held.mark + place.size
            elif self._last(held, now) > now + longest:
                # Others have gone before it.
                self._waiting[place.priority] -= place.size
                del self._places[place.id]
                return None
            if held.due <= now:
                self._begin(held)
            return Turn(max(0.0, held.due - now))

    def end(self, place: Place, end: PlaceEnd, *, within: float) -> None:
        """Note what became of a place.  Its second one stays kept."""
        del within
        with self._lock:
            held = self._places.pop(place.id, None)
            if held is None:  # It is the parent's, for example.
                return
            if held not in self._sent:  # Of one that another pacer let go.
                self._waiting[place.priority] -= place.size
            elif end.wait is None and not end.sent:
                self._sent.remove(held)
                self._free += 1.0
                self._likely += 1.0
            if end.wait is not None:
                self._throttled(held, end.wait)
            elif end.sent:
                self._answered(held, end)

    def give_back(self, place: Place, *, within: float) -> None:
        """Give back the second place, if it is still kept."""
        del within
        with self._lock:
            self._kept.discard(place.id)

    @property
    def _unsent(self) -> int:
        """How many places are for requests that are still to be sent."""
        return sum(self._waiting) + len(self._kept)

    def _answered(self, held: _Held, end: PlaceEnd) -> None:
        """Follow what the response says of the server's own count.

        The rate is only lowered: ``X-RateLimit-Limit`` may be the rate or the
        burst.
        """
        later = self._later(held, self._refill())
        # With less than one request nothing could be sent that brings back a
        # better limit.
        if end.limit is not None and end.limit >= 1:
            self._rate = min(self._limit.rate, end.limit / MINUTE)
        if end.left is not None:
            self._free = min(self._free, end.left - later)
            self._likely = min(self._likely, end.left)

    def _throttled(self, held: _Held, wait: float) -> None:
        """Send nothing for `wait` seconds (at most an hour), after a 429.

        Then one request is free; those that were sent later, or wait for
        their turn, share what comes after it.
        """
        now, wait = self._refill(), min(wait, _LONGEST_BLOCK)
        later = self._later(held, now)
        own = 1.0 - wait * self._rate
        self._free = min(self._free + 1.0, own - later)
        self._likely = min(self._likely + 1.0, own)
        self._blocked_until = max(self._blocked_until, now + wait)

    def _later(self, held: _Held, now: float) -> int:
        """Return how many requests were sent after one that has ended.

        The server is assumed not to have counted those, which is wrong for
        some in a burst, as they overtake each other.
        """
        self._sent.discard(held)
        began = held.place.record.began
        if self._full is not None and began is not None:
            # Until this one was sent (the first call of all waits for a
            # token), the server's bucket was full, and gained nothing.
            since = (now - began) * self._rate
            never = max(0.0, self._freed - self._full - since)
            self._free -= never
            self._likely -= never
            self._full = None
        others = [each.place.record.began for each in self._sent]
        return sum(
            other is None or (began is not None and other > began)
            for other in others
        )

    def _refill(self) -> float:
        """Add what has become free, and return the time."""
        now = self._clock()
        burst = self._limit.burst
        gained = max(0.0, now - self._at) * self._rate
        self._at = max(self._at, now)
        self._gained += gained
        self._freed += max(0.0, min(burst - self._free, gained))
        self._free = min(burst, self._free + gained)
        self._likely = min(burst, self._likely + gained)
        return now

    def _queued(self, place: Place, now: float) -> _Held:
        """Put a place behind the last one of its priority."""
        priority = place.priority
        missing = self._waiting[priority] + self._missing(priority)
        mark = self._gained - self._put_off[priority] + max(0.0, missing)
        if self._waiting[priority]:
            # What is missing may be known to those who wait, or not.
            mark = min(mark, self._ends[priority])
        return _Held(place, now, mark)

    def _missing(self, priority: Priority) -> float:
        """Return how many must become free for the first of this priority."""
        if priority is Priority.KEPT:
            # What was promised is not put off by a precaution.
            return 1.0 - self._likely
        before = sum(self._waiting[:priority])
        # More can't be saved up for them: a full bucket gains nothing.
        kept = min(len(self._kept), self._limit.burst - 1)
        return before + kept + 1.0 - self._free

    def _last(self, held: _Held, now: float) -> float:
        """Set when a place is due, and return when the last of it is."""
        priority = held.place.priority
        lag = held.mark + self._put_off[priority] - self._gained
        missing = self._missing(priority)
        if lag < _ROUNDING < missing:
            # Its turn, but others went before it, or the server has less
            # left than we counted: all of its priority go later.
            self._put_off[priority] += missing - lag
            lag = missing
        ready = now if lag < _ROUNDING else now + lag / self._rate
        held.due = max(ready, self._blocked_until)
        rest = (missing if lag < _ROUNDING else lag) + held.place.size - 1
        return max(held.due, now + rest / self._rate)

    def _begin(self, held: _Held) -> None:
        place = held.place
        self._waiting[place.priority] -= place.size
        self._sent.add(held)
        if self._free >= self._limit.burst and self._full is None:
            self._full = self._freed
        self._free -= 1.0
        self._likely -= 1.0
        if place.size > 1:
            self._kept.add(place.id)
