"""contracts.onboard: create, then confirm, whatever comes between."""

from __future__ import annotations

import json

import anyio
import httpx
import pytest
import respx

from sesamy_async import (
    APIError,
    AsyncSesamy,
    BadRequestError,
    ConflictError,
    ConnectionFailedError,
    Outcome,
    StaticToken,
    UnreadableResponseError,
)
from support.calling import AT_ONCE, World, onboard
from support.failure_rows import QUICK, REFUSED, Row
from support.fault_server import FaultServer, Step
from support.faults import (
    answer,
    close_answer,
    good,
    message,
    raw,
    reset_first,
)
from support.marks import each_of, every_world
from support.patience import patiently
from support.reaching import direct
from support.tls import server_context
from support.wire import API, ORDER


LONG = "x" * 1001  # No segment of a path is longer than 1,000.


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
    assert "Contract 'c1' was created; continue with" in notes[1]


@pytest.mark.parametrize(
    "lost",
    [{"error": "text"}, *({"id": odd} for odd in (".", "..", "a\nb", LONG))],
)
async def test_onboard_counts_strays(
    api: respx.Router, client: AsyncSesamy, lost: dict[str, str]
) -> None:
    """A create that says it failed may be a stray.

    A contract that no confirm can name is one, as one without an id is.
    """
    api.post(f"{API}?confirm=false").mock(
        side_effect=[
            httpx.Response(200, json=lost),
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
    api.post(f"{API}?confirm=false").respond(json={"id": LONG})
    with pytest.raises(UnreadableResponseError) as caught:
        await client.contracts.onboard("SPRING-12", ORDER)

    error = caught.value
    assert ("create", None, Outcome.UNKNOWN, True) == (
        error.step,
        error.contract_id,
        error.outcome,
        error.retryable,
    )
    assert "its contract id can't be part of a URL" in str(error)
    assert "the order can be onboarded again" in str(error)
    assert LONG not in str(error)


@every_world
@each_of(*QUICK)
def test_onboard_counts_strays_on_sockets(row: Row, world: World) -> None:
    """A create inside onboard whose answer is lost is a possible stray."""

    def attempt(timeout: float) -> tuple[object, ...]:
        with row.server() as server:
            ending = world.one(
                onboard,
                retry=AT_ONCE,
                **{**row.settings(server), "timeout": timeout},
            )
        if ending.error is not None:
            return (ending.error,)
        made = ending.value
        return made.strays, made.contract.id, server.operations

    creates = ["create"] * (row.received + 1)
    expected = 1, f"c-{len(creates)}", [*creates, "confirm"]

    assert expected == patiently(expected, attempt)


@every_world
@each_of(*REFUSED)
def test_onboard_ends_at_a_refusal(row: Row, world: World) -> None:
    """A refused create is not sent again, and nothing is confirmed."""
    with row.server() as server:
        settings = row.settings(server)
        ending = world.one(onboard, retry=AT_ONCE, **settings)

    assert (row.error, Outcome.REFUSED, 1) == ending.facts
    assert "create" == ending.failed.step
    assert ["create"] == server.operations


@every_world
@pytest.mark.parametrize(
    ("status", "error"), [(409, ConflictError), (400, BadRequestError)]
)
def test_a_refusal_after_doubt_is_doubtful(
    status: int, error: type[APIError], world: World
) -> None:
    """What an earlier create may have done, a refusal can't undo."""
    with FaultServer([answer(503), answer(status)], good) as server:
        ending = world.one(onboard, retry=AT_ONCE, **direct(server))

    failed = ending.failed
    assert (error, Outcome.UNKNOWN, 2) == ending.facts
    assert ("contracts.onboard", "create", None, True) == (
        failed.operation,
        failed.step,
        failed.contract_id,
        failed.retryable,
    )
    assert ["create", "create"] == server.operations


@every_world
@pytest.mark.parametrize(
    ("step", "outcome", "attempts"),
    [
        (answer(400), Outcome.REFUSED, 1),
        (answer(503), Outcome.UNKNOWN, 3),
        (close_answer, Outcome.UNKNOWN, 3),
        (answer(200, b"<p>"), Outcome.UNKNOWN, 3),
        (answer(200, b"{"), Outcome.APPLIED, 3),
    ],
    ids=["refused", "answered 503", "not answered", "a page", "unreadable"],
)
def test_a_failed_confirm_names_the_contract(
    step: Step, outcome: Outcome, attempts: int, world: World
) -> None:
    """Where onboard stops at the confirm, it says which contract to."""
    with FaultServer([good], step) as server:
        ending = world.one(onboard, retry=AT_ONCE, **direct(server))
    error = ending.failed

    assert (outcome, 1 + attempts) == (error.outcome, error.attempts)
    assert ("contracts.onboard", "confirm", "c-1", "order-1") == (
        error.operation,
        error.step,
        error.contract_id,
        error.external_order_id,
    )
    # To onboard again would make, and confirm, another contract.
    assert not error.retryable
    assert "continue with contracts.confirm" in str(error)
    assert ["create"] + ["confirm"] * attempts == server.operations


@every_world
def test_a_confirm_that_is_not_sent(world: World) -> None:
    """The contract was made before, so the order is not NOT_SENT."""
    made = raw(message(201, {"id": "c-1"}, {"Connection": "close"}))
    context = server_context()
    with FaultServer([made], reset_first, context=context) as server:
        ending = world.one(onboard, retry=AT_ONCE, **direct(server))
    error = ending.failed

    assert (ConnectionFailedError, Outcome.UNKNOWN, 4) == ending.facts
    assert ("confirm", "c-1") == (error.step, error.contract_id)
    assert ["create"] == server.operations
