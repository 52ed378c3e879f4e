"""How many requests may be sent, and when."""

from __future__ import annotations

import math
from threading import Lock

import attrs

from sesamy_async._checks import Problems, check_number
from sesamy_async._headers import Headers, rate_numbers
from sesamy_async._outcome import Outcome
from sesamy_async.errors import (
    APIError,
    DeadlineExceededError,
    RateLimitError,
    SesamyError,
)

from .call import (
    Call,
    Latency,
    Order,
    Proceed,
    Record,
    Reservation,
    Response,
    Taken,
)
from .runtime import Runtime, renewed_after_fork


_LONGEST_BLOCK = 3600.0
_ROUNDING = 1e-9  # Of a request: what sums of floats are off by.


@attrs.frozen(kw_only=True)
class RateLimit:
    """The pace that a client keeps by itself.

    The defaults are documented for Sesamy's client API; the management API
    permits 100 per 60 s and bursts of 200.  Which of the two applies to
    external orders is unknown, so the client also learns from the
    ``X-RateLimit-*`` headers and from each 429.

    Attributes:
        requests: How many requests may be sent in `per` seconds.
        per: That time.
        burst: How many may be sent at once after a rest.
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


class Bucket:
    """A token bucket that follows the server's; safe under threads.

    Each caller takes its place in advance and waits for its turn.  Places
    are given in the order of asking, but what completes a call that has
    begun goes before what begins: else a burst would begin everything and
    complete nothing.

    `reserve` takes a place; if it is due later, `turn` is called then.
    Each place ends in one of `answered`, `throttled` and `unanswered`.
    All times are on the runtime's clock.
    """

    def __init__(self, limit: RateLimit, now: float) -> None:
        self._limit = limit
        self._rate = limit.rate
        # What the server would take once it has counted all that was sent:
        # at the least, and at the most.
        self._free = float(limit.burst)
        self._likely = float(limit.burst)
        self._at = now
        # A place that waits is due when as many requests have become free
        # as its mark says, and as many more as its order was put off by.
        self._gained = 0.0
        self._put_off = [0.0] * len(Order)
        self._ends = [0.0] * len(Order)  # The mark behind the last one.
        self._blocked_until = -math.inf
        self._taken = Taken()
        self._lock = Lock()
        renewed_after_fork(self)

    def after_fork(self) -> None:
        """Begin anew in a child: what is on its way is the parent's."""
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
        order: Order = Order.NEW,
        size: int = 1,
        kept: Reservation | None = None,
        record: Record | None = None,
    ) -> Reservation | None:
        """Take a place, or two; take none and return None if too late.

        The turn of the place has come if it is due by now.

        Args:
            now: The time.
            latest: When the last of them must have come.
            order: Which calls they go before.
            size: How many.  Once the turn of the first has come, the second
                is kept for the call that completes this one.
            kept: The place whose second one is used; the order is KEPT.
            record: Of the call, to see when it is really sent.
        """
        with self._lock:
            self._refill(now)
            record = record or Record()
            place = Reservation(order, size, now, self._taken, record)
            waiting = self._taken.waiting
            missing = waiting[order] + self._missing(order)
            mark = self._gained - self._put_off[order] + max(0.0, missing)
            if waiting[order]:
                # What is missing may be known to those who wait, or not.
                mark = min(mark, self._ends[order])
            place.mark = mark
            if self._last(place, now) > latest:
                return None
            if kept is not None:
                self._drop(kept)
            waiting[order] += size
            self._ends[order] = mark + size
            self._begin(place, now)
            return place

    def turn(self, place: Reservation, now: float, latest: float) -> bool:
        """Look again when a place is due: others may have gone before it.

        Its turn has come if it is still due by now.  Returns whether it
        comes in time; if not, it is given back.
        """
        with self._lock:
            self._refill(now)
            if self._last(place, now) > latest:
                place.taken.waiting[place.order] -= place.size
                return False
            self._begin(place, now)
            return True

    def give_back(self, place: Reservation) -> None:
        """Give back the second place, if it is still kept."""
        with self._lock:
            if place.keeps:
                self._drop(place)

    def unanswered(self, place: Reservation, *, sent: bool) -> None:
        """End a place without an answer; give it back if nothing was sent."""
        with self._lock:
            taken = place.taken
            if place not in taken.sent:  # It still waits.
                taken.waiting[place.order] -= place.size
                return
            taken.sent.remove(place)
            if not sent:
                self._free += 1.0
                self._likely += 1.0

    def answered(
        self, place: Reservation, now: float, headers: Headers
    ) -> None:
        """Follow what an answer says of the server's own count.

        The rate is only ever lowered: ``X-RateLimit-Limit`` may name the
        rate or the burst.
        """
        limit, left, _ = rate_numbers(headers)
        with self._lock:
            later = self._later(place)
            # Less than one request is no limit: nothing could be sent that
            # brings back a better one.
            if limit is not None and limit >= 1:
                self._rate = min(self._limit.rate, limit / self._limit.per)
            if left is not None:
                self._refill(now)
                self._free = min(self._free, left - later)
                self._likely = min(self._likely, left)

    def throttled(self, place: Reservation, now: float, wait: float) -> None:
        """Send nothing for `wait` seconds: the server answered 429.

        For an hour at most, whatever it says.  Then one request is free,
        and those that were sent later or wait for their turn share what
        comes after it.
        """
        wait = min(wait, _LONGEST_BLOCK)
        with self._lock:
            later = self._later(place)
            self._refill(now)
            own = 1.0 - wait * self._rate
            self._free = min(self._free + 1.0, own - later)
            self._likely = min(self._likely + 1.0, own)
            self._blocked_until = max(self._blocked_until, now + wait)

    def _later(self, place: Reservation) -> int:
        """End a place; return how many requests were sent after its own.

        The server is assumed not to have counted those.  In a burst that is
        wrong for some, since they overtake each other on their way.
        """
        sent = place.taken.sent
        sent.discard(place)
        began = place.record.began
        if place.full and began is not None:
            # The server's bucket was full until then, and gained nothing:
            # the first call of all waits for a token, for example.
            never = (began - place.due) * self._rate
            self._free -= never
            self._likely -= never
        others = [each.record.began for each in sent]
        return sum(
            other is None or (began is not None and other > began)
            for other in others
        )

    def _refill(self, now: float) -> None:
        gained = max(0.0, now - self._at) * self._rate
        self._at = max(self._at, now)
        self._gained += gained
        self._free = min(self._limit.burst, self._free + gained)
        self._likely = min(self._limit.burst, self._likely + gained)

    def _missing(self, order: Order) -> float:
        """Return how many must become free for the first of this order."""
        if order is Order.KEPT:
            # What was promised is not put off by a mere precaution.
            return 1.0 - self._likely
        before = sum(self._taken.waiting[:order])
        # More can't be saved up for them: a full bucket gains nothing.
        kept = min(self._taken.kept, self._limit.burst - 1)
        return before + kept + 1.0 - self._free

    def _last(self, place: Reservation, now: float) -> float:
        """Find out when a place is due, and return when the last of it is."""
        order = place.order
        lag = place.mark + self._put_off[order] - self._gained
        missing = self._missing(order)
        if lag < _ROUNDING < missing:
            # Its turn, but others went before it, or the server has less
            # left than we counted: all of its order go later.
            self._put_off[order] += missing - lag
            lag = missing
        ready = now if lag < _ROUNDING else now + lag / self._rate
        place.due = max(ready, self._blocked_until)
        rest = (missing if lag < _ROUNDING else lag) + place.size - 1
        return max(place.due, now + rest / self._rate)

    def _begin(self, place: Reservation, now: float) -> None:
        if place.due > now:
            return
        taken = place.taken
        taken.waiting[place.order] -= place.size
        taken.sent.add(place)
        place.full = self._free >= self._limit.burst
        self._free -= 1.0
        self._likely -= 1.0
        if place.size > 1:
            taken.kept += 1
            place.keeps = True

    @staticmethod
    def _drop(place: Reservation) -> None:
        place.taken.kept -= 1
        place.keeps = False


