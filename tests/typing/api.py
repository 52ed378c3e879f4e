"""The public API as users write it: read by type checkers, never run.

What must be an error carries a `type: ignore`, which the checkers refuse
where it is not needed.
"""

from __future__ import annotations

import functools
import math
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, assert_type

import attrs
import httpx

from sesamy_async import (
    Address,
    APIError,
    AsyncContracts,
    AsyncSesamy,
    Auth,
    AuthenticationError,
    BadRequestError,
    BusinessDetails,
    Call,
    ClientCredentials,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    Connections,
    Contract,
    ContractItem,
    Contracts,
    DeadlineExceededError,
    Discount,
    FileTokenStore,
    Gender,
    Headers,
    InvalidRequestError,
    MemoryTokenStore,
    Middleware,
    NewContract,
    NotFoundError,
    Onboarded,
    Outcome,
    OutcomeUnknownError,
    PaymentData,
    PaymentMethod,
    PaymentProvider,
    PermissionDeniedError,
    Proceed,
    RateLimit,
    RateLimitError,
    Request,
    Response,
    RetryBudget,
    RetryPolicy,
    ServerError,
    Sesamy,
    SesamyError,
    StaticToken,
    TokenStore,
    UnauthorizedError,
    UnreadableResponseError,
    User,
    __version__,
)
from sesamy_async.auth import StoredToken
from sesamy_async.sandbox import Fault, Sandbox, SandboxConfig, running


version: str = __version__


# What is sent.

user = User(
    email="aino.virtanen@example.com",
    full_name="Aino Virtanen",
    phone="+358401234567",
    invoice_email="laskut@example.com",
    gender=Gender.FEMALE,
    birthday=date(1980, 12, 31),
    address=Address(
        country="FI",
        zip="00100",
        city="Helsinki",
        street="Mannerheimintie 5",
        co="Virtanen",
        last_name="Virtanen",
        first_name="Aino",
    ),
    business_details=BusinessDetails(
        vat_nr="FI12345678", company_name="Virtanen Oy"
    ),
    extra_data={"since": 2019, "topics": ["talous"], "vip": None},
)
User(gender="female", birthday="1980-12-31")
User(birthday=datetime(1980, 12, 31, tzinfo=UTC))

