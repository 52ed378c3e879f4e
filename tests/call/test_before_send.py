"""What a caller can do right before a create is sent."""

from __future__ import annotations

import time

import httpx
import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    Call,
    DeadlineExceededError,
    InvalidRequestError,
    Outcome,
    Sesamy,
    SesamyError,
    StaticToken,
)
from support.wire import API, ORDER, QUICK


async def test_awaited_before_the_request(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """The hook runs after the token is there, before the order leaves."""
    route = api.post(f"{API}?confirm=false").respond(json={"id": "c1"})
    seen: list[tuple[str | None, bool, int, int]] = []

    async def note(call: Call) -> None:
        has_token = call.request.authorization is not None
        tokens = api["token"].call_count
        seen.append(
            (call.external_order_id, has_token, tokens, route.call_count)
        )

    await client.contracts.create("SPRING-12", ORDER, before_send=note)

    assert [("o-1", True, 1, 0)] == seen


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SesamyError("No."), "No"),
        (OSError(28, "No space left on device"), "before_send"),
    ],
)
async def test_what_it_raises_keeps_the_order_here(
    api: respx.Router, client: AsyncSesamy, error: Exception, words: str
) -> None:
    """If the hook raises, nothing is sent, and the outcome is known."""
    route = api.post(f"{API}?confirm=false").respond(json={"id": "c1"})

    async def refuse(call: Call) -> None:
        del call
        raise error

    with pytest.raises(SesamyError, match=words) as caught:
        await client.contracts.create("SPRING-12", ORDER, before_send=refuse)

    assert (0, Outcome.NOT_SENT) == (route.call_count, caught.value.outcome)


def test_what_takes_too_long_keeps_the_order_here(
    api: respx.Router,
) -> None:
    """Past its deadline a hook that blocks has the order stay here."""
    route = api.post(f"{API}?confirm=false").respond(json={"id": "c1"})

    async def dawdle(call: Call) -> None:
        left = call.deadline - time.monotonic()
        time.sleep(max(0.0, left))  # noqa: ASYNC251 - it blocks

    client = Sesamy("acme", auth=StaticToken("t1"), deadline=0.05)
    with client, pytest.raises(DeadlineExceededError) as caught:
        client.contracts.create("SPRING-12", ORDER, before_send=dawdle)

    assert (0, Outcome.NOT_SENT) == (route.call_count, caught.value.outcome)


async def test_awaited_before_each_attempt(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """A repeated create says, before each attempt, what may be lost."""
    route = api.post(f"{API}?confirm=false")
    route.side_effect = [
        httpx.ReadTimeout("x"),
        httpx.Response(503),
        httpx.Response(200, json={"id": "c1"}),
    ]
    lost: list[int] = []

    async def note(call: Call) -> None:
        lost.append(call.record.lost)

    contract = await client.contracts.create(
        "SPRING-12", ORDER, repeatable=True, before_send=note
    )

    assert ("c1", [0, 1, 2]) == (contract.id, lost)


async def test_a_confirming_create_is_not_repeatable(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """What gives access must not be repeated, whoever asks for it."""
    with pytest.raises(InvalidRequestError, match="repeatable"):
        await client.contracts.create(
            "P", ORDER, confirm=True, repeatable=True
        )

    assert 0 == api.calls.call_count


def test_blocking(api: respx.Router) -> None:
    """The blocking client awaits the hook too."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c1"})
    seen: list[int] = []

    async def note(call: Call) -> None:
        seen.append(call.attempt)

    with Sesamy("acme", auth=StaticToken("t1"), retry=QUICK) as client:
        client.contracts.create("SPRING-12", ORDER, before_send=note)

    assert [1] == seen
