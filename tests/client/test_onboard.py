"""contracts.onboard: create, then confirm, whatever comes between."""

from __future__ import annotations

import json
from typing import Any

import anyio
import httpx
import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    ConflictError,
    Outcome,
    SesamyError,
    StaticToken,
    UnreadableResponseError,
)
from support.wire import API, ORDER


async def test_onboard(api: respx.Router, client: AsyncSesamy) -> None:
    """Onboard creates unconfirmed, then confirms that contract."""
    create = api.post(f"{API}?confirm=false").respond(json={"id": "c1"})
    confirm = api.post(f"{API}/confirm/c1").respond(
        json={"id": "c1", "isActive": True}
    )
    result = await client.contracts.onboard(
        "SPRING-12", ORDER, provider_payment_data={"a": "b"}
    )

    assert ("c1", True, 0) == (
        result.contract.id,
        result.contract.is_active,
        result.strays,
    )
    assert (1, 1) == (create.call_count, confirm.call_count)
    assert {"providerPaymentData": {"a": "b"}} == json.loads(
        confirm.calls.last.request.content
    )


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(204), httpx.Response(200, json={"done": "yes"})],
)
async def test_onboard_keeps_the_fuller_contract(
    api: respx.Router, client: AsyncSesamy, answer: httpx.Response
) -> None:
    """Where confirm answers no contract, the created one is returned."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c1", "name": "N"})
    api.post(f"{API}/confirm/c1").mock(answer)
    result = await client.contracts.onboard("SPRING-12", ORDER)

    assert "N" == result.contract.name


@pytest.mark.parametrize(
    "lost",
    [
        httpx.Response(502, html="<p>"),
        httpx.Response(200, content=b"{"),
        httpx.Response(200, html="<p>"),
        httpx.Response(200, json={"error": "text"}),
        httpx.ReadTimeout("x"),
    ],
)
async def test_onboard_counts_strays(
    api: respx.Router, client: AsyncSesamy, lost: Any
) -> None:
    """A create whose answer was lost is sent again, and counted."""
    api.post(f"{API}?confirm=false").mock(
        side_effect=[lost, httpx.Response(200, json={"id": "c2"})]
    )
    api.post(f"{API}/confirm/c2").respond(json={"id": "c2"})
    result = await client.contracts.onboard("SPRING-12", ORDER)

    assert ("c2", 1) == (result.contract.id, result.strays)


async def test_onboard_conflict_after_doubt(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """A 409 after an unknown create is not taken for a refusal."""
    api.post(f"{API}?confirm=false").mock(
        side_effect=[httpx.ReadTimeout("x"), httpx.Response(409)]
    )
    with pytest.raises(ConflictError) as caught:
        await client.contracts.onboard("SPRING-12", ORDER)

    error = caught.value
    assert ("contracts.onboard", "create", Outcome.UNKNOWN, None, True) == (
        error.operation,
        error.step,
        error.outcome,
        error.contract_id,
        error.retryable,
    )


async def test_onboard_refused(api: respx.Router, client: AsyncSesamy) -> None:
    """A create that is refused for certain is refused."""
    api.post(f"{API}?confirm=false").respond(409)
    with pytest.raises(ConflictError) as caught:
        await client.contracts.onboard("SPRING-12", ORDER)

    assert (Outcome.REFUSED, "create") == (
        caught.value.outcome,
        caught.value.step,
    )


async def test_onboard_unreadable(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """Creates that can't be read leave strays, and nothing confirmed."""
    route = api.post(f"{API}?confirm=false").respond(json={})
    with pytest.raises(UnreadableResponseError) as caught:
        await client.contracts.onboard("SPRING-12", ORDER)

    assert (Outcome.UNKNOWN, "create", 4) == (
        caught.value.outcome,
        caught.value.step,
        route.call_count,
    )


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (httpx.ConnectError("x"), Outcome.UNKNOWN),
        (httpx.ReadTimeout("x"), Outcome.UNKNOWN),
        (httpx.Response(404), Outcome.REFUSED),
        (httpx.Response(200, html="<p>"), Outcome.UNKNOWN),
        (httpx.Response(200, content=b"{"), Outcome.APPLIED),
    ],
)
async def test_onboard_stops_at_confirm(
    api: respx.Router, client: AsyncSesamy, answer: Any, outcome: Outcome
) -> None:
    """Where it stops at confirm, the error says how to go on."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c1"})
    api.post(f"{API}/confirm/c1").mock(
        side_effect=answer if isinstance(answer, Exception) else [answer] * 4
    )
    with pytest.raises(SesamyError) as caught:
        await client.contracts.onboard("SPRING-12", ORDER)

    error = caught.value
    assert ("contracts.onboard", "confirm", "c1", "o-1", outcome) == (
        error.operation,
        error.step,
        error.contract_id,
        error.external_order_id,
        error.outcome,
    )
    # To onboard again would make, and confirm, another contract.
    assert not error.retryable
    assert "go on with contracts.confirm" in str(error)


async def test_onboard_cancelled_at_confirm() -> None:
    """Who cancels between the steps is told which contract was made."""
    scope = anyio.CancelScope()

    async def answer(request: httpx.Request) -> httpx.Response:
        if "/confirm/" not in request.url.path:
            return httpx.Response(200, json={"id": "c1"})
        scope.cancel()
        await anyio.sleep(10)
        raise AssertionError

    notes: list[str] = []
    async with AsyncSesamy(
        "acme",
        auth=StaticToken("t"),
        transport=httpx.MockTransport(answer),
    ) as client:
        with scope:
            try:
                await client.contracts.onboard("SPRING-12", ORDER)
            except BaseException as error:
                notes = error.__notes__
                raise

    assert "contracts.confirm of order 'o-1': Interrupted." in notes[0]
    assert "Outcome: UNKNOWN." in notes[0]
    assert "Contract 'c1' was made; go on with" in notes[1]


@pytest.mark.parametrize("odd", [".", "..", "a\nb", "x" * 1001])
async def test_onboard_with_an_id_that_is_no_segment(
    api: respx.Router, client: AsyncSesamy, odd: str
) -> None:
    """A contract that no confirm can name is a stray, like one without id."""
    api.post(f"{API}?confirm=false").mock(
        side_effect=[
            httpx.Response(200, json={"id": odd}),
            httpx.Response(200, json={"id": "c2"}),
        ]
    )
    api.post(f"{API}/confirm/c2").respond(json={"id": "c2"})
    result = await client.contracts.onboard("SPRING-12", ORDER)

    assert ("c2", 1) == (result.contract.id, result.strays)


async def test_onboard_with_such_ids_only(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """Where all are odd, the error advises nothing that is impossible."""
    api.post(f"{API}?confirm=false").respond(json={"id": "x" * 1001})
    with pytest.raises(UnreadableResponseError) as caught:
        await client.contracts.onboard("SPRING-12", ORDER)

    error = caught.value
    assert ("create", None, Outcome.UNKNOWN, True) == (
        error.step,
        error.contract_id,
        error.outcome,
        error.retryable,
    )
    assert "its contract id can't stand in a URL" in str(error)
    assert "the order can be onboarded again" in str(error)
    assert "x" * 1001 not in str(error)


async def test_create_with_such_an_id(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """Where nothing is to be confirmed, any id is a contract's."""
    api.post(f"{API}?confirm=1").respond(json={"id": ".."})
    contract = await client.contracts.create("SPRING-12", ORDER, confirm=True)

    assert ".." == contract.id
