"""The way of a call, and the boundary at which every end is known."""

from __future__ import annotations

from typing import NoReturn

import attrs

from .core.call import Call, Middleware, Proceed
from .core.explain import explain_answer
from .core.outcome import Outcome
from .core.quota import Quota
from .core.response import Response
from .core.retry_policy import RetryPolicy
from .core.status import SUCCESS
from .errors import (
    ConfigurationError,
    DeadlineExceededError,
    SesamyError,
)
from .middleware.authorize import Authorize
from .middleware.chain import chain
from .middleware.deadline import Deadline
from .middleware.log import Log
from .middleware.pace import Pace
from .middleware.retry import Retry
from .shared import Shared


@attrs.frozen(eq=False, repr=False)
class Pipeline:
    """Walks calls through all middleware, outermost first."""

    _proceed: Proceed

    @classmethod
    def of(cls, shared: Shared, retry: RetryPolicy) -> Pipeline:
        """Put the layers in their order."""
        runtime = shared.runtime
        layers: list[Middleware] = [
            *shared.middleware,
            described,
            Log(runtime),
            Deadline(runtime),
            Retry(retry, shared.quota, runtime),
        ]
        if shared.bucket is not None:
            latency = shared.transport.latency
            layers.append(Pace(shared.bucket, runtime, latency))
        layers.append(Authorize(shared.auth))
        return cls(chain(layers, shared.exchange))

    @classmethod
    def ahead(cls, shared: Shared, retry: RetryPolicy) -> Pipeline:
        """Put together the way of a call that only opens a connection.

        Neither the caller's middleware nor the pace is on it, since no
        operation is sent.
        """
        runtime = shared.runtime
        layers: list[Middleware] = [
            described,
            Deadline(runtime),
            # A probe that succeeds pays for no retries of orders.
            Retry(retry, Quota(), runtime),
            Authorize(shared.auth),
        ]
        return cls(chain(layers, shared.exchange.connect))

    async def perform(self, call: Call) -> Response:
        """Send a call and return Sesamy's answer.

        Raises:
            SesamyError: Whatever happened, with what became of the call.
        """
        try:
            response = await self._proceed(call)
            _check_response(call, response)
            if call.read is not None and response.parsed is None:
                # A middleware of the caller's made an answer of its own.
                value = call.read(call, response)
                response = attrs.evolve(response, parsed=value)
        except SesamyError as error:
            describe(call, error)
            raise
        except Exception as error:  # noqa: BLE001 - every end is known
            foreign = error
        except BaseException as error:  # noqa: BLE001 - raised again
            self._interrupted(call, error)
        else:
            return response
        raised = SesamyError(
            f"{type(foreign).__name__} was raised by a middleware, an auth, "
            "a before_send or a transport that is not the SDK's.",
            outcome=call.record.outcome_of_foreign,
        )
        describe(call, raised)
        raise raised from foreign

    @staticmethod
    def _interrupted(call: Call, error: BaseException) -> NoReturn:
        """Leave word of what became of a call that was cancelled."""
        said = SesamyError(
            "Interrupted.", outcome=call.record.outcome_of_foreign
        )
        describe(call, said)
        error.add_note(str(said))
        raise error


def _check_response(call: Call, value: object) -> None:
    if not isinstance(value, Response):
        raise ConfigurationError(
            f"A middleware returned no Response but {type(value).__name__}."
        )
    if value.status_code not in SUCCESS:
        # Not ours, which are all successes: to read it as one would be to
        # take a middleware's 503 for a contract that is confirmed.
        raise explain_answer(call, value, wall=0.0)


async def described(call: Call, proceed: Proceed) -> Response:
    """Complete errors before the caller's own middleware sees them.

    And keep count of what that middleware has let go on.
    """
    record = call.record
    record.entered = True
    record.under_way += 1
    try:
        try:
            return await proceed(call)
        finally:
            record.under_way -= 1
    except SesamyError as error:
        describe(call, error)
        raise


def describe(call: Call, error: SesamyError) -> None:
    """Complete an error with what is known of the whole call."""
    error.operation = call.operation
    error.attempts = call.record.attempts
    error.external_order_id = call.external_order_id
    error.contract_id = call.contract_id
    error.outcome = call.record.settle(error.outcome)
    if call.record.under_way and error.outcome.settled:
        # A middleware gave up, but what it let go on may yet be sent.
        error.outcome = Outcome.UNKNOWN
    if error.outcome in {Outcome.UNKNOWN, Outcome.APPLIED}:
        error.retryable = call.repeatable
    elif isinstance(error, DeadlineExceededError):
        # Retryable for the caller: for us there was no time left.
        error.retryable = True
