"""Send no faster than Sesamy permits."""

from __future__ import annotations

import attrs

from sesamy_async.core.call import Call, Proceed
from sesamy_async.core.outcome import Outcome
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

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        """Send the call when its turn has come."""
        await self._turn(call)
        try:
            response = await proceed(call)
        except RateLimitError as error:
            wait = error.retry_after
            wait = 1 / self.bucket.rate if wait is None else wait
            self.bucket.throttled(self.runtime.now(), wait)
            raise
        except APIError as error:
            self.bucket.answered(self.runtime.now(), error.headers)
            raise
        except SesamyError as error:
            self._without_answer(sent=error.outcome is not Outcome.NOT_SENT)
            raise
        except BaseException:
            self._without_answer(sent=call.record.sent is not False)
            raise
        self.bucket.answered(self.runtime.now(), response.headers)
        return response

    def _without_answer(self, *, sent: bool) -> None:
        if sent:
            self.bucket.lost()
        else:
            self.bucket.cancel()

    async def _turn(self, call: Call) -> None:
        """Wait until the call may go; whoever must wait anew queues anew."""
        while True:
            now = self.runtime.now()
            due = self.bucket.reserve(now, call.deadline)
            if due is None:
                raise DeadlineExceededError(
                    "To wait for the rate limit would pass the deadline."
                )
            if due <= now:
                return
            try:
                await self.runtime.sleep(due - now)
            except BaseException:
                self.bucket.cancel()
                raise
            if not self.bucket.blocked(self.runtime.now()):
                return
            self.bucket.cancel()