order = NewContract(
    external_order_id="A-1",
    payment_provider=PaymentProvider.KLARNA,
    payment_method=PaymentMethod.INVOICE,
    quantity=1,
    vendor_data={"campaign": "spring"},
    provider_data={"ocr": "1"},
    user_data=user,
    owner_data=user,
)
NewContract(
    external_order_id="A-2", payment_provider="NEW", payment_method="NEWER"
)
NewContract()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
NewContract("A-1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

assert_type(NewContract.from_json(b"{}"), NewContract)
assert_type(NewContract.from_json("{}"), NewContract)
assert_type(NewContract.from_dict({}), NewContract)
assert_type(order.to_dict(), dict[str, Any])
assert_type(order.to_json(), str)
assert_type(attrs.evolve(order, quantity=2), NewContract)
assert_type(order.external_order_id, str)
assert_type(order.quantity, int | None)
assert_type(order.payment_method, PaymentMethod | str | None)
assert_type(order.vendor_data, Mapping[str, str] | None)
assert_type(order.user_data, User | None)
order.quantity = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
assert_type(user.birthday, date | datetime | str | None)


# What comes back.


def read(contract: Contract, onboarded: Onboarded) -> None:
    """Use what comes back."""
    assert_type(onboarded.contract, Contract)
    assert_type(onboarded.strays, int)
    assert_type(contract.id, str)
    assert_type(contract.price, float | None)
    assert_type(contract.next_bill_at, datetime | None)
    assert_type(contract.is_active, bool | None)
    assert_type(contract.items, tuple[ContractItem, ...])
    assert_type(contract.applied_discounts, tuple[Discount, ...])
    assert_type(contract.payment_data, PaymentData | None)
    assert_type(contract.raw, Mapping[str, Any])
    assert_type([item.sku for item in contract.items], list[str | None])


# How calls are authorized.


class Vault:
    """An `Auth` of the user's."""

    async def authorization(self, call: Call) -> str:
        """Return a value for an operation."""
        return f"Bearer {call.operation}"

    async def rejected(self, authorization: str, call: Call) -> bool:
        """Say that there is another."""
        return bool(authorization and call.attempt)


class Shelf:
    """A `TokenStore` of the user's."""

    def load(self, key: str) -> StoredToken | None:
        """Return what was saved."""
        return StoredToken(key, 0.0, None)

    def save(self, key: str, token: StoredToken) -> None:
        """Keep it."""
        assert_type(token.expires_at, float)
        assert_type(key, str)

    def discard(self, key: str) -> None:
        """Forget it."""


def ask() -> str:
    """Return an Authorization value."""
    return "Bearer x"


async def ask_later() -> str:
    """Return an Authorization value, awaited."""
    return "Bearer x"


def ask_with(prefix: str) -> str:
    """Return an Authorization value."""
    return f"{prefix} x"


encoding: Literal["json", "form", "basic"] = "form"
credentials = ClientCredentials(
    "id",
    "secret",
    scope="paymentsContractThirdPartyOnboarding",
    audience="https://api.sesamy.com",
    organization="acme",
    encoding=encoding,
    store=FileTokenStore(Path("tokens.json")),
)
ClientCredentials("id", "secret", encoding="xml")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
auths: list[
    Auth | ClientCredentials | Callable[[], str | Awaitable[str]] | None
] = [
    None,
    credentials,
    StaticToken("token"),
    Vault(),
    ask,
    ask_later,
    functools.partial(ask_with, "Bearer"),
    lambda: "Bearer x",
]
stores: list[TokenStore] = [
    MemoryTokenStore(),
    FileTokenStore(),
    FileTokenStore("tokens.json"),
    Shelf(),
]


# What a call walks through.


async def as_function(call: Call, proceed: Proceed) -> Response:
    """Change a call on its way, and look at the answer."""
    changed = call.with_headers(X_Trace="1")
    assert_type(changed, Call)
    assert_type(changed.request, Request)
    request = attrs.evolve(changed.request, content=b"{}")
    response = await proceed(attrs.evolve(changed, request=request))
    assert_type(response, Response)
    assert_type(response.headers, Headers)
    assert_type(response.headers.get("X-Request-Id"), str | None)
    assert_type(response.content, bytes)
    return response


class AsClass:
    """A middleware with a memory."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        """Remember the outcomes."""
        try:
            return await proceed(call)
        except SesamyError as error:
            self.outcomes.append(error.outcome)
            raise


def not_async(call: Call, proceed: Proceed) -> None:
    """Be no middleware."""


middleware: list[Middleware] = [as_function, AsClass()]
middleware.append(not_async)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# The clients: the same names, the same arguments.

policy = RetryPolicy(
    attempts=6,
    base=0.2,
    cap=5,
    longest_wait=60,
    budget=RetryBudget(capacity=100, transient=10, throttled=2),
    resend_unknown=False,
)
RetryPolicy(budget=None)
pace = RateLimit(requests=100, per=60, burst=200)
connections = Connections(
    cap=10,
    idle=2,
    max_response_size=2**20,
    proxy="http://proxy.example:3128",
    trust_env=False,
    ssl_context=ssl.create_default_context(),
)


async def awaited() -> None:
    """Use the async client."""
    async with AsyncSesamy() as from_environment:
        assert_type(from_environment, AsyncSesamy)
    sesamy = AsyncSesamy(
        "acme",
        client_id="id",
        client_secret="secret",
        base_url="https://staging-api.sesamy.com",
        token_url="https://token.sesamy.com/oauth/token",
        timeout=10,
        deadline=None,
        retry=policy,
        rate_limit=pace,
        middleware=[as_function, AsClass()],
        transport=connections,
    )
    for auth in auths:
        AsyncSesamy("acme", auth=auth, rate_limit=None)
    for transport in (
        httpx.AsyncClient(),
        httpx.AsyncHTTPTransport(),
        httpx.MockTransport(lambda _: httpx.Response(200)),
        Sandbox().transport(),
    ):
        AsyncSesamy(transport=transport)
    AsyncSesamy("acme", "id")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert_type(sesamy.vendor_id, str)
    assert_type(sesamy.contracts, AsyncContracts)
    copy = sesamy.with_options(
        timeout=1,
        deadline=math.inf,
        retry=policy,
        vendor_id="other",
        headers={"X-Team": "sales"},
    )
    assert_type(copy, AsyncSesamy)
    assert_type(
        await sesamy.contracts.create("P", order, confirm=True), Contract
    )
    assert_type(
        await sesamy.contracts.create("P", order, vendor_id="other"), Contract
    )
    assert_type(
        await sesamy.contracts.confirm(
            "P", "c", provider_payment_data={"reference": "1"}, vendor_id="o"
        ),
        Contract,
    )
    assert_type(
        await sesamy.contracts.onboard(
            "P", order, provider_payment_data={"reference": "1"}, vendor_id="o"
        ),
        Onboarded,
    )
    response = await sesamy.request(
        "POST", "/x", json={"a": [1]}, query={"b": True}, repeatable=True
    )
    assert_type(response, Response)
    assert_type(response.status_code, int)
    await sesamy.aclose()


def blocking() -> None:
    """Use the blocking client."""
    with Sesamy() as from_environment:
        assert_type(from_environment, Sesamy)
    sesamy = Sesamy(
        "acme",
        client_id="id",
        client_secret="secret",
        base_url="https://staging-api.sesamy.com",
        token_url="https://token.sesamy.com/oauth/token",
        timeout=10,
        deadline=None,
        retry=policy,
        rate_limit=pace,
        middleware=[as_function, AsClass()],
        transport=connections,
    )
    for auth in auths:
        Sesamy("acme", auth=auth, rate_limit=None)
    for transport in (
        httpx.Client(),
        httpx.HTTPTransport(),
        httpx.MockTransport(lambda _: httpx.Response(200)),
        Sandbox().transport(),
    ):
        Sesamy(transport=transport)
    Sesamy("acme", "id")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert_type(sesamy.vendor_id, str)
    assert_type(sesamy.contracts, Contracts)
    copy = sesamy.with_options(
        timeout=1,
        deadline=math.inf,
        retry=policy,
        vendor_id="other",
        headers={"X-Team": "sales"},
    )
    assert_type(copy, Sesamy)
    assert_type(sesamy.contracts.create("P", order, confirm=True), Contract)
    assert_type(
        sesamy.contracts.create("P", order, vendor_id="other"), Contract
    )
    assert_type(
        sesamy.contracts.confirm(
            "P", "c", provider_payment_data={"reference": "1"}, vendor_id="o"
        ),
        Contract,
    )
    assert_type(
        sesamy.contracts.onboard(
            "P", order, provider_payment_data={"reference": "1"}, vendor_id="o"
        ),
        Onboarded,
    )
    response = sesamy.request(
        "POST", "/x", json={"a": [1]}, query={"b": True}, repeatable=True
    )
    assert_type(response, Response)
    assert_type(response.status_code, int)
    sesamy.close()


# What goes wrong.


def look(error: SesamyError) -> None:
    """Use what every error says."""
    assert_type(error.outcome, Outcome)
    assert_type(error.outcome.settled, bool)
    assert_type(error.outcome.advice, str)
    assert_type(error.retryable, bool)
    assert_type(error.operation, str | None)
    assert_type(error.attempts, int)
    assert_type(error.external_order_id, str | None)
    assert_type(error.request_id, str | None)
    assert_type(error.contract_id, str | None)
    assert_type(error.step, str | None)
    assert_type(error.aside, str)


def tell_the_order(error: SesamyError) -> str:
    """Tell by outcome what to do with the order; all are covered."""
    match error.outcome:
        case Outcome.NOT_SENT:
            return "send it again"
        case Outcome.REFUSED:
            return "mend it"
        case Outcome.UNKNOWN:
            return "look"
        case Outcome.APPLIED:
            return "leave it"


def tell_our_mistakes() -> None:
    """Tell apart what is wrong with settings and orders."""
    try:
        blocking()
    except InvalidRequestError as error:
        assert_type(error.problems, tuple[str, ...])
        take(error)
    except ConfigurationError as error:
        take(error)
    except AuthenticationError as error:
        assert_type(error.error, str | None)
        assert_type(error.error_description, str | None)
        assert_type(error.status_code, int | None)


def take(error: ValueError) -> None:
    """Take what is a ValueError too."""
    assert_type(error.args, tuple[Any, ...])


def tell_transport() -> None:
    """Tell apart what happens on the way."""
    try:
        blocking()
    except (ConnectionFailedError, OutcomeUnknownError) as error:
        look(error)
    except DeadlineExceededError as error:
        look(error)
    except UnreadableResponseError as error:
        assert_type(error.status_code, int | None)
        assert_type(error.content_type, str | None)
        assert_type(error.size, int | None)


def tell_answers() -> None:
    """Tell apart what Sesamy answers."""
    try:
        blocking()
    except (BadRequestError, UnauthorizedError, PermissionDeniedError) as e:
        api_error: APIError = e
    except (NotFoundError, ConflictError) as e:
        api_error = e
    except (RateLimitError, ServerError) as e:
        assert_type(e.retry_after, float | None)
    except APIError as e:
        api_error = e
        assert_type(e.status_code, int)
        assert_type(e.code, str | None)
        assert_type(e.message, str | None)
        assert_type(e.details, dict[str, Any])
        assert_type(e.headers, Headers)
        assert_type(e.body, bytes)
        look(api_error)


# The sandbox.


def play() -> None:
    """Use the sandbox as a test would."""
    sandbox = Sandbox(SandboxConfig(seed=1, rate_limit=None))
    sandbox.faults.add("drop-after", times=2, on="create")
    sandbox.faults.add(Fault.status(503, applied=True))
    with running(sandbox) as url:
        assert_type(url, str)
        assert_type(sandbox.environment(url), dict[str, str])
    assert_type(sandbox.ledger.count("A-1"), int)
