"""A contract has the answer that it was read from."""

from __future__ import annotations

import pytest
import respx

from sesamy_async import AsyncSesamy, RateState
from sesamy_async.idempotency import MemoryStore
from sesamy_async.sandbox import Sandbox
from support.calling import World
from support.marks import every_world
from support.told_orders import onboard, over
from support.wire import API, ORDER


@pytest.mark.parametrize("confirm", [False, True])
async def test_a_created_contract(
    api: respx.Router, client: AsyncSesamy, confirm: bool
) -> None:
    """Its answer says which request it was, and what is left."""
    query = "1" if confirm else "false"
    api.post(f"{API}?confirm={query}").respond(
        201,
        json={"id": "c1"},
        headers={"X-Request-Id": "r-1", "X-RateLimit-Remaining": "7"},
    )
    contract = await client.contracts.create(
        "SPRING-12", ORDER, confirm=confirm
    )

    assert contract.response is not None
    assert contract.response.status_code == 201
    assert contract.response.request_id == "r-1"
    assert contract.response.rate == RateState(remaining=7)
    assert contract.response.json() == contract.raw


@pytest.mark.parametrize(
    ("content", "expected"), [(b"", "made"), (b'{"id":"c1"}', "confirmed")]
)
async def test_an_onboarded_contract(
    api: respx.Router, client: AsyncSesamy, content: bytes, expected: str
) -> None:
    """It is that of the step whose answer holds the contract."""
    api.post(f"{API}?confirm=false").respond(
        json={"id": "c1"}, headers={"X-Request-Id": "made"}
    )
    api.post(f"{API}/confirm/c1").respond(
        content=content, headers={"X-Request-Id": "confirmed"}
    )
    onboarded = await client.contracts.onboard("SPRING-12", ORDER)
    response = onboarded.contract.response
    confirmed = await client.contracts.confirm("SPRING-12", "c1")

    assert response is not None
    assert response.request_id == expected
    assert confirmed.response is not None
    assert confirmed.response.request_id == "confirmed"


@every_world
def test_a_contract_that_the_store_knew(world: World) -> None:
    """There was no answer, so it has none."""
    settings = over(MemoryStore(), Sandbox())
    first = world.one(onboard, **settings).value
    again = world.one(onboard, **settings).value

    assert first.contract.response.rate is not None
    assert again.contract.response is None
    assert again.contract.id == first.contract.id
