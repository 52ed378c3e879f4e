"""The blocking client.

Generated from _client.py and _contracts.py by scripts/generate_blocking.py;
do not edit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Self

from ._call import (
    BeforeSend,
    Middleware,
    Pacer,
    RateLimit,
    Response,
    RetryPolicy,
    Secret,
    drive,
    guarded,
)
from ._checks import NotPickled
from ._client import AuthSetting, BlockingCore
from ._contracts import AsyncContracts
from ._models import Contract, NewContract, Onboarded
from .idempotency import IdempotencyStore


class Contracts(NotPickled):
    """Create and confirm contracts; reached as ``client.contracts``.

    The defaults of `vendor_id`, `timeout` and `deadline` are the client's.
    """

    def __init__(self, inner: AsyncContracts) -> None:
        self._inner = inner

    @guarded
    def create(
        self,
        promo_code: str,
        order: NewContract,
        *,
        confirm: bool = False,
        vendor_id: str | None = None,
        repeatable: bool = False,
        allow_strays: bool | None = None,
        before_send: BeforeSend | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Contract:
        """Create the contract of an order.

        The SDK retries only if Sesamy certainly did not process the order:
        as far as is known, externalOrderId is no idempotency key, so a
        second create may give the buyer two contracts.  Prefer `onboard`,
        which can retry both of its calls.

        With a store of orders, a contract that the store knows is returned
        without a call; then only its id is known.

        Args:
            promo_code: Picks the base contract: one product, one price.
            order: What was sold, to whom.
            confirm: Whether to confirm it, too; otherwise call `confirm`
                later.
            vendor_id: The publisher.
            repeatable: Whether to retry even if the outcome is unknown, as
                `onboard` does; only without `confirm`, since each retry may
                leave a stray.
            allow_strays: With a store and without `confirm`: whether a
                later call may create a contract if this one is cut off.
                The default is that of `onboard`.
            before_send: Awaited with the `Call` just before each attempt,
                after all waits, to record that it is about to be sent.  If
                it raises, nothing is sent.  ``call.record.lost`` counts the
                earlier attempts whose outcome is unknown.
            timeout: Seconds for a network operation; ``math.inf``: no limit.
            deadline: Seconds for the whole call; ``math.inf``: no limit.
            headers: Sent besides the client's.

        Returns:
            The contract.

        Raises:
            InvalidRequestError: An argument is invalid; `NOT_SENT`.
            OrderMismatchError: The store has the order with other data;
                `NOT_SENT`.
            StoreUnavailable: The store can't be used; `NOT_SENT`, or
                `UNKNOWN` after the create.
            AuthenticationError: There is no token; the order was not sent.
            ConnectionFailedError: There is no connection; `NOT_SENT`.
            OutcomeUnknownError: Sent, but there is no response; `UNKNOWN`.
            DeadlineExceededError: `NOT_SENT` or `UNKNOWN`.
            UnreadableResponseError: Created, but the response can't be
                read; `APPLIED`.  `UNKNOWN` if the response may be the page
                of a gateway, or has the contract of another order.
            APIError: Sesamy responded with an error; `REFUSED`, or
                `UNKNOWN` for a 5xx, a 408 and some others.
        """
        return drive(
            self._inner.create(
                promo_code,
                order,
                confirm=confirm,
                vendor_id=vendor_id,
                repeatable=repeatable,
                allow_strays=allow_strays,
                before_send=before_send,
                timeout=timeout,
                deadline=deadline,
                headers=headers,
            )
        )

    @guarded
    def confirm(
        self,
        promo_code: str,
        contract_id: str,
        *,
        provider_payment_data: Mapping[str, str] | None = None,
        vendor_id: str | None = None,
        order: NewContract | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Contract:
        """Confirm a contract: it gives the buyer access.

        A second confirm changes nothing, so the SDK retries even if the
        outcome is unknown.

        Args:
            promo_code: That of the create.
            contract_id: That of the created contract.
            provider_payment_data: The payment provider's data about the
                payment, str to str.
            vendor_id: The publisher.
            order: The order, if you have it: then an error can contain
                Sesamy's message, unless that repeats data of the order.
            timeout: Seconds for a network operation; ``math.inf``: no limit.
            deadline: Seconds for the whole call; ``math.inf``: no limit.
            headers: Sent besides the client's.

        Returns:
            The contract; only its id if Sesamy's response has no more.

        Raises:
            InvalidRequestError: An argument is invalid; `NOT_SENT`.
            SesamyError: As for `create`.
        """
        return drive(
            self._inner.confirm(
                promo_code,
                contract_id,
                provider_payment_data=provider_payment_data,
                vendor_id=vendor_id,
                order=order,
                timeout=timeout,
                deadline=deadline,
                headers=headers,
            )
        )

    @guarded
    def onboard(
        self,
        promo_code: str,
        order: NewContract,
        *,
        provider_payment_data: Mapping[str, str] | None = None,
        vendor_id: str | None = None,
        allow_strays: bool | None = None,
        on_created: Callable[[Contract], Awaitable[None] | None] | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Onboarded:
        """Create a contract, then confirm it: exactly one is confirmed.

        Only a confirmed contract gives access.  So if the response to a
        create is lost, the SDK creates again: at worst an unconfirmed stray
        is left.  Both calls share one deadline.

        With a store of orders (``idempotency=`` of the client) you can call
        it any number of times for an order, from any process: the result is
        the same confirmed contract.

        Args:
            promo_code: Picks the base contract: one product, one price.
            order: What was sold, to whom.
            provider_payment_data: The payment provider's data about the
                payment, str to str.
            vendor_id: The publisher.
            allow_strays: Whether to create again if the response to a
                create is lost.  Default: True, unless Sesamy may send an
                invoice for each contract (payment method INVOICE or payment
                provider BILLOGRAM).
            on_created: Called (and awaited if it is async) with the
                contract before it is confirmed, perhaps repeatedly, for
                programs that store its id themselves.
            timeout: Seconds for a network operation; ``math.inf``: no limit.
            deadline: Seconds for the whole call; ``math.inf``: no limit.
            headers: Sent besides the client's.

        Returns:
            The confirmed contract, and how many strays may be left over.

        Raises:
            InvalidRequestError: An argument is invalid; `NOT_SENT`.
            OrderMismatchError: The store has the order with other data;
                `NOT_SENT`.
            StoreUnavailable: The store can't be used; `NOT_SENT`, or
                `UNKNOWN` after the create.
            SesamyError: As for `create`.  Its `step` says where it
                stopped.  With a store, `retryable` says whether to onboard
                again.  Without one: at ``"create"``, nothing is confirmed
                and the order can be onboarded again; at ``"confirm"``, the
                contract is `contract_id`: continue with `confirm`.
        """
        return drive(
            self._inner.onboard(
                promo_code,
                order,
                provider_payment_data=provider_payment_data,
                vendor_id=vendor_id,
                allow_strays=allow_strays,
                on_created=on_created,
                timeout=timeout,
                deadline=deadline,
                headers=headers,
            )
        )


class Sesamy(NotPickled):
    """Sesamy's third-party onboarding API, blocking.

    Needs no event loop and starts no thread, so it works in scripts, in
    thread pools, inside a running loop (Jupyter) and after a fork.  One
    client can be used from many threads; they share its connections, token
    and pace.  Your middleware and auth are async functions here, too, but
    must not wait for an event loop.

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

    contracts: Contracts
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
        retry: RetryPolicy = RetryPolicy(),
        rate_limit: RateLimit | Pacer | Literal[False] | None = RateLimit(),
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
        self._use(BlockingCore(**given))

    @property
    def vendor_id(self) -> str:
        """The publisher, unless a call names another."""
        return self._inner.vendor_id

    @property
    def permitted_rate(self) -> float | None:
        """Requests per second that are permitted; None without a rate limit.

        That of `rate_limit`, or less if Sesamy's responses say less.
        """
        return self._inner.permitted_rate

    @property
    def permitted_at_once(self) -> float | None:
        """Requests that may be sent now; None without a rate limit.

        What is left of the burst of `rate_limit`, or less if Sesamy's
        responses say less.
        """
        return self._inner.permitted_at_once

    @property
    def base_url(self) -> str:
        """Where calls go, without a final slash."""
        return self._inner.base_url

    @property
    def shared_contracts(self) -> bool:
        """Whether Sesamy may give several orders the same contract."""
        return self._inner.shared_contracts

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
        copy = object.__new__(type(self))
        copy._use(self._inner.with_options(**given))
        return copy

    @guarded
    def request(
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
        return drive(
            self._inner.request(
                method,
                path,
                json=json,
                query=query,
                repeatable=repeatable,
                timeout=timeout,
                deadline=deadline,
                headers=headers,
            )
        )

    @guarded
    def ready(self) -> None:
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
        return drive(self._inner.ready())

    def close(self, within: float = 10.0) -> None:
        """Complete what has begun, then close the connections.

        Later calls are refused at once.

        Args:
            within: Seconds that onboardings that have created a contract
                may take to confirm it; 0 to wait for nothing.

        Raises:
            ConfigurationError: `within` is invalid.
        """
        return drive(self._inner.aclose(within))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        if not hasattr(self, "_inner"):
            return "Sesamy(...)"  # In a traceback of its constructor.
        return repr(self._inner)

    def _use(self, inner: BlockingCore) -> None:
        self._inner = inner
        self.contracts = Contracts(inner.contracts)
