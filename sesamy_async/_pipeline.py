"""What a client is built of, and the layers that its calls pass.

`build` checks the settings and makes the parts; `Caller` puts the layers in
order, and every call leaves them with a known outcome.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
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
    Lifetime,
    LogCalls,
    MemoryPacer,
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
    Runtime,
    Secret,
    chain,
    check_pacer,
    explain_answer,
    give_back,
)
from ._checks import Problems
from ._headers import SUCCESS, merged
from ._once import Once, once_of, place_of
from ._outcome import Outcome
from ._payloads import RecentIds
from ._settings import (
    BASE_URL,
    HEADERS,
    TOKEN_URL,
    Settings,
    SettingsSource,
    check_app,
    check_flag,
    check_headers,
    check_middleware,
    check_rate_limit,
    check_retry,
    check_seconds,
    start_log,
)
from .auth import ClientCredentials, bind
from .auth._credentials import credentials_from
from .errors import (
    BecameNote,
    ConfigurationError,
    DeadlineExceededError,
    SesamyError,
)


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
    quota: Quota


def build(
    given: Mapping[str, Any], runtime: Runtime, *, blocking: bool
) -> Caller:
    """Return what makes the calls of a new client.

    Raises:
        ConfigurationError: It names all arguments that are wrong.
    """
    source = SettingsSource(os.environ)
    return _Building(given, source, runtime, blocking).build()


def rebuild(caller: Caller, **given: Any) -> Caller:
    """Return what makes the calls of a copy of a client, or one call.

    What is given as None is as in the client.

    Raises:
        ConfigurationError: It names all arguments that are wrong.
    """
    changes = {name: given[name] for name in given if given[name] is not None}
    if not changes:
        return caller
    runtime, blocking = caller.shared.exchange.runtime, caller.shared.blocking
    # What is not given is as in the client, and not from the environment.
    source = SettingsSource({})
    return _Building(changes, source, runtime, blocking, caller).build()


_CREDENTIALS = ("auth", "client_id", "client_secret")


@attrs.frozen(eq=False, repr=False)
class _Building:
    """Checks the arguments, and makes of them what a client needs."""

    given: Mapping[str, Any]
    source: SettingsSource
    runtime: Runtime
    blocking: bool
    base: Caller | None = None
    check: Problems = attrs.field(factory=Problems)

    def is_given(self, *names: str) -> bool:
        """Whether a part has to be made: all of them for a new client."""
        return self.base is None or any(name in self.given for name in names)

    def build(self) -> Caller:
        check, given, is_given = self.check, self.given, self.is_given
        parts: dict[str, Any]
        if self.base is None:
            check(start_log, self.source)
            parts = {"blocking": self.blocking, "quota": Quota()}
        else:
            parts = attrs.asdict(self.base.shared, recurse=False)
        settings = self._settings()
        if is_given("middleware"):
            parts["middleware"] = check(check_middleware, given["middleware"])
        if is_given("shared_contracts"):
            name = "shared_contracts"
            may_share = check(check_flag, name, given[name])
            parts["recent"] = None if may_share else RecentIds()
        if is_given(*_CREDENTIALS):
            parts["authorizing"] = check(
                credentials_from,
                given.get("auth"),
                given.get("client_id"),
                Secret.hide(given.get("client_secret")),
                self.source,
            )
        authorizing = parts["authorizing"]
        if is_given("transport"):
            parts["exchange"] = self._exchange(settings, authorizing)
        exchange: Exchange = parts["exchange"]
        if is_given("transport", "app_info", "token_url", *_CREDENTIALS):
            parts["auth"] = authorizing and check(
                bind,
                authorizing,
                token_url=settings.token_url,
                runtime=self.runtime,
                exchange=exchange,
                user_agent=settings.user_agent,
            )
        if is_given("rate_limit"):
            limit = check(check_rate_limit, given["rate_limit"])
            parts["rate_limit"] = limit
        parts["pacer"] = self._pacer(parts["rate_limit"])
        once = self._once(settings, shared=parts["recent"] is None)
        parts["once"] = once
        check.raise_all()
        if is_given("transport"):
            exchange.life.transports.append(exchange.transport)
        if once is not None and once.owned and is_given("idempotency"):
            exchange.life.ends.append(once.aclose)
        return Caller(settings, Shared(**parts))

    def _settings(self) -> Settings:
        source, check, given = self.source, self.check, self.given
        checks: dict[str, Callable[[Any], Any]] = {
            "vendor_id": source.vendor,
            "base_url": partial(source.url, "base_url", default=BASE_URL),
            "token_url": partial(source.url, "token_url", default=TOKEN_URL),
            "timeout": partial(check_seconds, "timeout"),
            "deadline": partial(check_seconds, "deadline"),
            "retry": check_retry,
            "default_headers": partial(check_headers, "default_headers"),
            "app_info": check_app,
            "strict": partial(check_flag, "strict"),
        }
        values: dict[str, Any] = {
            name: check(checks[name], given[name])
            for name in checks
            if name in given
        }
        if self.base is None:
            return Settings(**values)
        settings = attrs.evolve(self.base.settings, **values)
        if "headers" not in given:
            return settings
        more = check(check_headers, "headers", given["headers"]) or {}
        kept = settings.default_headers or {}
        return attrs.evolve(settings, default_headers=merged(kept, more))

    def _exchange(self, settings: Settings, authorizing: object) -> Exchange:
        urls = [settings.base_url]
        if isinstance(authorizing, ClientCredentials):
            urls.append(settings.token_url)
        # It loads httpx and h11, which take longer than the rest.
        from ._http import bind as connections  # noqa: PLC0415

        transport = self.check(
            connections,
            self.given["transport"],
            self.runtime,
            blocking=self.blocking,
            urls=filter(None, urls),
        )
        life = (
            self.base.shared.exchange.life
            if self.base is not None
            else Lifetime()
        )
        return Exchange(transport, self.runtime, life)

    def _pacer(self, limit: RateLimit | Pacer | None) -> Pacer | None:
        """Return who keeps the pace.

        Another server or client has a pace of its own; but a pacer that was
        given is shared by all that it is given to.
        """
        if not isinstance(limit, RateLimit):
            return limit
        if self.base is None or self.is_given(
            "rate_limit", "base_url", "token_url", *_CREDENTIALS
        ):
            return MemoryPacer(limit, clock=self.runtime.now)
        return self.base.shared.pacer

    def _once(self, settings: Settings, *, shared: bool) -> Once | None:
        base_url = settings.base_url or BASE_URL
        if self.base is None or self.is_given("idempotency"):
            return self.check(
                once_of,
                self.given["idempotency"],
                self.source,
                self.runtime,
                base_url=base_url,
                shared=shared,
            )
        once = self.base.shared.once
        if once is None or not self.is_given("base_url", "shared_contracts"):
            return once
        where = place_of(base_url) if self.is_given("base_url") else once.where
        return attrs.evolve(once, shared=shared, where=where)


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
            # The user's middleware made the response.
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
        self._proceed = self._layers()
        ours = {**HEADERS, "User-Agent": settings.user_agent}
        self._headers = merged(ours, settings.default_headers)
        ours["Content-Type"] = "application/json"
        self._with_body = merged(ours, settings.default_headers)

    def _layers(self) -> Proceed:
        shared, exchange = self.shared, self.shared.exchange
        runtime = exchange.runtime
        layers: list[Middleware] = [
            *shared.middleware,
            LogCalls(runtime),
            described,
            Deadline(runtime),
            Retry(self.settings.retry, shared.quota, runtime),
        ]
        if shared.pacer is not None:
            latency = exchange.transport.latency
            layers.append(Pace(shared.pacer, runtime, latency))
        layers.append(Authorize(shared.auth))
        return chain(layers, exchange)

    def deadline(self) -> float:
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
        """Send a call and return Sesamy's response, or raise its outcome."""
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
        """Get a token, open a connection, and see that the servers respond.

        That is no operation, so it passes neither the user's middleware nor
        the pace.
        """
        exchange = self.shared.exchange
        exchange.life.check_open()
        layers: list[Middleware] = [
            described,
            Deadline(exchange.runtime),
            self._with_servers,
            # Its own: a probe that succeeds must not pay for orders' retries.
            Retry(self.settings.retry, Quota(), exchange.runtime),
            Authorize(self.shared.auth),
        ]
        call = self.call("ready", "GET", "/", repeatable=True)
        waits_for = "the token"

        async def connect(call: Call) -> Response:
            nonlocal waits_for
            waits_for = "the connection to Sesamy"
            response = await exchange.connect(call)
            waits_for = "the store of orders or the pacer"
            return response

        try:
            await _perform(chain(layers, connect), call)
        except DeadlineExceededError as error:
            error.args = (f"{error.args[0]} It waited for {waits_for}.",)
            raise

    async def _with_servers(self, call: Call, proceed: Proceed) -> Response:
        response = await proceed(call)
        once, pacer = self.shared.once, self.shared.pacer
        if once is not None:
            await once.ask(once.store.salt, call.deadline)
        if pacer is not None:
            runtime = self.shared.exchange.runtime
            await check_pacer(pacer, call.deadline - runtime.now(), runtime)
        return response

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
