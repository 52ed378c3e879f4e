"""contracts.confirm on the wire, and the contract in an answer."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    Outcome,
    OutcomeUnknownError,
    StaticToken,
    UnreadableResponseError,
)
from sesamy_async._models import Contract
from sesamy_async._wire import RecentIds, contract_of
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


@pytest.mark.parametrize(
    "content",
    [
        b'{"error": {}}',
        b'{"error": "kim@canary.se"}',
        b'{"error": {"code": "e", "message": "kim@canary.se"}}',
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
        "Sesamy answered 200, but the body of its answer reports an error."
    ) == error.args[0]
    assert ORDER_EMAIL not in told_by(error)


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
        (b'{"contract": {"id": "c2"}}', "it speaks of another contract"),
        (b'{"data": {"contract": {"id": "c2"}}}', "of another contract"),
        (b"Not now.", "its body is no JSON"),
        (b"<p>Log in</p>", "its body is no JSON"),
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


def test_only_the_id_is_needed() -> None:
    """An answer with nothing but an id is a contract."""
    expected = Contract(id="c1", raw={"id": "c1"})

    assert expected == contract_of({"id": "c1"})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"id": "a", "contractId": "b", "_id": "c"}, "a"),
        ({"contractId": "b", "_id": "c"}, "b"),
        ({"_id": "c"}, "c"),
        ({"id": "", "contractId": None, "_id": "c"}, "c"),
        ({"id": " ", "contractId": "b"}, "b"),
        ({"id": 17}, "17"),
        ({"id": 2**128}, str(2**128)),
        ({"id": 0}, "0"),
        ({"data": {"id": "a"}}, "a"),
        ({"data": {"_id": 5}}, "5"),
        ({"id": "a", "data": {"id": "b"}}, "a"),
        ({"id": True, "data": {"id": "b"}}, "b"),
        ({"id": "\ud800"}, "\ud800"),
    ],
)
def test_finds_the_id(answer: Any, expected: str) -> None:
    """The id has one of three names, outside or inside of `data`."""
    contract = contract_of(answer)

    assert contract is not None
    assert expected == contract.id
    assert contract.raw is answer


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "id",
        5,
        [],
        [{"id": "a"}],
        {},
        {"id": None},
        {"id": ""},
        {"id": True},
        {"id": 1.5},
        {"id": ["a"]},
        {"id": 10**5000},
        {"data": None},
        {"data": [{"id": "a"}]},
        {"data": {"data": {"id": "a"}}},
        {"ID": "a"},
    ],
)
def test_without_an_id_there_is_no_contract(answer: Any) -> None:
    """An answer without an id is no contract."""
    assert contract_of(answer) is None


def test_the_wrapped_contract_is_read_and_kept_whole() -> None:
    """In a `data` wrapper the fields are found, and raw is all of it."""
    answer = {"data": {"id": "a", "status": "NEW"}, "raw": 1, "meta": 2}
    contract = contract_of(answer)

    assert contract == Contract(id="a", status="NEW")
    assert contract.raw == answer


def test_recent_ids() -> None:
    """An id belongs to its first order, as long as it is remembered."""
    recent = RecentIds(most=2)
    belongs = [
        recent.belongs("acme", contract_id, order)
        for contract_id, order in ("a1", "a2", "b1", "a1", "c1", "b2", "a1")
    ]

    # Only the latest two are known: b was forgotten when c came.
    assert [True, False, True, True, True, True, True] == belongs
    assert not recent.belongs("acme", "b", "1")
    assert recent.belongs("other", "b", "1")


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
