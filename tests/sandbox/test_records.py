"""The sandbox records requests, invoices and events for tests to look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async import Secret, Sesamy
from sesamy_async.errors import ConfigurationError
from sesamy_async.sandbox import (
    EVENT_TYPES,
    NO_ANSWER,
    KeptLedger,
    RecordedCall,
    Sandbox,
)
from support.calling import ORDER as ORDER_1
from support.sandbox_caller import CONFIRM, CREATE, content, logged_in


ORDER = attrs.evolve(ORDER_1, external_order_id="A-1")
FORM = "application/x-www-form-urlencoded"


def last(sandbox: Sandbox) -> RecordedCall:
    """Return the last request."""
    return sandbox.ledger.calls[-1]


def test_requests_of_a_client() -> None:
    """Each request is recorded: what was asked, and what was answered."""
    sandbox = Sandbox()
    with Sesamy(**sandbox.client_settings(), idempotency=False) as sesamy:
        sandbox.faults.add("status:503", on="confirm")
        sesamy.contracts.onboard("SPRING-12", ORDER)
    token, create, broken, confirm = sandbox.ledger.calls
    (contract,) = sandbox.ledger.contracts("A-1")

    assert ("token", "create", "confirm") == (
        token.endpoint,
        create.endpoint,
        confirm.endpoint,
    )
    assert ("client_id", "client_secret", "grant_type", "scope") == (
        token.fields
    )
    assert {"externalOrderId", "userData.email"} <= {*create.fields}
    assert ("SPRING-12", "A-1", False, "", "") == (
        create.promo_code,
        create.external_order_id,
        create.at_once,
        create.contract_id,
        create.fault,
    )
    assert (503, "status:503") == (broken.status, broken.fault)
    assert (200, "A-1", contract.id) == (
        confirm.status,
        confirm.external_order_id,
        confirm.contract_id,
    )


def test_headers() -> None:
    """Headers are recorded; those that hold secrets are not among them."""
    caller = logged_in()
    caller.post(CREATE, {}, X_Shop="1", Cookie="secret")
    call = last(caller.sandbox)

    assert {"x-shop": "1", "content-type": "application/json"} == dict(
        call.headers
    )
    assert Secret(f"Bearer {caller.token}") == call.authorization
    assert caller.token not in repr(call)


@pytest.mark.parametrize(
    ("body", "kind", "names"),
    [
        (b'{"externalOrderId": 5, "b": {"c": 1}}', "", "externalOrderId b"),
        (b'{"userData": {"x": {}, "extraData": {"ada@x": 1}}}', "", None),
        (b'{"ada@example.com": 1}', "", "?"),
        (b"a=ada%40example.com&b=", FORM, "a b"),
        # JSON that says that it is a form, and the other way round.
        (b'{"email": "ada@example.com"}', FORM, "?"),
        (b"email=ada%40example.com", "", ""),
        (b"[1]", "", ""),
    ],
)
def test_names_only(body: bytes, kind: str, names: str | None) -> None:
    """Of a body only the names of its fields are recorded, and no others."""
    caller = logged_in()
    more = {"Content_Type": kind} if kind else {}
    caller.post(CREATE, body, **more)
    call = last(caller.sandbox)
    expected = "userData.x userData.extraData" if names is None else names

    assert expected == " ".join(call.fields)
    assert "" == call.external_order_id
    assert "ada" not in repr(call)


@pytest.mark.parametrize("query", ["confirm=1", "confirm=false"])
def test_access_at_once(query: str) -> None:
    """A create that asks for access at once is recorded as such."""
    caller = logged_in()
    caller.create(query=query)

    assert (query == "confirm=1") == last(caller.sandbox).at_once


def test_request_that_was_not_read() -> None:
    """Of a connection that is cut first, only its path is known."""
    caller = logged_in()
    caller.sandbox.faults.add("drop-before")
    caller.create()
    call = last(caller.sandbox)

    assert (NO_ANSWER, "drop-before", "SPRING-12") == (
        call.status,
        call.fault,
        call.promo_code,
    )
    assert ((), {}, "") == (
        call.fields,
        dict(call.headers),
        call.external_order_id,
    )


def test_only_the_last_requests() -> None:
    """Old requests are forgotten; the counts go on."""
    caller = logged_in(rate_limit=None)
    for number in range(1001):
        caller.create(f"A-{number}")
    ledger = caller.sandbox.ledger
    caller.sandbox.reset()
    after = len(ledger.calls), len(ledger.events)
    for _ in range(1001):
        caller.create()
        ledger.add_webhook({})

    assert (0, 0) == after
    assert (1000, 1001) == (len(ledger.calls), ledger.requests())
    assert [*range(2, 1002)] == [each.number for each in ledger.webhooks]


@pytest.mark.parametrize(
    ("on", "how", "first", "second"),
    [
        ("create", {"paymentMethod": "INVOICE"}, 1, 1),
        ("confirm", {"paymentMethod": "INVOICE"}, 0, 1),
        ("create", {"paymentProvider": "BILLOGRAM"}, 1, 1),
        ("create", {}, 0, 0),
        ("confirm", {}, 0, 0),
    ],
)
def test_invoices(
    on: str, how: dict[str, Any], first: int, second: int
) -> None:
    """A contract has one invoice, made when the configuration says so."""
    caller = logged_in(invoice_on=on)
    ledger = caller.sandbox.ledger
    made = content(caller.create(**how))["id"]
    before = ledger.invoices("A-1")
    caller.post(f"{CONFIRM}/{made}", {})
    caller.post(f"{CONFIRM}/{made}", {})

    assert (first, second) == (before, ledger.invoices("A-1"))


def test_invoice_of_each_contract() -> None:
    """Two contracts of one order have two invoices."""
    caller = logged_in()
    caller.create(paymentMethod="INVOICE")
    caller.create(paymentMethod="INVOICE")
    ledger = caller.sandbox.ledger

    assert 2 == ledger.invoices("A-1")
    assert [1, 1] == [it.invoices for it in ledger.contracts("A-1")]


def test_invoices_are_kept(tmp_path: Path) -> None:
    """The next process knows of the invoices, too."""
    path = tmp_path / "world"
    logged_in(ledger=KeptLedger(path)).create(paymentMethod="INVOICE")

    assert 1 == KeptLedger(path).invoices("A-1")


def test_when_invoices_are_made() -> None:
    """There are two possibilities."""
    with pytest.raises(ConfigurationError, match="create or confirm"):
        logged_in(invoice_on="never")


def test_events() -> None:
    """A user's first contract, and access to a contract, are events."""
    caller = logged_in()
    first = content(caller.create("A-1"))["id"]
    for _ in range(2):
        caller.post(f"{CONFIRM}/{first}", {})
    caller.create("A-2", query="confirm=1")
    ledger = caller.sandbox.ledger
    (second,) = ledger.contracts("A-2")
    about = {"vendorId": "acme", "userId": second.user_id}
    about |= {"occured_at": "2027-01-15T08:00:00.000Z"}
    purchased = {"eventType": "contract.1#purchased", **about}

    assert (
        {"eventType": "userVendor.1#new", **about},
        {**purchased, "contractId": first},
        {**purchased, "contractId": second.id},
    ) == ledger.events
    assert "ada@example.com" not in json.dumps(ledger.events)


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_event_on_demand(kind: str) -> None:
    """Any event of a contract can be made; it names what it is about."""
    caller = logged_in()
    made = content(caller.create())["id"]
    seen: list[dict[str, str]] = []
    caller.sandbox.subscribers.append(seen.append)
    event = caller.sandbox.emit(kind, made)
    ids = {"contractId", "checkoutId"} & {*event}

    assert kind == event["eventType"]
    assert [event] == seen
    assert event == caller.sandbox.ledger.events[-1]
    assert (
        ids
        == {
            "userVendor": set(),
            "contract": {"contractId"},
            "checkout": {"checkoutId"},
        }[kind.partition("#")[0].partition(".")[0]]
    )


