"""Send no faster than Sesamy permits."""

from __future__ import annotations

import attrs

from sesamy_async.core.call import Call, Proceed
from sesamy_async.core.headers import Headers
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
            self.bucket.throttled(self.runtime.now(), wait)
            raise
        except APIError as error:
            self._answered(call, error.headers)
            raise
        except SesamyError as error:
            if error.outcome is Outcome.NOT_SENT:
                self.bucket.cancel(place)
            raise
        except BaseException:
            if call.record.sent is False:
                self.bucket.cancel(place)
            raise
        self._answered(call, response.headers)
        return response

    def _answered(self, call: Call, headers: Headers) -> None:
        now, began = self.runtime.now(), call.record.began
        self.bucket.answered(now, headers, began)

    async def _turn(self, call: Call) -> Place:
        """Wait until the call may go, with a place for what completes it."""
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
        latest = self.latency.latest(call, now)
        kept = call.kept
        full = kept is not None and kept.full
        if not call.completes:
            size = 2 if kept is not None and not full else 1
            return self.bucket.reserve(now, latest, size=size)
        if kept is None or not full:
            return self.bucket.reserve(now, latest, order=Order.COMPLETING)
        return self.bucket.reserve(
            now, latest, order=Order.KEPT, kept=kept.place
        )
