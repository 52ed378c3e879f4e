"""Send no faster than Sesamy permits."""

from __future__ import annotations

import attrs

from sesamy_async.core.call import Call, Proceed
from sesamy_async.core.latency import Latency
from sesamy_async.core.outcome import Outcome
from sesamy_async.core.place import Order, Place
from sesamy_async.core.rate_limit import Bucket
from sesamy_async.core.response import Response
from sesamy_async.core.runtime import Runtime
from sesamy_async.errors import (
    APIError,
    DeadlineExceededError,
    RateLimitError,
    SesamyError,
)


@attrs.frozen(eq=False, repr=False)
class Pace:
    """Waits for a place in the bucket, and tells it what came back."""

    bucket: Bucket
    runtime: Runtime
    latency: Latency

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        """Send the call when its turn has come."""
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
            self._without_answer(place, sent=sent)
            raise
        except BaseException:
            sent = call.record.sent is not False
            self._without_answer(place, sent=sent)
            raise
        self.bucket.answered(place, self.runtime.now(), response.headers)
        return response

    def _without_answer(self, place: Place, *, sent: bool) -> None:
        if sent:
            self.bucket.lost(place)
        else:
            self.bucket.cancel(place)

    async def _turn(self, call: Call) -> Place:
        """Wait until the call may go, with a place for what completes it."""
        call.record.began = None  # That was another attempt.
        begun = self.runtime.now()
        place = self._reserve(call, begun)
        if place is None or not await self._came(place, call, begun):
            raise DeadlineExceededError(
                "To wait for the rate limit would pass the deadline."
            )
        if call.kept is not None and place.keeps:
            call.kept.place = place
        return place

    async def _came(self, place: Place, call: Call, begun: float) -> bool:
        """Wait for the turn; return whether it can still come in time."""
        now = begun
        while place.due > now:
            try:
                await self.runtime.sleep(place.due - now)
            except BaseException:
                self.bucket.cancel(place)
                raise
            now = self.runtime.now()
            latest = self.latency.latest(call, begun)
            if not self.bucket.turn(place, now, latest):
                return False
        return True

    def _reserve(self, call: Call, now: float) -> Place | None:
        latest, kept = self.latency.latest(call, now), call.kept
        full = kept.place if kept is not None and kept.full else None
        order, size = Order.NEW, 1
        if call.completes:
            order = Order.COMPLETING if full is None else Order.KEPT
        elif kept is not None and full is None:
            size = 2
        return self.bucket.reserve(
            now,
            latest,
            order=order,
            size=size,
            kept=full if call.completes else None,
            record=call.record,
        )
