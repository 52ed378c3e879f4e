"""The token endpoint of the sandbox answers as Sesamy's was seen to."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

import pytest

from sesamy_async._call import Secret
from sesamy_async.auth._tokens import claimed_scopes
from sesamy_async.sandbox import Answer, Client, SandboxConfig
from support.sandbox_caller import Caller, content, error


TOKEN = "/oauth/token"
GOOD = {
    "client_id": "sandbox-client",
    "client_secret": "sandbox-secret",
    "grant_type": "client_credentials",
    "scope": "payments:contract:third-party-onboarding",
}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def caller() -> Caller:
    """Somebody without a token."""
    return Caller()


def basic(client_id: str, secret: str) -> str:
    """Return the value for HTTP Basic, in UTF-8."""
    pair = f"{client_id}:{secret}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def without(name: str) -> dict[str, str]:
    """Return a good request but for one field."""
    return {key: value for key, value in GOOD.items() if key != name}


def by_basic(caller: Caller, authorization: str) -> Answer:
    """Ask with HTTP Basic."""
    return caller.post(
        TOKEN,
        b"grant_type=client_credentials",
        Content_Type=f"{FORM}; charset=utf-8",
        Authorization=authorization,
    )


@pytest.mark.parametrize("encoding", ["json", "form", "basic"])
def test_every_encoding_gets_a_token(caller: Caller, encoding: str) -> None:
    """JSON, form and HTTP Basic are all good, and tokens aren't stored."""
    match encoding:
        case "json":
            answer = caller.post(TOKEN, GOOD)
        case "form":
            form = urlencode(GOOD).encode()
            answer = caller.post(TOKEN, form, Content_Type=FORM)
        case _:
            answer = by_basic(
                caller, basic("sandbox-client", "sandbox-secret")
            )
    caller.token = content(answer)["access_token"]

    assert (
        answer.status,
        answer.headers["Cache-Control"],
    ) == (200, "no-store")
    assert {
        "access_token": caller.token,
        "token_type": "Bearer",
        "expires_in": 86400,
    } == content(answer)
    assert caller.create().status == 200


@pytest.mark.parametrize(
    ("sent", "status", "body"),
    [
        (
            {**GOOD, "client_secret": "wrong"},
            403,
            {"message": "Invalid client credentials"},
        ),
        (
            {**GOOD, "client_id": "wrong"},
            403,
            {"message": "Client not found"},
        ),
        (
            without("client_secret"),
            401,
            {"message": "client_secret is required"},
        ),
        (
            {**GOOD, "grant_type": "password"},
            400,
            {
                "error": "unauthorized_client",
                "error_description": "Grant type not allowed",
            },
        ),
        (
            {**GOOD, "scope": "admin"},
            403,
            {
                "error": "access_denied",
                "error_description": "Scope not granted",
            },
        ),
        (b"{", 500, {"message": "Internal Server Error"}),
    ],
)
def test_refusals(caller: Caller, sent: Any, status: int, body: Any) -> None:
    """Each refusal has the status and the shape that was seen."""
    answer = caller.post(TOKEN, sent)

    assert (status, body) == (answer.status, content(answer))


def test_missing_client_id_is_plain_text(caller: Caller) -> None:
    """Without a client id the answer is a line of text."""
    answer = caller.post(TOKEN, without("client_id"))

    assert (answer.status, answer.body) == (400, b"client_id is required")
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    "sent", [[], {**GOOD, "scope": 5}, without("grant_type")]
)
def test_wrong_types_are_a_zod_error(caller: Caller, sent: Any) -> None:
    """Fields of the wrong type are told in Zod's shape."""
    answer = caller.post(TOKEN, sent)

    assert (answer.status, content(answer)["success"]) == (400, False)
    assert content(answer)["error"]["name"] == "ZodError"
    assert "invalid_type" in content(answer)["error"]["message"]


def test_other_content_types_have_no_fields(caller: Caller) -> None:
    """A body of an unknown type is not looked at."""
    answer = caller.post(TOKEN, GOOD, Content_Type="text/plain")

    assert "grant_type" in content(answer)["error"]["message"]


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Basic !", 400),
        ("Bearer x", 400),
        (f"Basic {base64.b64encode(b'sandbox-client').decode()}", 401),
        (basic("sandbox-client", "wrong"), 403),
    ],
)
def test_broken_basic(caller: Caller, authorization: str, status: int) -> None:
    """What can't be read of HTTP Basic is as if it weren't there."""
    assert status == by_basic(caller, authorization).status


@pytest.mark.parametrize("secret", ["a:b", "hemlig-ö"])
def test_basic_fails_for_some_secrets(secret: str) -> None:
    """As at Sesamy, Basic can't carry a colon or what is not ASCII."""
    client = Client(id="c", secret=secret)
    caller = Caller(config=SandboxConfig(clients=(client,)))

    assert by_basic(caller, basic("c", secret)).status == 403
    assert caller.log_in().status == 200


def test_no_scope_gets_all(caller: Caller) -> None:
    """A token that was asked for without a scope permits all."""
    caller.token = content(caller.post(TOKEN, without("scope")))[
        "access_token"
    ]

    assert caller.create().status == 200


def test_form_only() -> None:
    """JSON is told that there is no such client, as W met it."""
    caller = Caller(config=SandboxConfig(form_only=True))
    refused = caller.post(TOKEN, GOOD)
    form = caller.post(TOKEN, urlencode(GOOD).encode(), Content_Type=FORM)
    by_header = by_basic(caller, basic("sandbox-client", "sandbox-secret"))

    assert (403, {"message": "Client not found"}) == (
        refused.status,
        content(refused),
    )
    assert (200, 200) == (form.status, by_header.status)


def test_tokens_without_scope() -> None:
    """A 200 is no proof of the scope: the order tells."""
    caller = Caller(config=SandboxConfig(tokens_without_scope=True))
    given = caller.log_in(GOOD["scope"])
    refused = caller.create()

    assert (200, (403, "insufficient_permissions")) == (
        given.status,
        error(refused),
    )
    assert () == claimed_scopes(Secret(caller.token))


def test_unknown_tenant() -> None:
    """Nobody gets a token of a tenant that is not there."""
    caller = Caller(config=SandboxConfig(unknown_tenant=True))
    answer = caller.post(TOKEN, GOOD)

    assert (404, {"message": "Tenant not found"}) == (
        answer.status,
        content(answer),
    )


def test_tokens_say_their_scope(caller: Caller) -> None:
    """A token is a JWT with the scope that was asked for (A)."""
    caller.log_in(GOOD["scope"])

    assert (GOOD["scope"],) == claimed_scopes(Secret(caller.token))
