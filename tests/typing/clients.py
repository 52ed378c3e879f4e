"""Both clients, with the middleware and the sandbox that users give them.

Type checkers read it; it is never run.  What must be an error has a
`type: ignore`, which they refuse where it is not needed.
"""

from __future__ import annotations

import math
import ssl
from typing import assert_type

import attrs
import httpx

from sesamy_async import (
    AsyncContracts,
    AsyncSesamy,
    Call,
    Connections,
    Contract,
    Contracts,
    Headers,
    MemoryPacer,
    Middleware,
    NewContract,
    Onboarded,
    Outcome,
    Pacer,
    Place,
    PlaceEnd,
    Priority,
    Proceed,
    RateLimit,
    Request,
    Response,
    RetryBudget,
    RetryPolicy,
    Sesamy,
    SesamyError,
    StaticToken,
    Turn,
    __version__,
)
from sesamy_async.idempotency import MemoryStore
from sesamy_async.redis import RedisPacer
from sesamy_async.sandbox import Fault, Sandbox, SandboxConfig, running


version: str = __version__
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
assert_type(pace.share(4), RateLimit)
in_process: Pacer = MemoryPacer(pace)
for_hosts: Pacer = RedisPacer(
    "redis://localhost", pace, name="shop", fallback=pace.share(4)
)
Sesamy("acme", auth=StaticToken("t"), rate_limit=for_hosts)
AsyncSesamy("acme", auth=StaticToken("t"), rate_limit=in_process)


class OwnPacer:
    """A pacer without anything of ours but its values."""

    rate = 5.0
    free = 1.0

    def reserve(
        self, place: Place, *, longest: float, within: float
    ) -> Turn | None:
        """Let what completes a call go first."""
        soon = place.priority is not Priority.NEW or longest > within
        return Turn(wait=0.5) if soon else None

    def end(self, place: Place, end: PlaceEnd, *, within: float) -> None:
        """Look at what is left."""
        assert_type(within, float)
        assert_type(end.left, float | None)
        assert_type(place.kept, Place | None)

    def give_back(self, place: Place, *, within: float) -> None:
        """Do nothing."""


own: Pacer = OwnPacer()
connections = Connections(
    cap=10,
    idle=2,
    max_response_size=2**20,
    proxy="http://proxy.example:3128",
    trust_env=False,
    ssl_context=ssl.create_default_context(),
)


async def as_function(call: Call, proceed: Proceed) -> Response:
    """Change a call, and read the answer."""
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
    """A middleware with state."""

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
    """Do nothing: this is no middleware."""


middleware: list[Middleware] = [as_function, AsClass()]
middleware.append(not_async)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def save(contract: Contract) -> None:
    """Keep the id of a contract."""
    assert_type(contract.id, str)


async def awaited(order: NewContract) -> None:
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
        middleware=middleware,
        transport=connections,
    )
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
    onboarded = await sesamy.contracts.onboard(
        "P", order, allow_strays=False, on_created=save
    )
    assert_type(onboarded.repeated, bool)
    await sesamy.contracts.create("P", order, allow_strays=None)
    for store in (MemoryStore(), "memory:", False, None):
        AsyncSesamy(idempotency=store)
    AsyncSesamy(idempotency=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await sesamy.aclose()
    await sesamy.aclose(within=5)


def blocking(order: NewContract) -> None:
    """Use the blocking client, which is generated from the other."""
    with Sesamy() as from_environment:
        assert_type(from_environment, Sesamy)
    sesamy = Sesamy(
        "acme",
        client_id="id",
        client_secret="secret",
        middleware=middleware,
        transport=connections,
    )
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
    assert_type(sesamy.with_options(timeout=1, retry=policy), Sesamy)
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
    seen: list[Contract] = []
    onboarded = sesamy.contracts.onboard(
        "P", order, allow_strays=True, on_created=seen.append
    )
    assert_type(onboarded.repeated, bool)
    for store in (MemoryStore(), "memory:", False, None):
        Sesamy(idempotency=store)
    sesamy.close()
    sesamy.close(within=5)


def play() -> None:
    """Use the sandbox as a test does."""
    sandbox = Sandbox(SandboxConfig(seed=1, rate_limit=None))
    sandbox.faults.add("drop-after", times=2, on="create")
    sandbox.faults.add(Fault.status(503, applied=True))
    with running(sandbox) as url:
        assert_type(url, str)
        assert_type(sandbox.environment(url), dict[str, str])
    assert_type(sandbox.ledger.count("A-1"), int)
