"""contracts.confirm on the wire, and the contract in an answer."""

from __future__ import annotations

import json
from typing import Any

import attrs
import httpx
import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    Outcome,
    OutcomeUnknownError,
    Sesamy,
    StaticToken,
    UnreadableResponseError,
)
from support.leaks import told_by
from support.wire import API, ORDER


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (None, {}),
        ({}, {"providerPaymentData": {}}),
        ({"reference": "1"}, {"providerPaymentData": {"reference": "1"}}),
    ],
)
async def test_confirm(
    api: respx.Router, client: AsyncSesamy, data: Any, body: Any
) -> None:
    """A confirm is on the wire what the guide says."""
    route = api.post(f"{API}/confirm/c1").respond(
        json={"id": "c1", "status": "ACTIVE"}
    )
    contract = await client.contracts.confirm(
        "SPRING-12", "c1", provider_payment_data=data
    )

    assert ("c1", "ACTIVE") == (contract.id, contract.status)
    assert body == json.loads(route.calls.last.request.content)


@pytest.mark.parametrize(
    ("content", "raw"),
    [
        (b"", {}),
        (b" \n", {}),
        (b'{"ok": true}', {"ok": True}),
        (b'{"contractId": "c1"}', {"contractId": "c1"}),
        (
            b'{"id": "e7", "contractId": "c1"}',
            {"id": "e7", "contractId": "c1"},
        ),
        (
            b'{"id": "e7", "data": {"id": "c1"}}',
            {"id": "e7", "data": {"id": "c1"}},
        ),
        (b'{"error": null}', {"error": None}),
        (b'{"errors": [], "code": 200}', {"errors": [], "code": 200}),
        (b'{"success": true, "data": null}', {"success": True, "data": None}),
    ],
)
async def test_confirm_without_a_contract(
    api: respx.Router, client: AsyncSesamy, content: bytes, raw: Any
) -> None:
    """Where the answer holds no contract, the confirmed id is known."""
    api.post(f"{API}/confirm/c1").respond(content=content)
    contract = await client.contracts.confirm("SPRING-12", "c1")

    assert ("c1", raw) == (contract.id, contract.raw)


@pytest.mark.parametrize(
    "content",
    [
        b'{"error": {}}',
        b'{"error": {"code": "e", "message": "kim@canary.se"}}',
        b'{"errorMessage": "text"}',
        b'{"errors": ["text"]}',
        b'{"success": "false", "message": "text"}',
        b'{"ok": false}',
        b'{"status": "FAILED"}',
        b'{"statusCode": 503, "message": "text"}',
        b'{"code": 500}',
        b'{"data": {"success": false}}',
        b'{"id": "c1", "success": false}',
        b'{"Success": false, "Message": "text"}',
        b'{"Fault": {"faultstring": "text"}}',
        b'{"confirmed": false}',
        b'{"confirmed": 0}',
        b'{"error_description": "text"}',
        b'{"isError": true}',
        b'{"has-error": true}',
        b'{"failed": true}',
        b'{"result": "error"}',
        b'{"result": {"status": "refused"}}',
        b'{"data": null}',
        b'{"id": "c1", "status": "REJECTED"}',
        b'{"contractId": "c1", "error": "text"}',
    ],
)
async def test_confirm_that_is_denied(
    api: respx.Router, client: AsyncSesamy, content: bytes
) -> None:
    """A 200 that says that it failed gives no certainty: it is repeated."""
    route = api.post(f"{API}/confirm/c1").respond(
        content=content, headers={"X-Request-Id": "r-1"}
    )
    with pytest.raises(OutcomeUnknownError) as caught:
        await client.contracts.confirm("SPRING-12", "c1")

    error = caught.value
    assert (Outcome.UNKNOWN, True, "r-1", 4) == (
        error.outcome,
        error.retryable,
        error.request_id,
        route.call_count,
    )
    assert (
        "Sesamy answered 200, but the body of the response reports an error."
    ) == error.args[0]
    assert "kim@canary.se" not in told_by(error)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"null", "its JSON is not an object"),
        (b"[]", "its JSON is not an object"),
        (b"true", "its JSON is not an object"),
        (b'"done"', "its JSON is not an object"),
        (b'{"id": "c2"}', "it is about another contract"),
        (b'{"id": "c2", "error": null}', "it is about another contract"),
        (b'{"data": {"contractId": "c2"}}', "it is about another contract"),
        (b'{"contract": {"id": "c2"}}', "it is about another contract"),
        (b'{"data": {"contract": {"id": "c2"}}}', "about another contract"),
        (b"Not now.", "its body is not JSON"),
        (b"<p>Log in</p>", "its body is not JSON"),
    ],
)
async def test_confirm_of_something_else(
    api: respx.Router, client: AsyncSesamy, content: bytes, words: str
) -> None:
    """What speaks of no contract, or of another one, is no success."""
    route = api.post(f"{API}/confirm/c1").respond(content=content)
    with pytest.raises(UnreadableResponseError, match=words) as caught:
        await client.contracts.confirm("SPRING-12", "c1")

    assert (Outcome.UNKNOWN, "c1", 4) == (
        caught.value.outcome,
        caught.value.contract_id,
        route.call_count,
    )


HUGE = 10**100  # More digits than an id is believed to have.


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"id": "a", "contractId": "b", "_id": "c"}, "a"),
        ({"contractId": "b", "_id": "c"}, "b"),
        ({"id": "", "contractId": None, "_id": "c"}, "c"),
        ({"id": " ", "contractId": "b"}, "b"),
        ({"id": 17}, "17"),
        ({"id": 2**128}, str(2**128)),
        ({"id": 0}, "0"),
        ({"id": ".."}, ".."),
        ({"data": {"_id": 5}}, "5"),
        ({"id": "a", "data": {"id": "b"}}, "a"),
        ({"id": True, "data": {"id": "b"}}, "b"),
        ({"data": {"id": "a"}, "raw": 1, "meta": 2}, "a"),
        *(
            (answer, None)
            for answer in (
                *(None, "id", 5, [], [{"id": "a"}], {}, {"ID": "a"}),
                *({"id": None}, {"id": ""}, {"id": True}, {"id": 1.5}),
                *({"id": ["a"]}, {"id": HUGE}, {"data": [{"id": "a"}]}),
                {"data": {"data": {"id": "a"}}},
            )
        ),
    ],
)
def test_the_id(answer: Any, expected: str | None) -> None:
    """The id has one of three names, outside or inside of a wrapper.

    An answer with nothing but an id is a contract, and raw is all of it.
    """
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    with Sesamy("acme", auth=StaticToken("t"), transport=transport) as client:
        if expected is None:
            with pytest.raises(UnreadableResponseError):
                client.contracts.create("SPRING-12", ORDER)
            return
        contract = client.contracts.create("SPRING-12", ORDER)

    assert (expected, answer) == (contract.id, contract.raw)


async def test_a_contract_of_another_order(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """It is believed only where orders may share a contract."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c1"})
    other = attrs.evolve(ORDER, external_order_id="o-2")
    sharing = AsyncSesamy("acme", auth=StaticToken("t"), shared_contracts=True)
    for each in (client, sharing):
        await each.contracts.create("SPRING-12", ORDER)
    with pytest.raises(UnreadableResponseError, match="another order"):
        await client.contracts.create("SPRING-12", other)

    assert "c1" == (await sharing.contracts.create("SPRING-12", other)).id

    await sharing.aclose()