def test_events_that_do_not_exist() -> None:
    """An event has a known type, and a contract."""
    caller = logged_in()
    made = content(caller.create())["id"]
    with pytest.raises(ConfigurationError, match="no such contract"):
        caller.sandbox.emit("contract.1#update", "x")
    with pytest.raises(ConfigurationError, match=r"are userVendor\.1#new"):
        caller.sandbox.emit("contract.1#sold", made)


def test_called_with_each_event() -> None:
    """Events are handed over when the sandbox can be used again."""
    free: list[bool] = []

    def on_event(event: dict[str, str]) -> None:
        del event
        # Only the thread that holds a lock can release it.
        with pytest.raises(RuntimeError):
            sandbox.ledger.lock.release()  # type: ignore[attr-defined]
        free.append(True)

    sandbox = Sandbox(on_event=on_event)
    with Sesamy(**sandbox.client_settings(), idempotency=False) as sesamy:
        sesamy.contracts.onboard("SPRING-12", ORDER)

    assert [True, True] == free
    assert 2 == len(sandbox.ledger.events)


def test_rate_limit_used_up() -> None:
    """Without free requests the next one waits; without a limit none does."""
    caller = logged_in()
    sandbox = caller.sandbox
    before = sandbox.free_requests
    sandbox.use_up_rate_limit()
    refused = caller.create().status
    caller.now += 1
    after = sandbox.free_requests
    unlimited = logged_in(rate_limit=None).sandbox
    unlimited.use_up_rate_limit()

    assert (500, 429, 5) == (before, refused, after)
    assert unlimited.free_requests is None
