"""How many requests may be sent, and when."""

from __future__ import annotations

import math
from threading import Lock

import attrs

from sesamy_async._checks import Problems, check_number

from .call import Priority, Record
from .runtime import renewed_after_fork


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


@attrs.define(eq=False, repr=False)
class Reservation:
    """A place in a `Bucket`, or two: the second one is for a later call."""

    priority: Priority
    size: int
    due: float  # When its turn comes; later, if others go before it.
    taken: Taken  # Where the bucket counts it.
    record: Record
    mark: float = 0.0  # Its turn in the count of the bucket.
    keeps: bool = False  # Whether its second place is still kept.


@attrs.define(eq=False, repr=False)
class Taken:
    waiting: list[int] = attrs.field(factory=lambda: [0] * len(Priority))
    kept: int = 0  # For calls that complete those that have begun.
    sent: set[Reservation] = attrs.field(factory=set[Reservation])

    @property
    def unsent(self) -> int:
        """How many are taken for requests that are still to be sent."""
        return sum(self.waiting) + self.kept


class Bucket:
    """A token bucket that follows the server's; safe under threads.

    Places are given in the order of asking, but calls that complete others
    go first: otherwise a burst would begin everything and complete nothing.

    `reserve` takes a place; if it is due later, `turn` is called then.
    Each place ends in one of `answered`, `throttled` and `unsent`.
    All times are on the runtime's clock.
    """

    def __init__(self, limit: RateLimit, now: float) -> None:
        self.limit = limit
        self._rate = limit.rate
        # What the server would permit after counting all that was sent: at
        # least, and at most.
        self._free = float(limit.burst)
        self._likely = float(limit.burst)
        self._at = now
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
        self._taken = Taken()
        self._lock = Lock()
        renewed_after_fork(self)

    def after_fork(self) -> None:
        """Forget in a child the places of its parent."""
        self._lock = Lock()
        self._free -= self._taken.unsent
        self._likely -= self._taken.unsent
        self._taken = Taken()

    @property
    def rate(self) -> float:
        """Requests per second, as far as is known now."""
        return self._rate

    def available(self, now: float) -> float:
        """Return how many requests may be sent at once, as far as is known."""
        with self._lock:
            self._refill(now)
            if now < self._blocked_until:
                return 0.0
            return max(0.0, self._free - self._taken.unsent)

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
        """Take a place, or two; return None if that would be too late.

        Args:
            now: The time.
            latest: When the last of them must have come.
            priority: Which calls they go before.
            size: How many.  When the turn of the first has come, the second
                is kept for the call that completes this one.
            kept: The place whose second one is used; the priority is KEPT.
            record: Of the call, to see when it is really sent.
        """
        with self._lock:
            self._refill(now)
            record = record or Record()
            place = Reservation(priority, size, now, self._taken, record)
            waiting = self._taken.waiting
            missing = waiting[priority] + self._missing(priority)
            mark = self._gained - self._put_off[priority] + max(0.0, missing)
            if waiting[priority]:
                # What is missing may be known to those who wait, or not.
                mark = min(mark, self._ends[priority])
            place.mark = mark
            if self._last(place, now) > latest:
                return None
            if kept is not None:
                _drop(kept)
            waiting[priority] += size
            self._ends[priority] = mark + size
            self._begin(place, now)
            return place

    def turn(self, place: Reservation, now: float, latest: float) -> bool:
        """Look again when a place is due: others may have gone first.

        Returns whether its turn comes in time; if not, it is given back.
        """
        with self._lock:
            self._refill(now)
            if self._last(place, now) > latest:
                place.taken.waiting[place.priority] -= place.size
                return False
            self._begin(place, now)
            return True

    def give_back(self, place: Reservation) -> None:
        """Give back the second place, if it is still kept."""
        with self._lock:
            if place.keeps:
                _drop(place)

    def unsent(self, place: Reservation) -> None:
        """End a place for which nothing was sent."""
        with self._lock:
            taken = place.taken
            if place not in taken.sent:  # It still waits.
                taken.waiting[place.priority] -= place.size
                return
            taken.sent.remove(place)
            self._free += 1.0
            self._likely += 1.0

    def answered(
        self,
        place: Reservation,
        now: float,
        *,
        limit: float | None = None,
        left: float | None = None,
    ) -> None:
        """End a place whose request was sent, or may have been.

        Follow what the response says of the server's own count.  The rate is
        only lowered: ``X-RateLimit-Limit`` may be the rate or the burst.
        """
        with self._lock:
            self._refill(now)
            later = self._later(place, now)
            # With less than one request nothing could be sent that brings
            # back a better limit.
            if limit is not None and limit >= 1:
                self._rate = min(self.limit.rate, limit / MINUTE)
            if left is not None:
                self._free = min(self._free, left - later)
                self._likely = min(self._likely, left)

    def throttled(self, place: Reservation, now: float, wait: float) -> None:
        """Send nothing for `wait` seconds (at most an hour), after a 429.

        Then one request is free; those that were sent later, or wait for
        their turn, share what comes after it.
        """
        wait = min(wait, _LONGEST_BLOCK)
        with self._lock:
            self._refill(now)
            later = self._later(place, now)
            own = 1.0 - wait * self._rate
            self._free = min(self._free + 1.0, own - later)
            self._likely = min(self._likely + 1.0, own)
            self._blocked_until = max(self._blocked_until, now + wait)

    def _later(self, place: Reservation, now: float) -> int:
        """End a place; return how many requests were sent after its own.

        The server is assumed not to have counted those, which is wrong for
        some in a burst, as they overtake each other.
        """
        sent = place.taken.sent
        if place in sent:
            sent.remove(place)
        else:  # It still waits here: another pacer let it go.
            place.taken.waiting[place.priority] -= place.size
        began = place.record.began
        if self._full is not None and began is not None:
            # Until this one was sent (the first call of all waits for a
            # token), the server's bucket was full, and gained nothing.
            since = (now - began) * self._rate
            never = max(0.0, self._freed - self._full - since)
            self._free -= never
            self._likely -= never
            self._full = None
        others = [each.record.began for each in sent]
        return sum(
            other is None or (began is not None and other > began)
            for other in others
        )

    def _refill(self, now: float) -> None:
        gained = max(0.0, now - self._at) * self._rate
        self._at = max(self._at, now)
        self._gained += gained
        self._freed += max(0.0, min(self.limit.burst - self._free, gained))
        self._free = min(self.limit.burst, self._free + gained)
        self._likely = min(self.limit.burst, self._likely + gained)

    def _missing(self, priority: Priority) -> float:
        """Return how many must become free for the first of this priority."""
        if priority is Priority.KEPT:
            # What was promised is not put off by a precaution.
            return 1.0 - self._likely
        before = sum(self._taken.waiting[:priority])
        # More can't be saved up for them: a full bucket gains nothing.
        kept = min(self._taken.kept, self.limit.burst - 1)
        return before + kept + 1.0 - self._free

    def _last(self, place: Reservation, now: float) -> float:
        """Set when a place is due, and return when the last of it is."""
        priority = place.priority
        lag = place.mark + self._put_off[priority] - self._gained
        missing = self._missing(priority)
        if lag < _ROUNDING < missing:
            # Its turn, but others went before it, or the server has less
            # left than we counted: all of its priority go later.
            self._put_off[priority] += missing - lag
            lag = missing
        ready = now if lag < _ROUNDING else now + lag / self._rate
        place.due = max(ready, self._blocked_until)
        rest = (missing if lag < _ROUNDING else lag) + place.size - 1
        return max(place.due, now + rest / self._rate)

    def _begin(self, place: Reservation, now: float) -> None:
        if place.due > now:
            return
        taken = place.taken
        taken.waiting[place.priority] -= place.size
        taken.sent.add(place)
        if self._free >= self.limit.burst and self._full is None:
            self._full = self._freed
        self._free -= 1.0
        self._likely -= 1.0
        if place.size > 1:
            taken.kept += 1
            place.keeps = True


def _drop(place: Reservation) -> None:
    place.taken.kept -= 1
    place.keeps = False
