"""contracts.create: on the wire, and what is awaited before it is sent."""

from __future__ import annotations

import json
import re
import time

import httpx
import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    BadRequestError,
    Call,
    DeadlineExceededError,
    Outcome,
    OutcomeUnknownError,
    Sesamy,
    SesamyError,
    StaticToken,
    UnreadableResponseError,
    __version__,
)
from support.leaks import locals_of
from support.wire import API, ORDER


@pytest.mark.parametrize(
    ("confirm", "query"), [(False, "confirm=false"), (True, "confirm=1")]
)
async def test_create(
    api: respx.Router, client: AsyncSesamy, confirm: bool, query: str
) -> None:
    """A create is on the wire what the guide says."""
    route = api.post(f"{API}?{query}").respond(json={"id": "c1"})
    contract = await client.contracts.create(
        "SPRING-12", ORDER, confirm=confirm
    )
    request = route.calls.last.request

    assert "c1" == contract.id
    assert ORDER.to_dict() == json.loads(request.content)
    assert query.encode() == request.url.query
    assert (
        "Bearer t1",
        "application/json",
        f"sesamy-async/{__version__}",
    ) == (
        request.headers["authorization"],
        request.headers["content-type"],
        request.headers["x-sesamy-client"],
    )
    assert re.fullmatch(
        r"sesamy-async/\S+ Python/3\.\d+\.\d+ \(\w+\)",
        request.headers["user-agent"],
    )


async def test_ids_are_encoded(api: respx.Router, client: AsyncSesamy) -> None:
    """Ids that look like paths stay one segment."""
    route = api.post(url__regex=".*/payments/.*").respond(json={"id": "c1"})
    await client.contracts.create("a/b?c", ORDER, vendor_id="x/../y")

    assert (
        b"/payments/vendor/x%2F..%2Fy/promos/code/a%2Fb%3Fc?confirm=false"
        == route.calls.last.request.url.raw_path
    )


async def test_create_that_is_denied(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """Where an answer without an id says that it failed, nobody knows."""
    api.post(f"{API}?confirm=false").respond(json={"Success": False})
    with pytest.raises(OutcomeUnknownError) as caught:
        await client.contracts.create("SPRING-12", ORDER)

    assert Outcome.UNKNOWN is caught.value.outcome


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (b"{", Outcome.APPLIED),
        (b"{}", Outcome.APPLIED),
        (b'{"id": null}', Outcome.APPLIED),
        (b'{"id": "c\xff1"}', Outcome.APPLIED),
        (b"", Outcome.UNKNOWN),
        (b"<html>", Outcome.UNKNOWN),
        (b"null", Outcome.UNKNOWN),
        (b"[]", Outcome.UNKNOWN),
        (b"[" * 100_000, Outcome.UNKNOWN),
        (b'{"message": "We are back soon."}', Outcome.UNKNOWN),
    ],
)
async def test_create_unreadable(
    api: respx.Router, client: AsyncSesamy, content: bytes, outcome: Outcome
) -> None:
    """What is Sesamy's own was applied; of a page, nobody knows."""
    route = api.post(f"{API}?confirm=false").respond(content=content)
    with pytest.raises(UnreadableResponseError) as caught:
        await client.contracts.create("SPRING-12", ORDER)

    assert (outcome, 200, len(content), False) == (
        caught.value.outcome,
        caught.value.status_code,
        caught.value.size,
        caught.value.retryable,
    )
    assert 1 == route.call_count


async def test_an_error(api: respx.Router, client: AsyncSesamy) -> None:
    """It knows its call; no local of our frames shows anything secret."""
    api.post(f"{API}?confirm=false").respond(
        400, json={"error": {"request_id": "r1", "message": "kim@example.se"}}
    )
    with pytest.raises(BadRequestError) as caught:
        await client.contracts.create("SPRING-12", ORDER)
    error = caught.value
    told = f"{locals_of(error)} {error}"

    assert ("contracts.create", "o-1", 1, "r1", Outcome.REFUSED) == (
        error.operation,
        error.external_order_id,
        error.attempts,
        error.request_id,
        error.outcome,
    )
    assert "perform: " in told
    assert [] == [
        canary
        for canary in ("kim@", "Kim", "11122", "Bearer", "t1'")
        if canary in told
    ]


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
    """The hook runs when the token is there, just before the order leaves.

    It sees what may have been lost before.
    """
    route = api.post(f"{API}?confirm=false")
    route.side_effect = [
        httpx.ReadTimeout("x"),
        httpx.Response(503),
        httpx.Response(200, json={"id": "c1"}),
    ]
    seen: list[tuple[object, ...]] = []

    async def note(call: Call) -> None:
        has_token = call.request.authorization is not None
        lost = call.record.lost
        seen.append((call.external_order_id, has_token, lost))
        assert lost == route.call_count

    contract = await client.contracts.create(
        "SPRING-12", ORDER, repeatable=True, before_send=note
    )

    assert "c1" == contract.id
    assert [("o-1", True, lost) for lost in range(3)] == seen
