"""Creates and confirms: what the sandbox makes, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sesamy_async.sandbox import (
    SCOPES,
    Client,
    Endpoint,
    PromoCode,
    SandboxConfig,
    SandboxRequest,
    Vendor,
)
from support.sandbox_caller import (
    CONFIRM,
    CREATE,
    START,
    Caller,
    content,
    error,
    logged_in,
    order,
)


def test_contract_has_the_documented_fields(caller: Caller) -> None:
    """A contract has every field that the sources show."""
    contract = content(caller.create())

    assert " ".join(sorted(contract)) == (
        "appliedDiscounts cancelRequestedAt contractDuration createdAt "
        "currency id isActive items name nextBillAt nextPrice paymentData "
        "price recurringInterval recurringTime status updatedAt userId "
        "willCancelAt"
    )
    assert len(contract["id"]) == 32
    assert contract["createdAt"] == "2027-01-15T08:00:00.000Z"
    assert (contract["price"], contract["currency"]) == (99.0, "SEK")


@pytest.mark.parametrize(
    ("query", "confirmed"),
    [
        ("confirm=1", True),
        ("confirm=true", True),
        ("confirm=%31", True),
        ("confirm=false", False),
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
    """By default the same order sent twice makes two contracts."""
    ids = [content(caller.create())["id"] for _ in range(2)]
    ledger = caller.sandbox.ledger

    assert ids == [contract.id for contract in ledger.contracts("A-1")]
    assert (ledger.count("A-1"), ledger.total) == (2, 2)


def test_idempotent_sandbox_returns_the_first_contract() -> None:
    """With `idempotent`, a vendor's order gets its first contract again."""
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


def test_second_confirm_can_be_refused() -> None:
    """With `confirm_once`, only the first confirm of a contract succeeds."""
    caller = logged_in(confirm_once=True)
    path = f"{CONFIRM}/{content(caller.create())['id']}"

    assert [caller.post(path, b"").status for _ in range(2)] == [200, 409]
    assert len(caller.sandbox.ledger.confirmed("A-1")) == 1


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


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer unknown"],
)
def test_token_is_checked(caller: Caller, authorization: str) -> None:
    """Without a known bearer token there is a 401, and nothing is done."""
    answer = caller.post(CREATE, order(), Authorization=authorization)

    assert error(answer) == (401, "authentication_required")
    assert caller.sandbox.ledger.total == 0


def test_token_expires() -> None:
    """A token is good for its lifetime, unless it is revoked."""
    caller = logged_in(token_lifetime=10)
    caller.now += 9.9
    before = caller.create()
    caller.now += 0.1
    after = caller.create()
    caller.log_in()
    renewed = caller.create()
    caller.sandbox.ledger.revoke_tokens()
    revoked = caller.create()

    assert [200, 200] == [before.status, renewed.status]
    for refused in (after, revoked):
        assert error(refused) == (401, "authentication_required")


def test_scope_is_checked() -> None:
    """A token without the scope gets a 403; either name of it will do."""
    client = Client(id="c", secret="s", scopes=("other", *SCOPES))
    caller = Caller(config=SandboxConfig(clients=(client,)))
    answers: list[int] = []
    for scope in client.scopes:
        caller.log_in(scope)
        answers.append(caller.create().status)
    caller.log_in("other")

    assert answers == [403, 200, 200]
    assert error(caller.create()) == (403, "insufficient_permissions")


@pytest.mark.parametrize(
    "path",
    [
        CREATE.replace("acme", "nobody"),
        CREATE.replace("SPRING-12", "AUTUMN"),
        f"{CONFIRM}/{'0' * 32}",
        f"{CREATE}/",
        "/",
        "/oauth",
    ],
)
def test_unknown_things_are_not_found(caller: Caller, path: str) -> None:
    """An unknown vendor, promo code, contract or path is a 404."""
    answer = caller.post(path, order())

    assert error(answer) == (404, "resource_not_found")
    assert caller.sandbox.ledger.total == 0


@pytest.mark.parametrize("path", ["/oauth/token", CREATE, f"{CONFIRM}/c"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS"])
def test_only_post(caller: Caller, method: str, path: str) -> None:
    """A method that a path does not have is a 405 that names the right one."""
    answer = caller.sandbox.handle(SandboxRequest(method=method, path=path))

    assert error(answer) == (405, "method_not_allowed")
    assert "POST" == answer.headers["Allow"]
    assert Endpoint.OTHER is caller.sandbox.ledger.calls[-1].endpoint


COUNT = "must be a whole number of at least 1"
TEXTS = "must be an object whose values are strings"


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"userData": {}}, "userData.email", "required"),
        ({"externalOrderId": ""}, "externalOrderId", "required"),
        ({"externalOrderId": 5}, "externalOrderId", "must be a string"),
        ({"userData": []}, "userData", "must be an object"),
        ({"quantity": True}, "quantity", COUNT),
        ({"quantity": 0}, "quantity", COUNT),
        ({"vendorData": {"a": 1}}, "vendorData", TEXTS),
        ({"providerData": "x"}, "providerData", TEXTS),
        (
            {"ownerData": {"address": {"zip": 12345}}},
            "ownerData.address.zip",
            "must be a string",
        ),
        (
            {"ownerData": {"extraData": 1}},
            "ownerData.extraData",
            "must be an object",
        ),
    ],
)
def test_wrong_field_is_named(
    caller: Caller, change: dict[str, Any], field: str, reason: str
) -> None:
    """A wrong or missing field is a 400 that names it by its path."""
    answer = caller.create(**change)

    assert error(answer) == (400, "validation_error")
    assert {"field": field, "reason": reason} == (
        content(answer)["error"]["details"]
    )
    assert caller.sandbox.ledger.total == 0


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"NaN", b'"\xff"', b"[" * 100_000]
)
@pytest.mark.parametrize("confirm", [False, True])
def test_body_must_be_a_json_object(
    caller: Caller, body: bytes, confirm: bool
) -> None:
    """A body must be a JSON object; a confirm may go without."""
    contract_id = content(caller.create())["id"]
    path = f"{CONFIRM}/{contract_id}" if confirm else CREATE
    answer = caller.post(path, body)

    assert (200 if confirm and not body else 400) == answer.status
