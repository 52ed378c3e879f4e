"""The one place that sends a call again."""

from __future__ import annotations

import logging
from collections.abc import Set as AbstractSet

import attrs

from sesamy_async.core.call import Call, Proceed
from sesamy_async.core.quota import Quota
from sesamy_async.core.response import Response
from sesamy_async.core.retry_policy import Reason, Resend, RetryPolicy
from sesamy_async.core.runtime import Runtime
from sesamy_async.errors import SesamyError


_log = logging.getLogger("sesamy_async")


@attrs.frozen(eq=False, repr=False)
class Retry:
    """Asks the policy, pays from the quota, waits, and sends again."""

    policy: RetryPolicy
    quota: Quota
    runtime: Runtime

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        """Send the call until it ends, at most as often as permitted."""
        owed = 1
        resent: set[Reason] = set()
        while True:
            try:
                response = await proceed(call)
            except SesamyError as error:
                failed = error
            else:
                self.quota.give_back(owed)
                return response
            resend = self._decide(call, failed, resent)
            if resend is None:
                raise failed
            _log.debug(
                "%s: attempt %d ended %s; sent again in %.3fs",
                call.operation,
                call.attempt,
                failed.outcome,
                resend.wait,
            )
            if resend.wait > 0:
                await self.runtime.sleep(resend.wait)
            resent.add(resend.reason)
            if resend.reason is not Reason.RENEWED:
                budget = self.policy.budget
                owed = budget.cost(resend.reason) if budget else 0
                call = attrs.evolve(call, attempt=call.attempt + 1)

    def _decide(
        self, call: Call, error: SesamyError, resent: AbstractSet[Reason]
    ) -> Resend | None:
        resend = self.policy.decide(call, error, self.runtime.random())
        if resend is None:
            return None
        if resend.reason is Reason.RENEWED and Reason.RENEWED in resent:
            # Nor would the next new token be accepted.
            error.retryable = False
            return None
        if self.runtime.now() + resend.wait >= call.deadline:
            error.aside = (
                f"Not sent again: to wait {resend.wait:.1f} s would pass "
                "the deadline."
            )
            return None
        if self.policy.asks_too_much(error):
            error.aside = (
                f"Not sent again: Sesamy asks to wait {resend.wait:.1f} s, "
                "more than retry.longest_wait."
            )
            return None
        budget = self.policy.budget
        if budget and not self.quota.take(budget, resend.reason):
            error.aside = "Not sent again: the retry budget is spent."
            return None
        return resend
