"""A sandbox that answers all clients of an application."""

from __future__ import annotations

import os
from typing import Any

import httpx
import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    BadRequestError,
    ConnectionFailedError,
    OutcomeUnknownError,
    RetryPolicy,
    Sesamy,
    SesamyError,
    User,
)
from sesamy_async.sandbox import Sandbox, SandboxConfig, running
from sesamy_async.testing import order, routes, use_runtime, use_sandbox
from support.programs import run


PROMO = "SPRING-12"
ONCE = RetryPolicy(attempts=1)
FAULTS = [
    "status:503",
    "status:503+applied",
    "status:202",
    "wait:7",
    "delay:2.5",
    "delay:40",
    "drop-before",
    "drop-after",
    "half",
    "malformed",
    "html:502",
    "html:502+applied",
    "no-rate-headers",
    "empty",
]


def became(**settings: Any) -> object:
    """Return how a create in a thread ends."""
    with Sesamy(retry=ONCE, **settings) as sesamy:
        try:
            return sesamy.contracts.create(PROMO, order()).status
        except SesamyError as error:
            return str(error)


async def became_async(**settings: Any) -> object:
    """Return how a create in a task ends."""
    async with AsyncSesamy(retry=ONCE, **settings) as sesamy:
        try:
            return (await sesamy.contracts.create(PROMO, order())).status
        except SesamyError as error:
            return str(error)


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_a_blocking_client(
    fault: str, sesamy_sandbox: Sandbox
) -> None:
    """A client with its own settings sees what one with a transport sees."""
    another = Sandbox()
    another.faults.add(fault, on="create")
    sesamy_sandbox.faults.add(fault, on="create")

    assert became(**another.client_settings()) == became()
    assert another.ledger.total == sesamy_sandbox.ledger.total


@pytest.mark.parametrize("fault", FAULTS)
async def test_faults_of_an_async_client(
    fault: str, sesamy_sandbox: Sandbox
) -> None:
    """So does an async one."""
    another = Sandbox()
    another.faults.add(fault, on="create")
    sesamy_sandbox.faults.add(fault, on="create")
    expected = await became_async(**another.client_settings())

    assert expected == await became_async()
    assert another.ledger.total == sesamy_sandbox.ledger.total


async def test_a_lost_answer_is_repeated(
    sesamy_sandbox: Sandbox, sesamy_routes: respx.MockRouter
) -> None:
    """The routes count the requests, and one contract is confirmed."""
    sesamy_sandbox.faults.add("drop-after", on="create")
    async with AsyncSesamy() as sesamy:
        done = await sesamy.contracts.onboard(PROMO, order())

    [contract] = sesamy_sandbox.ledger.confirmed("A-1")

    assert done.contract.id == contract.id
    assert 2 == sesamy_routes["create"].call_count
    assert 1 == sesamy_routes["token"].call_count
    assert 1 == sesamy_routes["confirm"].call_count
    assert 0 == sesamy_routes["other"].call_count


def test_a_route_can_be_scripted(
    sesamy_sandbox: Sandbox, sesamy_routes: respx.MockRouter
) -> None:
    """What a test scripts comes instead of the sandbox's answers."""
    sesamy_routes["create"].mock(return_value=httpx.Response(422))
    with Sesamy() as sesamy, pytest.raises(BadRequestError):
        sesamy.contracts.create(PROMO, order())

    assert 0 == sesamy_sandbox.ledger.total
    assert b'"externalOrderId":"A-1"' in (
        sesamy_routes["create"].calls.last.request.content
    )


async def refuse(request: httpx.Request) -> httpx.Response:
    """Fail as a connection does."""
    raise httpx.ReadError("cut", request=request)


async def test_a_script_may_raise(sesamy_routes: respx.MockRouter) -> None:
    """An exception of a function ends the call as that of httpx does."""
    sesamy_routes["create"].mock(side_effect=refuse)
    async with AsyncSesamy(retry=ONCE) as sesamy:
        with pytest.raises(OutcomeUnknownError):
            await sesamy.contracts.create(PROMO, order())


@pytest.mark.usefixtures("sesamy_sandbox")
def test_other_paths(sesamy_routes: respx.MockRouter) -> None:
    """What the sandbox does not know is refused by it, too."""
    with Sesamy() as sesamy, pytest.raises(SesamyError, match="404"):
        sesamy.request("GET", "/nothing")

    assert 1 == sesamy_routes["other"].call_count


@pytest.mark.parametrize(
    "url",
    [
        "https://api.sesamy.com",
        "https://staging-api.sesamy.com",
        "https://api2.sesamy.dev:443",
    ],
)
def test_sesamy_itself_is_never_reached(
    url: str, sesamy_sandbox: Sandbox
) -> None:
    """A URL in the code leads to the sandbox, too."""
    with Sesamy(base_url=url) as sesamy:
        sesamy.contracts.create(PROMO, order())

    assert 1 == sesamy_sandbox.ledger.total


