"""A create and a confirm make in the sandbox what Sesamy makes."""

from __future__ import annotations

import json

import pytest

from sesamy_async.sandbox import PromoCode, SandboxConfig, Vendor
from support.sandbox_caller import (
    CONFIRM,
    CREATE,
    START,
    Caller,
    content,
    logged_in,
    order,
)


def test_contract_has_the_documented_fields(caller: Caller) -> None:
    """A contract has every field that the sources show."""
    contract = content(caller.create())

    assert sorted(contract) == [
        "appliedDiscounts",
        "cancelRequestedAt",
        "contractDuration",
        "createdAt",
        "currency",
        "id",
        "isActive",
        "items",
        "name",
        "nextBillAt",
        "nextPrice",
        "paymentData",
        "price",
        "recurringInterval",
        "recurringTime",
        "status",
        "updatedAt",
        "userId",
        "willCancelAt",
    ]
    assert len(contract["id"]) == 32
    assert contract["createdAt"] == "2027-01-15T08:00:00.000Z"
    assert (contract["price"], contract["currency"]) == (99.0, "SEK")


@pytest.mark.parametrize(
    ("query", "confirmed"),
    [
        ("confirm=1", True),
        ("confirm=true", True),
        ("x=y&confirm=1", True),
        ("confirm=%31", True),
        ("confirm=false", False),
        ("confirm=0", False),
        ("confirm=", False),
        ("confirm=1&confirm=0", False),
        ("", False),
    ],
)
def test_only_yes_confirms(
    caller: Caller, query: str, confirmed: bool
) -> None:
    """A create confirms with `confirm` 1 or true, and never otherwise."""
    contract = content(caller.create(query=query))
    seen = contract["isActive"], contract["status"]

    assert seen == ((True, "ACTIVE") if confirmed else (False, "PENDING"))
    assert confirmed == bool(caller.sandbox.ledger.confirmed("A-1"))


def test_confirm_is_a_state(caller: Caller) -> None:
    """Confirming twice leaves the contract as confirming once does."""
    contract_id = content(caller.create())["id"]
    caller.now += 60
    first = caller.post(f"{CONFIRM}/{contract_id}", b"")
    caller.now += 60
    paid = {"providerPaymentData": {"reference": "1"}}
    second = caller.post(f"{CONFIRM}/{contract_id}", paid)
    (contract,) = caller.sandbox.ledger.confirmed("A-1")

    assert (first.status, second.status) == (200, 200)
    assert content(first) == content(second)
    assert contract.confirmed_at == START + 60
    assert paid == json.loads(contract.confirm_body)


def test_path_is_decoded_once() -> None:
    """An encoded segment is decoded once, and its slash splits nothing."""
    code = "50%2F50 & ü"
    offer = PromoCode(code=code, sku="s", name="n", price=1)
    caller = logged_in(vendors=(Vendor(id="a/b", promo_codes=(offer,)),))
    path = "/payments/vendor/a%2Fb/promos/code/50%252F50%20%26%20%C3%BC"
    contract_id = content(caller.post(path, order()))["id"]
    (contract,) = caller.sandbox.ledger.contracts("A-1")

    assert (contract_id, "a/b", code) == (
        contract.id,
        contract.vendor_id,
        contract.promo_code,
    )


def test_the_same_order_makes_a_second_contract(caller: Caller) -> None:
    """By default nothing keeps an order from having two contracts."""
    ids = [content(caller.create())["id"] for _ in range(2)]
    ledger = caller.sandbox.ledger

    assert ids == [contract.id for contract in ledger.contracts("A-1")]
    assert (ledger.count("A-1"), ledger.total) == (2, 2)


def test_idempotent_sandbox_returns_the_first_contract() -> None:
    """Where told to, a repeated order gets its first contract, per vendor."""
    offers = SandboxConfig().vendors[0].promo_codes
    caller = logged_in(
        idempotent=True,
        vendors=tuple(
            Vendor(id=name, promo_codes=offers) for name in ("acme", "zeta")
        ),
    )
    first = content(caller.create())
    again = content(caller.create(query="confirm=1"))
    other = caller.post(CREATE.replace("acme", "zeta"), order())

    assert first["id"] == again["id"]
    assert again["isActive"]
    assert first["id"] != content(other)["id"]
    assert caller.sandbox.ledger.count("A-1") == 2


def test_contract_belongs_to_its_promo_code(caller: Caller) -> None:
    """A contract can't be confirmed under another promo code."""
    contract_id = content(caller.create())["id"]
    path = f"{CONFIRM}/{contract_id}".replace("SPRING-12", "FAMILY-6")

    assert caller.post(path, b"").status == 404
    assert caller.sandbox.ledger.confirmed("A-1") == ()


def test_fields_that_nobody_documents_are_taken(caller: Caller) -> None:
    """Unknown fields and free-form data are no problem."""
    free = {"email": "a@b.se", "extraData": {"deep": [1, {"x": None}]}}
    caller.create(userData=free, surprise=[1])
    (contract,) = caller.sandbox.ledger.contracts("A-1")

    assert free == contract.order["userData"]
