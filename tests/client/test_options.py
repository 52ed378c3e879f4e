"""Options of one call, and copies of a client with other settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    Call,
    ClientCredentials,
    ConfigurationError,
    InvalidRequestError,
    Outcome,
    Proceed,
    RateLimit,
    RateLimitError,
    Response,
    Sesamy,
    StaticToken,
)
from sesamy_async.idempotency import MemoryStore
from sesamy_async.sandbox import Sandbox
from support.wire import API, ORDER


MakeClient = Callable[..., Sesamy]


@pytest.fixture
def sandbox() -> Sandbox:
    """A Sesamy."""
    return Sandbox()


@pytest.fixture
def make(sandbox: Sandbox) -> Iterator[MakeClient]:
    """Make blocking clients that the sandbox answers, and close them."""
    with ExitStack() as stack:

        def make(**options: Any) -> Sesamy:
            settings = {**sandbox.client_settings(), **options}
            return stack.enter_context(Sesamy(**settings))

        yield make


def onboard(client: Sesamy, **options: Any) -> Any:
    """Onboard the usual order."""
    return client.contracts.onboard("SPRING-12", ORDER, **options)


async def test_options_of_one_call(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """Headers and limits given to a call are those of all its requests."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c1"})
    api.post(f"{API}/confirm/c1").respond(json={"id": "c1"})
    api.get("https://api.sesamy.com/x").respond(json={})
    limits: list[tuple[float, bool]] = []

    async def watch(call: Call, proceed: Proceed) -> Response:
        limits.append((call.timeout, math.isinf(call.deadline)))
        return await proceed(call)

    options: Any = {
        "timeout": 3.0,
        "deadline": math.inf,
        "headers": {"X-Trace": "1"},
    }
    contracts = client.with_options(middleware=[watch]).contracts
    await contracts.create("SPRING-12", ORDER, **options)
    await contracts.confirm("SPRING-12", "c1", **options)
    await contracts.onboard("SPRING-12", ORDER, **options)
    await client.request("GET", "/x", **options)
    requests = [each.request for each in api.calls]
    sent = [each for each in requests if "token" not in each.url.host]

    assert {(3.0, True)} == set(limits)
    assert ["1"] * 5 == [each.headers["x-trace"] for each in sent]


@pytest.mark.parametrize(
    "wrong", [{"timeout": 0}, {"deadline": "soon"}, {"headers": 5}]
)
@pytest.mark.parametrize(
    "act",
    [
        lambda it, **wrong: it.contracts.create("P", ORDER, **wrong),
        lambda it, **wrong: it.contracts.confirm("P", "c1", **wrong),
        lambda it, **wrong: it.contracts.onboard("P", ORDER, **wrong),
        lambda it, **wrong: it.request("GET", "/", **wrong),
    ],
    ids=["create", "confirm", "onboard", "request"],
)
def test_impossible_options_of_one_call(
    make: MakeClient, sandbox: Sandbox, act: Any, wrong: Any
) -> None:
    """They are named before anything is sent."""
    client = make()
    [name] = wrong
    with pytest.raises(ConfigurationError, match=name) as caught:
        act(client, **wrong)

    assert (Outcome.NOT_SENT, 0) == (
        caught.value.outcome,
        sandbox.ledger.requests(),
    )