@pytest.mark.parametrize("blocking", [False, True])
async def test_other_hosts_are_left_alone(
    blocking: bool, sesamy_routes: respx.MockRouter
) -> None:
    """The application still reaches its other services."""
    with running(Sandbox()) as url:
        answer = await get(f"{url}/_sandbox/ledger", blocking=blocking)

    assert 200 == answer.status_code
    assert 0 == sesamy_routes["other"].call_count


@pytest.mark.parametrize("blocking", [False, True])
async def test_other_hosts_may_be_mocked(
    blocking: bool, sesamy_sandbox: Sandbox, respx_mock: respx.MockRouter
) -> None:
    """Another router answers for its hosts, and decides what is an error."""
    respx_mock.get("https://shop.example/").respond(204)
    async with AsyncSesamy() as sesamy:
        await sesamy.contracts.create(PROMO, order())
    answer = await get("https://shop.example/", blocking=blocking)
    with pytest.raises(AssertionError, match="not mocked"):
        await get("https://other.example/", blocking=blocking)

    assert 204 == answer.status_code
    assert 1 == sesamy_sandbox.ledger.total


async def get(url: str, *, blocking: bool) -> httpx.Response:
    """Ask another service, as the application does."""
    if blocking:
        return get_blocking(url)
    async with httpx.AsyncClient() as another:
        return await another.get(url)


def get_blocking(url: str) -> httpx.Response:
    """Ask it in a thread."""
    with httpx.Client() as client:
        return client.get(url)


def test_routes_may_be_added(sesamy_routes: respx.MockRouter) -> None:
    """A test can script other hosts on the same router."""
    sesamy_routes.get("https://shop.example/").respond(204)

    assert 204 == httpx.get("https://shop.example/").status_code


def test_without_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three functions do what the fixtures do, and leave nothing behind."""
    monkeypatch.setenv("SESAMY_SCOPE", "mine")
    before = dict(os.environ)
    with use_runtime() as time, use_sandbox() as sandbox:
        with routes(sandbox) as router, Sesamy() as sesamy:
            sandbox.faults.add("wait:9", on="create")
            sesamy.contracts.create(PROMO, order())
            count = router["create"].call_count
        inside = dict(os.environ)

    assert before == dict(os.environ)
    assert "SESAMY_SCOPE" not in inside
    assert 2 == count
    assert 1 == sandbox.ledger.total
    assert 9 <= time.elapsed


def test_a_sandbox_and_a_store_of_ones_own() -> None:
    """A test may bring its own sandbox, and a store of orders."""
    sandbox = Sandbox(SandboxConfig(idempotent=True))
    with (
        use_sandbox(sandbox, idempotency="memory:") as given,
        routes(given),
        Sesamy() as sesamy,
    ):
        done = [sesamy.contracts.onboard(PROMO, order()) for _ in range(2)]

    assert given is sandbox
    assert [False, True] == [each.repeated for each in done]


def test_without_routes_nothing_is_reached() -> None:
    """The variables alone lead to no host that there is."""
    with (
        use_sandbox(),
        Sesamy(retry=ONCE) as sesamy,
        pytest.raises(ConnectionFailedError, match=r"sandbox\.invalid"),
    ):
        sesamy.contracts.create(PROMO, order())


def test_an_order() -> None:
    """It is complete, of nobody, and can be changed."""
    made = order("B-7", quantity=2)

    assert ("B-7", 2) == (made.external_order_id, made.quantity)
    assert "A-1" == order().external_order_id
    assert User(email="test@example.com", full_name="Test Person") == (
        order().user_data
    )


def test_respx_is_missing() -> None:
    """Without respx, the error says how to install it."""
    program = """
import sys
sys.modules["respx"] = None
from sesamy_async.testing import Time, use_runtime
from sesamy_async.testing import routes
"""
    done = run(["-c", program], os.environ)

    assert done.stderr.endswith(
        "ModuleNotFoundError: sesamy_async.testing needs respx: "
        "pip install 'sesamy-async[testing]'.\n"
    )
    assert "line 5" in done.stderr  # The time needs none.


@pytest.mark.parametrize("given", ["*", "a.example", ""])
def test_what_no_proxy_names_is_kept(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """The sandbox is added to it, unless all hosts are named."""
    monkeypatch.setenv("no_proxy", given)
    with use_sandbox():
        used = os.environ["no_proxy"].split(",")

    assert given in {*used, ""}
    assert (given == "*") is (used == ["*"])
