"""Whether a failed attempt is sent again, and the only place that does it."""

from __future__ import annotations

import logging
from collections.abc import Set as AbstractSet
from enum import StrEnum
from threading import Lock

import attrs

from sesamy_async._checks import Problems, check_number
from sesamy_async._headers import TOO_MANY
from sesamy_async._outcome import Outcome
from sesamy_async.errors import (
    APIError,
    ConfigurationError,
    DeadlineExceededError,
    SesamyError,
    UnauthorizedError,
)

from .call import Call, Proceed, Response
from .pace import PacerUnavailable
from .runtime import Runtime, renewed_after_fork


class Reason(StrEnum):
    """Why an attempt may be sent again."""

    TRANSIENT = "TRANSIENT"  # The network or the service failed.
    THROTTLED = "THROTTLED"  # Too many requests: it was not processed.
    RENEWED = "RENEWED"  # The token was rejected, and there is a new one.


@attrs.frozen(kw_only=True)
class RetryBudget:
    """How many retries a client may make while nothing succeeds.

    As in the AWS standard retry mode, each retry takes points and a success
    returns them, so that retries do not make an outage worse.

    Attributes:
        capacity: The points at the beginning, and at most.
        transient: The points that a retry after a transient failure takes.
        throttled: The points that a retry after a 429 takes.
    """

    capacity: int = 500
    transient: int = 14
    throttled: int = 5

    def __attrs_post_init__(self) -> None:
        check = Problems()
        for name in ("capacity", "transient", "throttled"):
            check(check_number, f"budget.{name}", getattr(self, name))
        check.raise_all()

    def cost(self, reason: Reason) -> int:
        """Return how many points a retry takes."""
        return {
            Reason.TRANSIENT: self.transient,
            Reason.THROTTLED: self.throttled,
            Reason.RENEWED: 0,
        }[reason]


def _check_attempts(attempts: object) -> None:
    if type(attempts) is not int:
        raise ConfigurationError(
            "retry.attempts must be a whole number of at least 1."
        )
    check_number("retry.attempts", attempts, least=1)


def _check_budget(budget: object) -> None:
    if not isinstance(budget, RetryBudget | None):
        raise ConfigurationError("retry.budget must be a RetryBudget or None.")


def _check_resend(resend: object) -> None:
    if type(resend) is not bool:
        raise ConfigurationError("retry.resend_unknown must be True or False.")


@attrs.frozen(kw_only=True)
class Resend:
    """The decision to send a call again."""

    wait: float  # Seconds to wait first.
    reason: Reason


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """When the SDK sends a call again by itself.

    It only sends again what can't create a second contract: what was not
    sent, what Sesamy says it did not process (429; 401 once, with a new
    token), and what is harmless to repeat (confirm, and the unconfirmed
    create inside ``contracts.onboard``).

    Attributes:
        attempts: How often a call is sent at most, at least 1.  (The one
            retry with a new token after a 401 does not count.)
        base: Seconds; the n-th wait is a random part of
            ``base * 2 ** (n - 1)``, unless Sesamy names a wait.
        cap: Seconds; the longest wait that the SDK chooses itself.
        longest_wait: Seconds; if Sesamy asks for a longer wait, the call
            ends instead, with the wait as the error's `retry_after`.
        budget: Bounds the retries of a whole client; None for no bound.
        resend_unknown: Whether to also send a *create* again whose outcome
            is unknown.  Only use it if you know that your Sesamy treats
            externalOrderId as a key: no source says so, and otherwise one
            order becomes two contracts.
    """

    attempts: int = 4
    base: float = 0.5
    cap: float = 20.0
    # Documented limits ask for no more: 200 requests at 100 per minute.
    longest_wait: float = 120.0
    budget: RetryBudget | None = attrs.field(factory=RetryBudget)
    resend_unknown: bool = False

    def __attrs_post_init__(self) -> None:
        check = Problems()
        check(_check_attempts, self.attempts)
        for name in ("base", "cap", "longest_wait"):
            check(check_number, f"retry.{name}", getattr(self, name))
        check(_check_budget, self.budget)
        check(_check_resend, self.resend_unknown)
        check.raise_all()

    def decide(
        self, call: Call, error: SesamyError, chance: float
    ) -> Resend | None:
        """Return how to send the call again, or None if it is not.

        Args:
            call: The call that was sent.
            error: How it failed.
            chance: A random number, 0 <= chance < 1.
        """
        reason = self.reason(call, error)
        if reason is Reason.RENEWED:
            return Resend(wait=0.0, reason=reason)
        if reason is None or call.attempt >= self.attempts:
            return None
        asked = getattr(error, "retry_after", None)
        # 63 doublings pass any cap; more would overflow a float.
        step = self.base * 2.0 ** min(call.attempt - 1, 63)
        wait = chance * min(self.cap, step) if asked is None else asked
        return Resend(wait=wait, reason=reason)

    def asks_too_much(self, error: SesamyError) -> bool:
        """Return whether Sesamy asks for a wait that is too long."""
        asked = getattr(error, "retry_after", None)
        return asked is not None and asked > self.longest_wait

    def reason(self, call: Call, error: SesamyError) -> Reason | None:
        """Return why the call may be sent again, or None if it may not."""
        if isinstance(
            error,
            # The pacer was already waited for.
            DeadlineExceededError | ConfigurationError | PacerUnavailable,
        ):
            return None
        if isinstance(error, UnauthorizedError):
            return Reason.RENEWED if error.transient else None
        if isinstance(error, APIError) and error.status_code == TOO_MANY:
            return Reason.THROTTLED
        may = {
            Outcome.NOT_SENT: error.transient,
            Outcome.REFUSED: False,
            Outcome.APPLIED: call.repeatable,
            Outcome.UNKNOWN: call.repeatable
            or (self.resend_unknown and call.external_order_id is not None),
        }
        return Reason.TRANSIENT if may[error.outcome] else None


class Quota:
    """Counts the points of a `RetryBudget`; safe under threads."""

    def __init__(self) -> None:
        self._spent = 0
        self._lock = Lock()
        renewed_after_fork(self)

    def after_fork(self) -> None:
        self._lock = Lock()

    def take(self, budget: RetryBudget, reason: Reason) -> bool:
        """Pay for a retry; return False if the budget is spent."""
        cost = budget.cost(reason)
        with self._lock:
            if self._spent + cost > budget.capacity:
                return False
            self._spent += cost
            return True

    def give_back(self, points: int) -> None:
        """Return points after a success."""
        if self._spent:
            with self._lock:
                self._spent = max(0, self._spent - points)


_log = logging.getLogger("sesamy_async")


@attrs.frozen(eq=False, repr=False)
class Retry:
    """Asks the policy, pays from the quota, waits, and sends again."""

    policy: RetryPolicy
    quota: Quota
    runtime: Runtime

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
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
                if call.before_wait is not None:
                    await call.before_wait()
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
            # The next new token would not be accepted either.
            error.transient = False
            return None
        wait, budget = resend.wait, self.policy.budget
        if self.runtime.now() + wait >= call.deadline:
            aside = f"waiting {wait:.1f} s would exceed the deadline"
        elif self.policy.asks_too_much(error):
            aside = (
                f"Sesamy asks for a wait of {wait:.1f} s, more than "
                "retry.longest_wait"
            )
        elif budget and not self.quota.take(budget, resend.reason):
            aside = "the retry budget is used up"
        else:
            return resend
        error.aside = f"Not sent again: {aside}."
        return None
