"""The way of a call, and the boundary at which every outcome is known."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs

from ._call import (
    Auth,
    Authorize,
    Bucket,
    Call,
    Deadline,
    Exchange,
    Kept,
    LogCalls,
    Middleware,
    Pace,
    Proceed,
    Quota,
    Request,
    Response,
    Retry,
    RetryPolicy,
    chain,
    explain_answer,
)
from ._headers import SUCCESS, merged
from ._outcome import Outcome
from ._settings import HEADERS, Settings
from ._wire import RecentIds
from .errors import ConfigurationError, SesamyError


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Shared:
    """What a client shares with its `with_options` copies.

    Attributes:
        exchange: Sends one attempt over the connections.
        auth: Where the Authorization value comes from.
        bucket: The pace; None for none.
        recent: Which order got which contract; None where orders may
            share one.
        middleware: The user's own, outermost first.
        quota: The retry budget.
    """

    exchange: Exchange
    auth: Auth
    bucket: Bucket | None
    recent: RecentIds | None
    middleware: Sequence[Middleware]
    quota: Quota = attrs.field(factory=Quota)


def _way(shared: Shared, retry: RetryPolicy) -> Proceed:
    """Return the way of the operations, through all middleware."""
    exchange, runtime = shared.exchange, shared.exchange.runtime
    layers: list[Middleware] = [
        *shared.middleware,
        described,
        LogCalls(runtime),
        Deadline(runtime),
        Retry(retry, shared.quota, runtime),
    ]
    if shared.bucket is not None:
        latency = exchange.transport.latency
        layers.append(Pace(shared.bucket, runtime, latency))
    layers.append(Authorize(shared.auth))
    return chain(layers, exchange)


def _way_ahead(shared: Shared, retry: RetryPolicy) -> Proceed:
    """Return the way of a call that only opens a connection.

    The user's middleware and the pace are not on it, since no operation is
    sent.
    """
    runtime = shared.exchange.runtime
    layers: list[Middleware] = [
        described,
        Deadline(runtime),
        # A probe that succeeds pays for no retries of orders.
        Retry(retry, Quota(), runtime),
        Authorize(shared.auth),
    ]
    return chain(layers, shared.exchange.connect)


async def described(call: Call, proceed: Proceed) -> Response:
    """Complete errors before the user's own middleware sees them.

    And count what that middleware lets go on.
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
    error.repeatable = call.repeatable
    error.outcome = call.record.settle(error.outcome)
    if call.record.under_way and error.outcome.nothing_done:
        # A middleware gave up, but what it let go on may yet be sent.
        error.outcome = Outcome.UNKNOWN


async def _perform(proceed: Proceed, call: Call) -> Response:
    """Send a call; every error that leaves says what became of it."""
    try:
        response = await proceed(call)
        _check_response(call, response)
        if call.read is not None and response.parsed is None:
            # The user's middleware made an answer of its own.
            value = call.read(call, response)
            response = attrs.evolve(response, parsed=value)
    except SesamyError as error:
        describe(call, error)
        raise
    except Exception as error:
        raised = SesamyError(
            f"{type(error).__name__} was raised by a middleware, an auth, "
            "a before_send or a transport that is not the SDK's.",
            outcome=call.record.outcome_of_foreign,
        )
        describe(call, raised)
        raise raised from error
    except BaseException as error:
        said = SesamyError(
            "Interrupted.", outcome=call.record.outcome_of_foreign
        )
        describe(call, said)
        error.add_note(str(said))
        raise
    return response


def _check_response(call: Call, value: object) -> None:
    if not isinstance(value, Response):
        raise ConfigurationError(
            f"A middleware must return a Response, not {type(value).__name__}."
        )
    if value.status_code not in SUCCESS:
        # Not ours: our own are all successes.  To read it as a success
        # would take a middleware's 503 for a confirmed contract.
        raise explain_answer(call, value, wall=0.0)


class Caller:
    """What a client and its resources make their calls with.

    Args:
        settings: Those of this client or `with_options` copy.
        shared: What it shares with its copies.
    """

    def __init__(self, settings: Settings, shared: Shared) -> None:
        self.settings = settings
        self.shared = shared
        self._proceed = _way(shared, settings.retry)
        self._headers = merged(HEADERS, settings.headers)
        json = {"Content-Type": "application/json"}
        self._with_body = merged({**HEADERS, **json}, settings.headers)

    def deadline(self) -> float:
        """Return when a call that begins now must have ended."""
        return self.shared.exchange.runtime.now() + self.settings.deadline

    def call(
        self,
        operation: str,
        method: str,
        target: str,
        content: bytes = b"",
        **facts: Any,
    ) -> Call:
        """Return a call.

        Args:
            operation: Its name, for messages and logs.
            method: The HTTP method.
            target: Path and query below base_url, encoded.
            content: The JSON body; empty for none.
            facts: What else a `Call` has.
        """
        request = Request(
            method=method,
            url=f"{self.settings.base_url}{target}",
            headers=dict(self._with_body if content else self._headers),
            content=content,
        )
        facts.setdefault("deadline", self.deadline())
        return Call(
            operation=operation,
            request=request,
            timeout=self.settings.timeout,
            **facts,
        )

    async def perform(self, call: Call) -> Response:
        """Send a call and return Sesamy's answer.

        Raises:
            SesamyError: Whatever happened, with what became of the call.
        """
        self.shared.exchange.check_open()
        return await _perform(self._proceed, call)

    async def ready(self) -> None:
        """Get a token, and open a connection."""
        self.shared.exchange.check_open()
        call = self.call("ready", "GET", "/", repeatable=True)
        await _perform(_way_ahead(self.shared, self.settings.retry), call)

    @contextmanager
    def keeping(self) -> Generator[Kept]:
        """Keep what a second call needs; give back what it did not use."""
        kept = Kept()
        try:
            yield kept
        finally:
            bucket = self.shared.bucket
            if bucket is not None and kept.place is not None:
                bucket.give_back(kept.place)
