"""The layers of a call; every call leaves them with a known outcome."""

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
from ._once import Once
from ._outcome import Outcome
from ._settings import HEADERS, Settings
from ._wire import RecentIds
from .errors import BecameNote, ConfigurationError, SesamyError


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Shared:
    """What a client shares with its `with_options` copies."""

    exchange: Exchange
    auth: Auth
    bucket: Bucket | None  # None for no pace.
    recent: RecentIds | None  # None where orders may share a contract.
    once: Once | None  # None without a store of orders.
    middleware: Sequence[Middleware]  # The user's own, outermost first.
    quota: Quota = attrs.field(factory=Quota)


def _layers(shared: Shared, retry: RetryPolicy) -> Proceed:
    """Return what an operation goes through."""
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


def _connecting(shared: Shared, retry: RetryPolicy) -> Proceed:
    """Return what `ready` goes through: it sends no operation.

    So it passes neither the user's middleware nor the pace.
    """
    runtime = shared.exchange.runtime
    layers: list[Middleware] = [
        described,
        Deadline(runtime),
        # Its own: a probe that succeeds must not pay for orders' retries.
        Retry(retry, Quota(), runtime),
        Authorize(shared.auth),
    ]
    return chain(layers, shared.exchange.connect)


async def described(call: Call, proceed: Proceed) -> Response:
    """Complete errors before the user's own middleware sees them.

    It counts what that middleware leaves under way, too.
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


def describe(call: Call, error: SesamyError) -> SesamyError:
    """Complete an error with what is known of the whole call; return it."""
    error.operation = call.operation
    error.attempts = call.record.attempts
    error.external_order_id = call.external_order_id
    error.contract_id = call.contract_id
    error.repeatable = call.repeatable
    error.outcome = call.record.settle(error.outcome)
    if call.record.under_way and error.outcome.nothing_done:
        # A middleware gave up, but what is under way may yet be sent.
        error.outcome = Outcome.UNKNOWN
    return error


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
        words = (
            f"{type(error).__name__} was raised by a middleware, an auth, "
            "a before_send or a transport that is not the SDK's."
        )
        raise _foreign(call, words) from error
    except BaseException as error:
        error.add_note(BecameNote.of(_foreign(call, "Interrupted.")))
        raise
    return response


def _foreign(call: Call, words: str) -> SesamyError:
    outcome = call.record.outcome_of_foreign
    return describe(call, SesamyError(words, outcome=outcome))


def _check_response(call: Call, value: object) -> None:
    if not isinstance(value, Response):
        raise ConfigurationError(
            f"A middleware must return a Response, not {type(value).__name__}."
        )
    if value.status_code not in SUCCESS:
        # A middleware's own: a 503 of it must not confirm a contract.
        raise explain_answer(call, value, wall=0.0)


class Caller:
    """Makes and sends the calls of a client or of a `with_options` copy."""

    def __init__(self, settings: Settings, shared: Shared) -> None:
        self.settings = settings
        self.shared = shared
        self._proceed = _layers(shared, settings.retry)
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
        """Return a call; `facts` are what else a `Call` has.

        The target is the path and query below base_url, encoded.
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
        """Send a call and return Sesamy's answer, or raise its outcome."""
        exchange = self.shared.exchange
        exchange.check_open(completes=call.kept in exchange.begun)
        return await _perform(self._proceed, call)

    async def ready(self) -> None:
        """Get a token, and open a connection."""
        self.shared.exchange.check_open()
        call = self.call("ready", "GET", "/", repeatable=True)
        await _perform(_connecting(self.shared, self.settings.retry), call)

    @contextmanager
    def keeping(self) -> Generator[Kept]:
        """Keep a place for a second call; give it back if not used."""
        kept = Kept()
        try:
            yield kept
        finally:
            self.shared.exchange.begun.discard(kept)
            bucket = self.shared.bucket
            if bucket is not None and kept.place is not None:
                bucket.give_back(kept.place)
