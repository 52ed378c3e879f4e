"""The sandbox refuses what Sesamy refuses: tokens, places and fields."""

from __future__ import annotations

from typing import Any

import pytest

from sesamy_async.sandbox import SCOPES, Client, SandboxConfig, SandboxRequest
from support.sandbox_caller import (
    CONFIRM,
    CREATE,
    Caller,
    content,
    error,
    logged_in,
    order,
)


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
    """A token is good for its lifetime and not a second longer."""
    caller = logged_in(token_lifetime=10)
    caller.now += 9.9
    before = caller.create()
    caller.now += 0.1
    after = caller.create()

    assert before.status == 200
    assert error(after) == (401, "authentication_required")


def test_tokens_can_be_revoked(caller: Caller) -> None:
    """A revoked token is refused; a new one is not."""
    caller.sandbox.ledger.revoke_tokens()
    refused = caller.create()
    caller.log_in()

    assert refused.status == 401
    assert caller.create().status == 200


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


def test_only_post(caller: Caller) -> None:
    """Another method than POST is a 405 that names the right one."""
    answer = caller.sandbox.handle(SandboxRequest(method="GET", path=CREATE))

    assert error(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"userData": {}}, "userData.email", "required"),
        ({"userData": {"email": ""}}, "userData.email", "required"),
        ({"externalOrderId": ""}, "externalOrderId", "required"),
        ({"externalOrderId": 5}, "externalOrderId", "must be a string"),
        ({"userData": []}, "userData", "must be an object"),
        (
            {"quantity": True},
            "quantity",
            "must be a whole number of at least 1",
        ),
        ({"quantity": 0}, "quantity", "must be a whole number of at least 1"),
        (
            {"vendorData": {"a": 1}},
            "vendorData",
            "must be an object whose values are strings",
        ),
        (
            {"providerData": "x"},
            "providerData",
            "must be an object whose values are strings",
        ),
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


def test_missing_fields_are_named(caller: Caller) -> None:
    """Of an empty order the address is missed first."""
    answers = [
        caller.post(CREATE, {}),
        caller.post(CREATE, {"userData": {"email": "a@b.se"}}),
    ]

    assert [
        content(answer)["error"]["details"]["field"] for answer in answers
    ] == ["userData.email", "externalOrderId"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"NaN", b'"\xff"', b"[" * 100_000]
)
@pytest.mark.parametrize("confirm", [False, True])
def test_body_must_be_a_json_object(
    caller: Caller, body: bytes, confirm: bool
) -> None:
    """What is no JSON object is a 400; only a confirm may go without."""
    contract_id = content(caller.create())["id"]
    path = f"{CONFIRM}/{contract_id}" if confirm else CREATE
    answer = caller.post(path, body)

    assert (200 if confirm and not body else 400) == answer.status


def test_confirm_checks_its_fields(caller: Caller) -> None:
    """The data of a confirm are texts by name."""
    answer = caller.post(
        f"{CONFIRM}/{'0' * 32}", {"providerPaymentData": {"a": 1}}
    )

    assert (
        (content(answer)["error"]["details"]["field"]) == "providerPaymentData"
    )
