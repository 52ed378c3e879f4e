"""The async client, and the core of the blocking one."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, TypeAlias, cast
from urllib.parse import urlencode

import attrs

from ._call import (
    AnyioRuntime,
    Auth,
    BlockingRuntime,
    Middleware,
    Pacer,
    RateLimit,
    Response,
    RetryPolicy,
    Runtime,
    Secret,
    dumps,
    guarded,
    present,
)
from ._checks import NotPickled, api_path, check_number, plain
from ._contracts import AsyncContracts
from ._once import Once
from ._pipeline import Caller, build, rebuild
from .auth import ClientCredentials
from .errors import InvalidRequestError
from .idempotency import IdempotencyStore


AuthSetting: TypeAlias = (
    Auth | ClientCredentials | Callable[[], str | Awaitable[str]]
)
"""What may be given as `auth`."""

_HARMLESS = {"GET", "HEAD", "OPTIONS"}
_METHODS = _HARMLESS | {"POST", "PUT", "PATCH", "DELETE"}
_MOST_BITS = 1024  # Of an integer; as many as the largest float has.


def _http_method(method: object) -> str:
    """Return a method as a plain str, also of an Enum member."""
    if not isinstance(method, str) or method not in _METHODS:
        raise InvalidRequestError(
            f"method must be one of {', '.join(sorted(_METHODS))}."
        )
    return str.__str__(method)


def _is_repeatable(method: str, given: object) -> bool:
    """Return whether doing it twice is the same as doing it once."""
    if given is None:
        return method in _HARMLESS
    # A "no" must not be taken for a yes.
    if not isinstance(given, bool):
        raise InvalidRequestError("repeatable must be True, False or None.")
    return given


def _json_body(json: Any) -> bytes:
    if json is None:
        return b""
    try:
        return dumps(json)
    except (TypeError, ValueError):
        raise InvalidRequestError(
            "json contains a value that can't be written as JSON."
        ) from None


def query_string(query: object) -> str:
    """Return ``?a=1&b=2``, or nothing; None values are left out."""
    if query is None:
        return ""
    if not isinstance(query, Mapping):
        raise InvalidRequestError("query must be a mapping.")
    given = cast("Mapping[object, object]", query).items()
    pairs = [_query_pair(*pair) for pair in given if pair[1] is not None]
    return f"?{urlencode(pairs)}" if pairs else ""


def _query_pair(name: object, value: object) -> tuple[str, str]:
    """Return both as text: of an Enum member, that of its value."""
    if not isinstance(name, str):
        raise InvalidRequestError("query: names must be str.")
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str):
        text = str.__str__(value)
    elif isinstance(value, int):
        if value.bit_length() > _MOST_BITS:
            raise InvalidRequestError(f"query: {name!r} is too large.")
        text = int.__repr__(value)
    elif isinstance(value, float):
        text = float.__repr__(value)
    else:
        raise InvalidRequestError(
            f"query: {name!r} must be a str, a number or a bool, "
            f"got {type(value).__name__}."
        )
    if not (plain(text) and plain(name)):
        raise InvalidRequestError(
            f"query: {name!r} contains control characters."
        )
    return name, text


class AsyncSesamy(NotPickled):
    """Sesamy's third-party onboarding API, awaited.

    Works on asyncio and trio.  One client can be used from many tasks; they
    share its connections, token and pace.  Each event loop gets its own
    connections.

    Settings that are not given are read from the environment, or have their
    default.

    Args:
        vendor_id: The publisher; default ``SESAMY_VENDOR_ID``.
        client_id: The id of your API client; default ``SESAMY_CLIENT_ID``.
        client_secret: Its secret; default ``SESAMY_CLIENT_SECRET``.
        auth: Instead of these two: a `ClientCredentials`, a `StaticToken`,
            an `Auth`, or a function, async or not, that returns the whole
            Authorization value.  With `client_id` and `client_secret`, the
            other settings of the credentials are read from
            ``SESAMY_SCOPE``, ``SESAMY_AUDIENCE``, ``SESAMY_ORGANIZATION``
            and ``SESAMY_TOKEN_ENCODING``.
        base_url: Default ``SESAMY_BASE_URL``, or https://api.sesamy.com.
        token_url: Default ``SESAMY_TOKEN_URL``, or
            https://token.sesamy.com/oauth/token.
        timeout: Seconds for one network operation; None for no limit.
        deadline: Seconds for a whole call, with all waits and retries; None
            for no limit.
        retry: When the SDK retries a call.
        rate_limit: The rate limit, or a `Pacer` that shares one among
            clients or hosts; None or False for none.
        middleware: Your middleware, outermost first, around the SDK's.
        transport: A `Connections`, or your own httpx client or transport,
            which is not closed with this client.
        shared_contracts: Whether Sesamy may give several orders the same
            contract.  By default, the contract of another order is not
            accepted.
        idempotency: A store of orders (see `sesamy_async.idempotency`), or
            its URL, such as ``"sqlite:///var/lib/shop/orders.db"``; default
            ``SESAMY_IDEMPOTENCY``, or none.  False or ``"none"``: no store
            in any case.  A store that you create yourself is not closed
            with this client.
        default_headers: Sent with each call, but not with requests for
            tokens.
        app_info: Name and version of your application for the User-Agent,
            such as ``("shop", "1.2")``.
        strict: Whether to refuse an order, before anything is sent, whose
            payment provider, payment method or gender is not in Sesamy's
            guide.

    Raises:
        ConfigurationError: Settings are missing or invalid; the message
            names each argument and variable.  Nothing was sent.
    """

    _name: ClassVar[str] = "AsyncSesamy"
    _blocking: ClassVar[bool] = False
    _owner = False
    _original: AsyncSesamy | None = None
    contracts: AsyncContracts
    """The operations on contracts."""

    @guarded
    def __init__(
        self,
        vendor_id: str | None = None,
        *,
        client_id: str | None = None,
        client_secret: str | Secret | None = None,
        auth: AuthSetting | None = None,
        base_url: str | None = None,
        token_url: str | None = None,
        timeout: float | None = 30.0,
        deadline: float | None = 120.0,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        rate_limit: RateLimit | Pacer | Literal[False] | None = RateLimit(),  # noqa: B008 - frozen
        middleware: Sequence[Middleware] = (),
        transport: Any = None,
        shared_contracts: bool = False,
        idempotency: IdempotencyStore | str | bool | None = None,
        default_headers: Mapping[str, str] | None = None,
        app_info: tuple[str, str] | str | None = None,
        strict: bool = False,
    ) -> None:
        given = {**locals()}
        del given["self"]
        self._use(build(given, self._runtime(), blocking=self._blocking))
        self._owner = True

    @property
    def vendor_id(self) -> str:
        """The publisher, unless a call names another."""
        return self._caller.settings.vendor_id

    @property
    def permitted_rate(self) -> float | None:
        """Requests per second that are permitted; None without a rate limit.

        That of `rate_limit`, or less if Sesamy's responses say less.
        """
        pacer = self._caller.shared.pacer
        return None if pacer is None else pacer.rate

    @property
    def permitted_at_once(self) -> float | None:
        """Requests that may be sent now; None without a rate limit.

        What is left of the burst of `rate_limit`, or less if Sesamy's
        responses say less.
        """
        pacer = self._caller.shared.pacer
        return None if pacer is None else pacer.free

    @property
    def base_url(self) -> str:
        """Where calls go, without a final slash."""
        return self._caller.settings.base_url

    @property
    def shared_contracts(self) -> bool:
        """Whether Sesamy may give several orders the same contract."""
        return self._caller.shared.recent is None

    @guarded
    def with_options(
        self,
        *,
        vendor_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | Secret | None = None,
        auth: AuthSetting | None = None,
        base_url: str | None = None,
        token_url: str | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        retry: RetryPolicy | None = None,
        rate_limit: RateLimit | Pacer | Literal[False] | None = None,
        middleware: Sequence[Middleware] | None = None,
        transport: Any = None,
        shared_contracts: bool | None = None,
        idempotency: IdempotencyStore | str | bool | None = None,
        headers: Mapping[str, str] | None = None,
        default_headers: Mapping[str, str] | None = None,
        app_info: tuple[str, str] | str | None = None,
        strict: bool | None = None,
    ) -> Self:
        """Return a copy with other settings; None keeps the old one.

        The copy is cheap.  It shares with this client what it does not
        change: connections, token, pace and store.  Everything that the
        copy uses is closed with this client; closing the copy does nothing.
        So make a copy that has its own transport or store once, and not for
        each call.

        The arguments are those of a new client, with these differences:

        - `timeout` and `deadline`: ``math.inf`` is no limit.
        - `rate_limit` and `idempotency`: False is none.
        - `base_url` and credentials: with others than this client's, the
          copy gets its own pace; but a `Pacer` is shared.
        - `headers` are sent with each call, besides those set before;
          `default_headers` and `middleware` replace them.

        Raises:
            ConfigurationError: Settings are invalid; each is named.
        """
        given = {**locals()}
        del given["self"]
        caller = rebuild(self._caller, **given)
        copy = object.__new__(type(self))
        # Keeps the original alive: nobody else can close the connections.
        copy._original = self._original or self
        copy._use(caller)
        return copy

    @guarded
    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        query: Mapping[str, object] | None = None,
        repeatable: bool | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Call an endpoint for which the SDK has no method yet.

        The defaults of `timeout` and `deadline` are the client's.

        Args:
            method: ``"GET"``, ``"POST"``, ``"PUT"``, ``"PATCH"``,
                ``"DELETE"``, ``"HEAD"`` or ``"OPTIONS"``.
            path: The path below `base_url`, beginning with ``/``; encode
                values in it with ``urllib.parse.quote(value, safe="")``.
            json: The body: anything that JSON can hold; None for no body.
            query: Strings, numbers and bools; None is left out.
            repeatable: Whether the call may be retried if its outcome is
                unknown, because doing it twice is the same as doing it
                once.  Default: True for GET, HEAD and OPTIONS.
            timeout: Seconds for a network operation; ``math.inf``: no limit.
            deadline: Seconds for the whole call; ``math.inf``: no limit.
            headers: Sent besides the client's.

        Returns:
            The response; its ``json()`` parses the body.  To parse a body
            of the largest permitted size, by default 8 MiB (see
            ``Connections(max_response_size=...)``), may take some seconds
            and sixty times as much memory.

        Raises:
            InvalidRequestError: An argument is invalid; nothing was sent.
            SesamyError: As for ``contracts.create``.
        """
        content, asked = _json_body(json), query_string(query)
        method = _http_method(method)
        caller = rebuild(
            self._caller, timeout=timeout, deadline=deadline, headers=headers
        )
        call = caller.call(
            f"request {method}",
            method,
            f"{api_path(path)}{asked}",
            content,
            repeatable=_is_repeatable(method, repeatable),
        )
        return await caller.perform(call)

    @guarded
    async def ready(self) -> None:
        """Get a token and open a connection, so that no order waits for it.

        For the start and the readiness probe of a service.  It also checks
        that the store of orders and the pacer respond, if there are any.
        It sends no order and takes no place in the pace.  Through a proxy,
        or over your own client or transport, it opens no connection.

        Raises:
            AuthenticationError: The credentials were refused.
            ConnectionFailedError: Sesamy can't be reached.
            DeadlineExceededError: It took longer than `deadline`.
            StoreUnavailable: The store of orders can't be used.
            PacerUnavailable: The pacer can't be used.
            SesamyError: As for any call; no order was sent.
        """
        await self._caller.ready()

    async def aclose(self, within: float = 10.0) -> None:
        """Complete what has begun, then close the connections.

        Later calls are refused at once.

        Args:
            within: Seconds that onboardings that have created a contract
                may take to confirm it; 0 to wait for nothing.

        Raises:
            ConfigurationError: `within` is invalid.
        """
        check_number("within", within)
        exchange = self._caller.shared.exchange
        if self._owner and not exchange.life.closed:
            await exchange.life.end(exchange.runtime, within)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        if self._owner and self._caller.shared.exchange.life.unclosed:
            unclosed = ResourceWarning(f"unclosed {self!r}")
            warnings.warn(unclosed, stacklevel=2, source=self)

    def __repr__(self) -> str:
        if not hasattr(self, "_caller"):
            return f"{self._name}(...)"  # In a traceback of its constructor.
        settings = self._caller.settings
        return (
            f"{self._name}(vendor_id={settings.vendor_id!r}, "
            f"base_url={settings.base_url!r})"
        )

    def _runtime(self) -> Runtime:
        return present(AnyioRuntime())

    def _use(self, caller: Caller) -> None:
        self._caller = caller
        self.contracts = AsyncContracts(caller)


class BlockingCore(AsyncSesamy):
    """An `AsyncSesamy` under which no await ever suspends."""

    _name: ClassVar[str] = "Sesamy"
    _blocking: ClassVar[bool] = True

    def _runtime(self) -> Runtime:
        return present(BlockingRuntime())


def store_of(client: AsyncSesamy) -> Once | None:
    """Return the store that the calls of a client use, if any."""
    return client._caller.shared.once  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


def told_from(client: AsyncSesamy, name: str) -> AsyncSesamy:
    """Return a copy of a client whose store notes where orders are from."""
    once = store_of(client)
    if once is None:
        return client
    copy = client.with_options()
    caller = copy._caller  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    shared = attrs.evolve(caller.shared, once=attrs.evolve(once, source=name))
    copy._use(Caller(caller.settings, shared))  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return copy
