"""The blocking client.

Generated from _client.py and _contracts.py by scripts/generate_blocking.py;
do not edit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Self

from ._call import (
    Auth,
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
from ._client import BlockingCore
from ._contracts import AsyncContracts
from ._models import Contract, NewContract, Onboarded
from .auth import ClientCredentials
from .idempotency import IdempotencyStore


class Contracts(NotPickled):
    """Create and confirm contracts; reached as ``client.contracts``."""

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
        """Make a contract of an order, and return it.

        The SDK only sends it again if Sesamy surely did not process it: no
        source says that externalOrderId is a key, so a second create may
        give one customer two contracts.  Prefer `onboard`, which can repeat
        its steps.

        With a store of orders, a contract that the store knows is returned
        without a call; then only its id is known.

        Args:
            promo_code: Picks the base contract: one product, one price.
            order: What was sold, to whom.
            confirm: Whether to give access at once; otherwise call
                `confirm` later.
            vendor_id: The publisher, if not the client's.
            repeatable: Whether it may be sent again even if it may have
                been done, as `onboard` does; only without `confirm`, since
                each repetition may leave an unconfirmed stray.
            allow_strays: With a store and without `confirm`: whether a
                later call may create a contract if this one is cut off.
                The default is that of `onboard`.
            before_send: Awaited with the `Call` just before each attempt,
                after all waits, to record that it is about to be sent.  If
                it raises, nothing is sent.  ``call.record.lost`` counts the
                earlier attempts that may have been done.
            timeout: Seconds for one network operation, if not the client's;
                ``math.inf`` for no limit.
            deadline: Seconds for the whole call, if not the client's;
                ``math.inf`` for no limit.
            headers: Sent besides the client's.

        Raises:
            InvalidRequestError: An argument can't be sent; nothing was.
            OrderMismatchError: The store knows the order with other data;
                `NOT_SENT`.
            StoreUnavailable: The store can't be reached; `NOT_SENT`, or
                `UNKNOWN` if that was after the create.
            AuthenticationError: No token; the order was not sent.
            ConnectionFailedError: No connection; `NOT_SENT`.
            OutcomeUnknownError: Sent, but not answered; `UNKNOWN`.
            DeadlineExceededError: `NOT_SENT` or `UNKNOWN`.
            UnreadableResponseError: Made, but the answer can't be read;
                `APPLIED`.  If the answer may be a gateway's page, or is the
                contract of another order, `UNKNOWN`.
            APIError: Sesamy answered with an error; `REFUSED`, or for a
                5xx, 408 and some others `UNKNOWN`.
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
        """Give the user access to what the contract entitles to.

        It sets a state, so it can be repeated, and the SDK sends it again
        after transient failures.

        Args:
            promo_code: The one the contract was made under.
            contract_id: The id from the answer to `create`.
            provider_payment_data: What the payment provider says about
                the payment, str to str; optional.
            vendor_id: The publisher, if not the client's.
            order: The order of the contract, if known: an error text then
                repeats Sesamy's words, without what is in the order.  It is
                not sent.
            timeout: Seconds for one network operation, if not the client's;
                ``math.inf`` for no limit.
            deadline: Seconds for the whole call, if not the client's;
                ``math.inf`` for no limit.
            headers: Sent besides the client's.

        Returns:
            The contract; only its id where Sesamy's answer lacks it.

        Raises:
            InvalidRequestError: An argument can't be sent; nothing was.
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

        A contract gives access only once it is confirmed.  So a create
        whose answer was lost is sent again: at worst an unconfirmed stray
        is left.  Both steps share one deadline.

        With a store of orders (``idempotency=`` of the client) it can be
        called any number of times for an order, from any process: it ends
        in the same confirmed contract.

        Args:
            promo_code: Picks the base contract: one product, one price.
            order: What was sold, to whom.
            provider_payment_data: What the payment provider says about
                the payment, str to str; optional.
            vendor_id: The publisher, if not the client's.
            allow_strays: Whether a create whose answer was lost is sent
                again.  By default it is, unless Sesamy may make an invoice
                of each contract: for the payment method INVOICE or the
                payment provider BILLOGRAM.
            on_created: Called, and awaited if it is async, with the contract
                before it is confirmed, perhaps repeatedly: for those who
                keep its id themselves.
            timeout: Seconds for one network operation, if not the client's;
                ``math.inf`` for no limit.
            deadline: Seconds for the whole call, if not the client's;
                ``math.inf`` for no limit.
            headers: Sent besides the client's.

        Returns:
            The confirmed contract, and how many strays may be left.

        Raises:
            InvalidRequestError: An argument can't be sent; nothing was.
            OrderMismatchError: The store knows the order with other data;
                `NOT_SENT`.
            StoreUnavailable: The store can't be reached; `NOT_SENT`, or
                `UNKNOWN` if that was after the create.
            SesamyError: As for `create`.  Its `step` says where it
                stopped.  With a store, `retryable` says whether to onboard
                it again.  Without one: at ``"create"``, nothing is
                confirmed and the order can be onboarded again; at
                ``"confirm"``, the contract is `contract_id`: go on with
                `confirm`.
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
    client can be used from many threads; it keeps connections, token and
    pace for all of them.  Middleware and auth of your own are async here
    too, but must not wait for an event loop.

    Settings that are not given come from the environment, or else are the
    defaults.

    Args:
        vendor_id: The publisher; else ``SESAMY_VENDOR_ID``.
        client_id: The id of your API client; else ``SESAMY_CLIENT_ID``.
        client_secret: Its secret; else ``SESAMY_CLIENT_SECRET``.
        auth: Instead of these two: a `ClientCredentials`, a `StaticToken`,
            an `Auth`, or an (async) callable that returns the whole
            Authorization value.  Credentials made from `client_id` and
            `client_secret` take their other settings from
            ``SESAMY_SCOPE``, ``SESAMY_AUDIENCE``, ``SESAMY_ORGANIZATION``
            and ``SESAMY_TOKEN_ENCODING``.
        base_url: Else ``SESAMY_BASE_URL``, else https://api.sesamy.com.
        token_url: Else ``SESAMY_TOKEN_URL``, else
            https://token.sesamy.com/oauth/token.
        timeout: Seconds that one network operation may take; None for no
            limit.
        deadline: Seconds that a whole call may take, with all waits and
            retries; None for no limit.
        retry: When the SDK sends a call again by itself.
        rate_limit: The pace to keep, or a `Pacer` that keeps it together
            with other clients or hosts; None or False for none.
        middleware: Your own, outermost first, around the SDK's.
        transport: A `Connections`, or your own httpx client or transport
            (which is not closed with this client).
        shared_contracts: Whether Sesamy may give several orders one
            contract.  By default, a contract that was given to another
            order is not accepted.
        idempotency: A store of orders (see `sesamy_async.idempotency`), or
            its URL, such as ``"sqlite:///var/lib/shop/orders.db"``; else
            ``SESAMY_IDEMPOTENCY``, else none; False, or ``"none"``, for
            none in any case.  A store that you make yourself is not closed
            with this client.
        default_headers: Sent with each call, but not with the requests for
            tokens.
        app_info: The name and the version of your application, such as
            ``("shop", "1.2")``, for the User-Agent.
        strict: Whether an order is refused, before anything is sent, if its
            payment provider, payment method or gender is none that Sesamy's
            guide names.

    Raises:
        ConfigurationError: Settings are missing or impossible; the message
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
        auth: Auth
        | ClientCredentials
        | Callable[[], str | Awaitable[str]]
        | None = None,
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
        self._use(
            BlockingCore(
                vendor_id,
                client_id=client_id,
                client_secret=client_secret,
                auth=auth,
                base_url=base_url,
                token_url=token_url,
                timeout=timeout,
                deadline=deadline,
                retry=retry,
                rate_limit=rate_limit,
                middleware=middleware,
                transport=transport,
                shared_contracts=shared_contracts,
                idempotency=idempotency,
                default_headers=default_headers,
                app_info=app_info,
                strict=strict,
            )
        )

    @property
    def vendor_id(self) -> str:
        """The publisher, unless a call names another."""
        return self._inner.vendor_id

    @property
    def permitted_rate(self) -> float | None:
        """Requests per second that Sesamy permits; None without a pace.

        It is that of `rate_limit`, or less if Sesamy's answers say less.
        """
        return self._inner.permitted_rate

    @property
    def permitted_at_once(self) -> float | None:
        """Requests that may be sent without waiting; None without a pace.

        What is left of the burst of `rate_limit`, or less if Sesamy's
        answers say less.
        """
        return self._inner.permitted_at_once

    @property
    def base_url(self) -> str:
        """Where calls go, without a slash at its end."""
        return self._inner.base_url

    @property
    def shared_contracts(self) -> bool:
        """Whether Sesamy may give several orders one contract."""
        return self._inner.shared_contracts

    @guarded
    def with_options(
        self,
        *,
        vendor_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | Secret | None = None,
        auth: Auth
        | ClientCredentials
        | Callable[[], str | Awaitable[str]]
        | None = None,
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
        """Return a cheap copy with other settings; None keeps the old one.

        It shares with this client what it does not change: connections,
        token, pace and store.  It ends with this client, also what is its
        own; closing the copy does nothing.  So make a copy that has a
        transport or the URL of a store once, and not for each call.

        Args:
            vendor_id: The publisher.
            client_id: The id of your API client, with `client_secret`.
            client_secret: Its secret.
            auth: Instead of these two.
            base_url: Of Sesamy's API.  The copy has a pace of its own, as
                it has with other credentials; but a `Pacer` is shared.
            token_url: Of the token endpoint.
            timeout: Seconds for one network operation; ``math.inf`` for no
                limit.
            deadline: Seconds for a whole call; ``math.inf`` for no limit.
            retry: When the SDK sends a call again by itself.
            rate_limit: The pace to keep, or a `Pacer`; False for none.
            middleware: Instead of that of this client.
            transport: As for a new client; its connections are closed with
                this client.
            shared_contracts: Whether Sesamy may give several orders one
                contract.
            idempotency: A store of orders, or its URL; False for none.
            headers: Sent with each call, besides those set before.
            default_headers: Sent with each call, instead of those set
                before.
            app_info: The name and the version of your application.
            strict: Whether words that Sesamy's guide does not name are
                refused.

        Raises:
            ConfigurationError: Settings are impossible; each is named.
        """
        copy = object.__new__(type(self))
        copy._use(
            self._inner.with_options(
                vendor_id=vendor_id,
                client_id=client_id,
                client_secret=client_secret,
                auth=auth,
                base_url=base_url,
                token_url=token_url,
                timeout=timeout,
                deadline=deadline,
                retry=retry,
                rate_limit=rate_limit,
                middleware=middleware,
                transport=transport,
                shared_contracts=shared_contracts,
                idempotency=idempotency,
                headers=headers,
                default_headers=default_headers,
                app_info=app_info,
                strict=strict,
            )
        )
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
        """Call an endpoint that has no method of its own yet.

        Args:
            method: ``"GET"``, ``"POST"``, ``"PUT"``, ``"PATCH"``,
                ``"DELETE"``, ``"HEAD"`` or ``"OPTIONS"``.
            path: The path below `base_url`, beginning with ``/``; encode
                values in it with ``urllib.parse.quote(value, safe="")``.
            json: The body, if any: whatever JSON can hold.
            query: Strings, numbers and bools; None is left out.
            repeatable: Whether doing it twice is the same as doing it
                once, so that it may be sent again if its outcome is
                unknown; by default only GET, HEAD and OPTIONS are.
            timeout: Seconds for one network operation, if not the client's;
                ``math.inf`` for no limit.
            deadline: Seconds for the whole call, if not the client's;
                ``math.inf`` for no limit.
            headers: Sent besides the client's.

        Returns:
            The answer; its ``json()`` parses the body.  To parse a success
            of ``Connections(max_response_size=...)`` bytes, by default
            8 MiB, may take some seconds and sixty times as much memory.

        Raises:
            InvalidRequestError: An argument can't be sent; nothing was.
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

        For the start and the readiness probe of a service.  It also asks
        the store of orders and the pacer, if there are some, whether they
        are there.  It sends no order and takes no place in the pace.
        Through a proxy, or over your own client or transport, it opens no
        connection.

        Raises:
            AuthenticationError: The credentials were refused.
            ConnectionFailedError: Sesamy can't be reached.
            DeadlineExceededError: It took longer than `deadline`.
            StoreUnavailable: The store of orders can't be used.
            PacerUnavailable: The pacer can't be used.
            SesamyError: As for any call; nothing was sent of an order.
        """
        return drive(self._inner.ready())

    def close(self, within: float = 10.0) -> None:
        """Let what has begun be completed, then close the connections.

        Later calls are refused at once.

        Args:
            within: Seconds that onboardings which have created a contract
                may take to confirm it; 0 to wait for nothing.

        Raises:
            ConfigurationError: `within` is impossible.
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