@attrs.frozen(eq=False, repr=False)
class Pace:
    """Waits for a place in the bucket, and reports how the call ended."""

    bucket: Bucket
    runtime: Runtime
    latency: Latency

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        place = await self._turn(call)
        try:
            response = await proceed(call)
        except RateLimitError as error:
            wait = error.retry_after
            wait = 1 / self.bucket.rate if wait is None else wait
            self.bucket.throttled(place, self.runtime.now(), wait)
            raise
        except APIError as error:
            self.bucket.answered(place, self.runtime.now(), error.headers)
            raise
        except SesamyError as error:
            sent = error.outcome is not Outcome.NOT_SENT
            self.bucket.unanswered(place, sent=sent)
            raise
        except BaseException:
            sent = call.record.sent is not False
            self.bucket.unanswered(place, sent=sent)
            raise
        self.bucket.answered(place, self.runtime.now(), response.headers)
        return response

    async def _turn(self, call: Call) -> Reservation:
        """Wait until the call may go, with a place for what completes it."""
        call.record.began = None  # That was another attempt.
        begun = now = self.runtime.now()
        place = self._reserve(call, begun)
        while place is not None and place.due > now:
            try:
                await self.runtime.sleep(place.due - now)
            except BaseException:
                self.bucket.unanswered(place, sent=False)
                raise
            now = self.runtime.now()
            latest = self.latency.latest(call, begun)
            if not self.bucket.turn(place, now, latest):
                place = None
        if place is None:
            raise DeadlineExceededError(
                "Waiting for the rate limit would exceed the deadline."
            )
        if call.kept is not None and place.keeps:
            call.kept.place = place
        return place

    def _reserve(self, call: Call, now: float) -> Reservation | None:
        place = None if call.kept is None else call.kept.place
        full = place if place is not None and place.keeps else None
        order, size = Order.NEW, 1
        if call.completes:
            order = Order.COMPLETING if full is None else Order.KEPT
        elif call.kept is not None and full is None:
            size = 2
        return self.bucket.reserve(
            now,
            self.latency.latest(call, now),
            order=order,
            size=size,
            kept=full if call.completes else None,
            record=call.record,
        )
