"""The layers of a call; every call leaves them with a known outcome."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import attrs

from ._call import (
    Auth,
    Authorize,
    Call,
    Deadline,
    Exchange,
    Kept,
    LogCalls,
    Middleware,
    Pace,
    Pacer,
    Proceed,
    Quota,
    RateLimit,
    Record,
    Request,
    Response,
    Retry,
    RetryPolicy,
    chain,
    check_pacer,
    explain_answer,
    give_back,
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
    authorizing: object  # What that was made of.
    rate_limit: RateLimit | Pacer | None  # As given; None for no pace.
    pacer: Pacer | None
    recent: RecentIds | None  # None where orders may share a contract.
    once: Once | None  # None without a store of orders.
    middleware: Sequence[Middleware]  # The user's own, outermost first.
    blocking: bool  # Whether no await suspends.
    quota: Quota = attrs.field(factory=Quota)


def _layers(shared: Shared, retry: RetryPolicy) -> Proceed:
    """Return what an operation goes through."""
    exchange, runtime = shared.exchange, shared.exchange.runtime
    layers: list[Middleware] = [
        *shared.middleware,
        LogCalls(runtime),
        described,
        Deadline(runtime),
        Retry(retry, shared.quota, runtime),
    ]
    if shared.pacer is not None:
        latency = exchange.transport.latency
        layers.append(Pace(shared.pacer, runtime, latency))
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
        partial(_with_servers, shared),
        # Its own: a probe that succeeds must not pay for orders' retries.
        Retry(retry, Quota(), runtime),
        Authorize(shared.auth),
    ]
    return chain(layers, shared.exchange.connect)


async def _with_servers(
    shared: Shared, call: Call, proceed: Proceed
) -> Response:
    """See whether the store of orders and the pacer are there, too."""
    response = await proceed(call)
    once, pacer = shared.once, shared.pacer
    if once is not None:
        await once.ask(once.store.salt, call.deadline)
    if pacer is not None:
        runtime = shared.exchange.runtime
        await check_pacer(pacer, call.deadline - runtime.now(), runtime)
    return response


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
    record = call.record
    error.operation = call.operation
    error.attempts = record.attempts
    error.external_order_id = call.external_order_id
    error.contract_id = call.contract_id or record.contract_id
    # What a middleware gave up, but is under way, may yet be sent: or even
    # be confirmed.
    if record.under_way and error.outcome.nothing_done:
        error.outcome = Outcome.UNKNOWN
    error.repeatable = call.repeatable or (
        record.repeatable and not record.under_way
    )
    stopped(record, error)
    return error


def stopped(record: Record, error: SesamyError) -> None:
    """Say where a call stopped, an onboarding in which step, and what of it.

    That is what the error means for the whole call.
    """
    if record.step is not None:
        error.step = record.step
        made = record.step == "confirm" and error.outcome is Outcome.NOT_SENT
        unread = record.step == "create" and error.outcome is Outcome.APPLIED
        if made or unread:
            error.outcome = Outcome.UNKNOWN
        if made:
            error.aside = f"The confirm was not sent. {error.aside}".rstrip()
    error.outcome = record.settle(error.outcome)
    if error.resumable is None and not error.outcome.nothing_done:
        error.resumable = record.resumable


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
        ours = {**HEADERS, "User-Agent": settings.user_agent}
        self._headers = merged(ours, settings.default_headers)
        ours["Content-Type"] = "application/json"
        self._with_body = merged(ours, settings.default_headers)

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
        life = self.shared.exchange.life
        life.check_open(completes=call.kept in life.begun)
        return await _perform(self._proceed, call)

    async def operate(self, call: Call, steps: Proceed) -> Response:
        """Do what consists of several calls, as one for all middleware."""
        layers: list[Middleware] = [
            *self.shared.middleware,
            LogCalls(self.shared.exchange.runtime),
            described,
        ]
        return await _perform(chain(layers, steps), call)

    async def ready(self) -> None:
        """Get a token, and open a connection."""
        self.shared.exchange.life.check_open()
        call = self.call("ready", "GET", "/", repeatable=True)
        await _perform(_connecting(self.shared, self.settings.retry), call)

    @contextmanager
    def keeping(self) -> Generator[Kept]:
        """Keep a place for a second call; give it back if not used."""
        kept = Kept()
        try:
            yield kept
        finally:
            self.shared.exchange.life.begun.discard(kept)
            pacer, runtime = self.shared.pacer, self.shared.exchange.runtime
            if pacer is not None and kept.place is not None:
                give_back(pacer, kept.place, runtime)
