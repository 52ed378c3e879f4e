"""contracts.confirm on the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    InvalidRequestError,
    Outcome,
    OutcomeUnknownError,
    UnreadableResponseError,
)
from support.leaks import told_by
from support.wire import API, ORDER


ORDER_EMAIL = "kim@canary.se"


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


async def test_confirm_answered_by_a_portal(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """HTML with a 200 is no confirmation that can be read."""
    route = api.post(f"{API}/confirm/c1").respond(html="<p>Log in</p>")
    with pytest.raises(UnreadableResponseError) as caught:
        await client.contracts.confirm("SPRING-12", "c1")

    assert (Outcome.UNKNOWN, "c1") == (
        caught.value.outcome,
        caught.value.contract_id,
    )
    assert 4 == route.call_count


@pytest.mark.parametrize(
    "content",
    [
        b'{"error": {}}',
        b'{"error": "text"}',
        b'{"errorMessage": "text"}',
        b'{"errors": ["text"]}',
        b'{"fault": {"faultstring": "text"}}',
        b'{"success": false}',
        b'{"success": "false", "message": "text"}',
        b'{"ok": false}',
        b'{"status": "error"}',
        b'{"status": "FAILED"}',
        b'{"statusCode": 503, "message": "text"}',
        b'{"code": 500}',
        b'{"data": {"success": false}}',
        b'{"id": "c1", "success": false}',
        b'{"contractId": "c1", "error": "text"}',
    ],
)
async def test_confirm_that_is_denied(
    api: respx.Router, client: AsyncSesamy, content: bytes
) -> None:
    """An answer that says that it failed is no success, whatever its id."""
    route = api.post(f"{API}/confirm/c1").respond(content=content)
    with pytest.raises(OutcomeUnknownError) as caught:
        await client.contracts.confirm("SPRING-12", "c1")

    assert (Outcome.UNKNOWN, 4) == (caught.value.outcome, route.call_count)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"null", "its JSON is no object"),
        (b"[]", "its JSON is no object"),
        (b"true", "its JSON is no object"),
        (b'"done"', "its JSON is no object"),
        (b'{"id": "c2"}', "it speaks of another contract"),
        (b'{"id": "c2", "error": null}', "it speaks of another contract"),
        (b'{"data": {"contractId": "c2"}}', "it speaks of another contract"),
        (b"Not now.", "its body is no JSON"),
    ],
)
async def test_confirm_of_something_else(
    api: respx.Router, client: AsyncSesamy, content: bytes, words: str
) -> None:
    """What speaks of no contract, or of another one, is no success."""
    route = api.post(f"{API}/confirm/c1").respond(content=content)
    with pytest.raises(UnreadableResponseError, match=words) as caught:
        await client.contracts.confirm("SPRING-12", "c1")

    assert (Outcome.UNKNOWN, 4) == (caught.value.outcome, route.call_count)


async def test_confirm_that_belies_itself(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """A 200 with an error in it gives no certainty, so it is sent again."""
    route = api.post(f"{API}/confirm/c1").respond(
        json={"error": {"code": "internal_error", "message": ORDER_EMAIL}},
        headers={"X-Request-Id": "r-1"},
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
        "Sesamy answered 200, but the body of its answer tells of an error."
    ) == error.args[0]
    assert ORDER_EMAIL not in told_by(error)


@pytest.mark.parametrize(
    "data", ["x", {"a": 5}, {5: "a"}, {"a": "\ud800"}, [("a", "b")]]
)
async def test_wrong_payment_data(
    api: respx.Router, client: AsyncSesamy, data: Any
) -> None:
    """Payment data that can't be sent stops onboard before its create."""
    with pytest.raises(InvalidRequestError, match="provider_payment_data"):
        await client.contracts.onboard("P", ORDER, provider_payment_data=data)

    assert 0 == api.calls.call_count


async def test_confirm_with_wrong_payment_data(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """Payment data that can't be sent is refused before it is."""
    wrong: Any = {"a": 5}
    with pytest.raises(InvalidRequestError, match="provider_payment_data"):
        await client.contracts.confirm("P", "c1", provider_payment_data=wrong)

    assert 0 == api.calls.call_count