def test_headers_of_all_calls(make: MakeClient) -> None:
    """`headers` adds to the `default_headers`, which replace the old."""
    seen: list[tuple[str | None, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        get = request.headers.get
        seen.append((get("x-a"), get("x-b")))
        return httpx.Response(200, json={"id": "c1", "access_token": "t"})

    transport = httpx.MockTransport(answer)
    client = make(transport=transport, default_headers={"X-A": "1"})
    client.ready()
    seen.clear()
    for each in (
        client,
        client.with_options(headers={"X-B": "2"}),
        client.with_options(default_headers={"X-B": "3"}),
        client.with_options(default_headers={}, headers={"X-A": "4"}),
    ):
        each.contracts.create("P", ORDER)

    assert [("1", None), ("1", "2"), (None, "3"), ("4", None)] == seen


@pytest.mark.parametrize("changed", [False, True])
def test_the_application_is_named(make: MakeClient, changed: bool) -> None:
    """The User-Agent of calls and of token requests ends with it."""
    agents: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        agents.append(request.headers["user-agent"])
        return httpx.Response(200, json={"id": "c1", "access_token": "t"})

    client = make(
        transport=httpx.MockTransport(answer),
        app_info=None if changed else ("shop", "1.2"),
    )
    if changed:
        client = client.with_options(app_info=("shop", "1.2"))
    client.contracts.create("P", ORDER)

    assert 2 == len(agents)
    for agent in agents:
        assert agent.startswith("sesamy-async/")
        assert agent.endswith(") shop/1.2")


@pytest.mark.parametrize(
    "wrong", [5, (), ("a", "b", "c"), ("my shop", "1"), ("shop", 1), "a\r\nb"]
)
def test_an_application_without_a_name(wrong: Any) -> None:
    """What can't stand in a User-Agent is refused."""
    with pytest.raises(ConfigurationError, match="app_info must be"):
        Sesamy("acme", auth=StaticToken("t"), app_info=wrong)


def test_a_copy_with_everything_else(
    make: MakeClient, sandbox: Sandbox
) -> None:
    """It goes elsewhere, as somebody else, and the first one does not."""
    client = make()
    other = Sandbox()
    settings = other.environment("http://127.0.0.1:1")
    copy = client.with_options(
        base_url=settings["SESAMY_BASE_URL"],
        token_url=settings["SESAMY_TOKEN_URL"],
        auth=ClientCredentials("sandbox-client", "sandbox-secret"),
        transport=other.transport(),
        rate_limit=RateLimit(burst=7),
        idempotency=MemoryStore(),
        shared_contracts=True,
    )
    onboard(copy)
    again = onboard(copy)

    assert (again.repeated, other.ledger.total) == (True, 1)
    assert 5 == math.floor(copy.permitted_at_once or 0)
    assert ("http://127.0.0.1:1", True) == (
        copy.base_url,
        copy.shared_contracts,
    )
    assert 0 == sandbox.ledger.requests()
    assert not onboard(client).repeated


def test_a_copy_without(make: MakeClient) -> None:
    """False leaves out the pace and the store."""
    client = make(idempotency=MemoryStore())
    copy = client.with_options(rate_limit=False, idempotency=False)
    onboard(client)

    assert onboard(client).repeated
    assert not onboard(copy).repeated
    assert copy.permitted_rate is None


def test_a_copy_with_another_pace_of_its_own(make: MakeClient) -> None:
    """Another server has a limit of its own; the same one has one pace."""
    client = make(rate_limit=RateLimit(burst=10))
    elsewhere = client.with_options(base_url="https://staging.example")
    same = client.with_options(vendor_id="other")
    onboard(client)

    assert 10 == elsewhere.permitted_at_once
    assert client.permitted_at_once is not None
    assert same.permitted_at_once is not None
    assert max(client.permitted_at_once, same.permitted_at_once) < 9


def test_a_copy_keeps_its_store_for_another_server(make: MakeClient) -> None:
    """Orders of another server are other orders, in the same store."""
    store = MemoryStore()
    client = make(idempotency=store)
    onboard(client)
    staging = client.with_options(base_url="https://staging.invalid")
    result = onboard(staging)

    assert not result.repeated
    assert onboard(staging).repeated


def test_a_copy_with_shared_contracts_keeps_its_store(
    make: MakeClient,
) -> None:
    """What the store knows of an order does not depend on that."""
    client = make(idempotency=MemoryStore())
    onboard(client)

    assert onboard(client.with_options(shared_contracts=True)).repeated


def test_a_deadline_of_one_call(make: MakeClient, sandbox: Sandbox) -> None:
    """A wait that would pass it is not begun."""
    sandbox.faults.add("wait:30", on="create")
    with pytest.raises(RateLimitError) as caught:
        onboard(make(), deadline=5)

    assert "would exceed the deadline" in caught.value.aside


def test_a_store_of_a_copy_ends_with_its_client(
    make: MakeClient, tmp_path: Path
) -> None:
    """A store that a copy made from a URL is closed with the client."""
    client = make()
    copy = client.with_options(idempotency=f"sqlite:{tmp_path}/orders.db")
    onboard(copy)
    copy.close()
    assert onboard(copy).repeated
    client.close()

    with pytest.raises(ConfigurationError, match="closed"):
        onboard(copy)
    assert not list(tmp_path.glob("*-wal"))


def test_connections_of_a_copy_end_with_its_client(
    make: MakeClient, sandbox: Sandbox
) -> None:
    """The client closes them, and refuses calls over them."""
    client = make()
    with client:
        copy = client.with_options(transport=sandbox.transport())
        onboard(copy)

    with pytest.raises(ConfigurationError, match="closed"):
        onboard(copy)


STRANGE = attrs.evolve(ORDER, payment_method="BARTER")


@pytest.mark.parametrize("by_copy", [False, True])
def test_strict(make: MakeClient, sandbox: Sandbox, by_copy: bool) -> None:
    """A word that the guide does not name is refused before it is sent."""
    client = make(strict=not by_copy)
    if by_copy:
        client = client.with_options(strict=True)
    with pytest.raises(InvalidRequestError, match="paymentMethod") as caught:
        client.contracts.onboard("SPRING-12", STRANGE)

    assert ("o-1", 0) == (
        caught.value.external_order_id,
        sandbox.ledger.requests(),
    )
    assert onboard(client).contract.is_active


def test_not_strict(make: MakeClient) -> None:
    """By default another word is sent as it is."""
    client = make()

    assert client.contracts.onboard("SPRING-12", STRANGE).contract.is_active
