"""The way of a call, and the boundary at which every outcome is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, NoReturn

import attrs

from ._call import (
    Auth,
    Authorize,
    BeforeSend,
    Bucket,
    Call,
    Deadline,
    Exchange,
    Kept,
    Lifetime,
    LogCalls,
    Middleware,
    Pace,
    Proceed,
    Quota,
    RateLimit,
    Request,
    Response,
    Retry,
    RetryPolicy,
    Runtime,
    Secret,
    Transport,
    chain,
    explain_answer,
    renewed_after_fork,
)
from ._headers import SUCCESS, merged
from ._outcome import Outcome
from ._settings import HEADERS, Settings
from .auth import bind
from .errors import ConfigurationError, SesamyError


class RecentIds:
    """Remembers the contract ids that a client got, the latest of them.

    It keeps hashes (64 bits, of a secret seed) instead of the ids: an id
    may have megabytes, and none of them is ever told.

    Args:
        most: How many ids it remembers.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._orders: dict[int, int] = {}
        self._lock = Lock()
        renewed_after_fork(self)

    def after_fork(self) -> None:
        """Begin anew in a child: another thread may have held the lock."""
        self._lock = Lock()

    def belongs(self, vendor: str, contract_id: str, order: str) -> bool:
        """Return whether a contract is this order's, as far as is known.

        A contract that is not known is given to the order.

        Args:
            vendor: The publisher.
            contract_id: What was answered.
            order: The externalOrderId.
        """
        key, owner = hash((vendor, contract_id)), hash(order)
        with self._lock:
            known = self._orders.pop(key, owner)
            self._orders[key] = known  # As the latest one.
            if len(self._orders) > self._most:
                del self._orders[next(iter(self._orders))]
        return known == owner


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Shared:
    """What a client shares with its `with_options` copies.

    Attributes:
        runtime: Time and waiting.
        transport: The connections.
        exchange: Sends one attempt over them.
        auth: Where the Authorization value comes from.
        quota: The retry budget.
        bucket: The pace; None for none.
        recent: Which order got which contract; None where orders may
            share one.
        middleware: The caller's own.
        lifetime: Whether they are closed.
    """

    runtime: Runtime
    transport: Transport
    exchange: Exchange
    auth: Auth
    quota: Quota
    bucket: Bucket | None
    recent: RecentIds | None
    middleware: Sequence[Middleware]
    lifetime: Lifetime

    @classmethod
    def of(
        cls,
        runtime: Runtime,
        transport: Transport,
        *,
        auth: object,
        token_url: str,
        rate_limit: RateLimit | None,
        middleware: Sequence[Middleware],
        shared_contracts: bool,
    ) -> Shared:
        """Put together what is used by all calls.

        Args:
            runtime: Time and waiting.
            transport: The connections.
            auth: What `bind` takes.
            token_url: Where client credentials are traded for a token.
            rate_limit: The pace; None for none.
            middleware: The caller's own, outermost first.
            shared_contracts: Whether orders may share a contract.

        Raises:
            ConfigurationError: `auth` is nothing that authorizes.
        """
        lifetime = Lifetime()
        exchange = Exchange(transport, runtime, lifetime)
        return cls(
            runtime=runtime,
            transport=transport,
            exchange=exchange,
            auth=bind(
                auth, token_url=token_url, runtime=runtime, exchange=exchange
            ),
            quota=Quota(),
            bucket=Bucket(rate_limit, runtime.now()) if rate_limit else None,
            recent=None if shared_contracts else RecentIds(),
            middleware=tuple(middleware),
            lifetime=lifetime,
        )


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
            LogCalls(runtime),
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
    error.repeatable = call.repeatable
    error.outcome = call.record.settle(error.outcome)
    if call.record.under_way and error.outcome.nothing_done:
        # A middleware gave up, but what it let go on may yet be sent.
        error.outcome = Outcome.UNKNOWN


_JSON = {"Content-Type": "application/json"}


@attrs.frozen(eq=False, repr=False)
class Caller:
    """What a client and its resources have in common.

    Attributes:
        settings: Those of this client or `with_options` copy.
        shared: What it shares with its copies.
        pipeline: The way of its calls.
        headers: Those of each call: ours, and those of the settings.
        with_body: The same, of each call with a body.
    """

    settings: Settings
    shared: Shared
    pipeline: Pipeline
    headers: Mapping[str, str]
    with_body: Mapping[str, str]

    @classmethod
    def of(cls, settings: Settings, shared: Shared) -> Caller:
        """Put together the way of the calls."""
        return cls(
            settings,
            shared,
            Pipeline.of(shared, settings.retry),
            merged(HEADERS, settings.headers),
            merged({**HEADERS, **_JSON}, settings.headers),
        )

    def deadline(self) -> float:
        """Return when a call that begins now must have ended."""
        return self.shared.runtime.now() + self.settings.deadline

    def call(
        self,
        operation: str,
        method: str,
        target: str,
        content: bytes,
        *,
        repeatable: bool = False,
        deadline: float | None = None,
        external_order_id: str | None = None,
        contract_id: str | None = None,
        order: Secret | None = None,
        max_response_size: int | None = None,
        completes: bool = False,
        kept: Kept | None = None,
        read: Callable[[Call, Response], Any] | None = None,
        before_send: BeforeSend | None = None,
    ) -> Call:
        """Return a call.

        Args:
            operation: Its name, for messages and logs.
            method: Of HTTP.
            target: Path and query below base_url, encoded.
            content: The JSON body; empty for none.
            repeatable: Whether doing it twice is the same as once.
            deadline: When it must have ended; by default as set.
            external_order_id: The order it is about.
            contract_id: The contract it is about.
            order: The JSON of that order, where it is known.
            max_response_size: Bytes that a success may have at most.
            completes: Whether it completes what another one began.
            kept: What is kept for the one that completes it.
            read: Reads a success.
            before_send: Awaited before each attempt.
        """
        return Call(
            operation=operation,
            request=Request(
                method=method,
                url=f"{self.settings.base_url}{target}",
                headers=dict(self.with_body if content else self.headers),
                content=content,
            ),
            deadline=self.deadline() if deadline is None else deadline,
            timeout=self.settings.timeout,
            repeatable=repeatable,
            external_order_id=external_order_id,
            contract_id=contract_id,
            order=order,
            max_response_size=max_response_size,
            completes=completes,
            kept=kept,
            read=read,
            before_send=before_send,
        )

    async def ready(self) -> None:
        """Get a token, and open a connection.

        Raises:
            SesamyError: One of them can't be had.
        """
        shared = self.shared
        shared.lifetime.check()
        call = self.call("ready", "GET", "/", b"", repeatable=True)
        await Pipeline.ahead(shared, self.settings.retry).perform(call)

    @contextmanager
    def keeping(self) -> Iterator[Kept]:
        """Keep what a second call will need; give back what it did not."""
        kept = Kept()
        try:
            yield kept
        finally:
            bucket = self.shared.bucket
            if bucket is not None and kept.place is not None:
                bucket.give_back(kept.place)

    async def perform(self, call: Call) -> Response:
        """Send a call and return Sesamy's answer.

        Raises:
            SesamyError: Whatever happened, with what became of the call.
        """
        self.shared.lifetime.check()
        return await self.pipeline.perform(call)
