"""The token endpoint of the sandbox answers as Sesamy's was seen to."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from sesamy_async.sandbox import Answer, Client, SandboxConfig
from support.sandbox_caller import Caller, content, error


TOKEN = "/oauth/token"
GOOD = {
    "client_id": "sandbox-client",
    "client_secret": "sandbox-secret",
    "grant_type": "client_credentials",
    "scope": "payments:contract:third-party-onboarding",
}
NOT_FOUND = {"message": "Client not found"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def caller() -> Caller:
    """Somebody without a token."""
    return Caller()


def basic(client_id: str, secret: str) -> str:
    """Return the value for HTTP Basic, in UTF-8."""
    pair = f"{client_id}:{secret}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def claimed_scope(token: str) -> str:
    """Return the scope in the claims of a token."""
    claims = token.split(".")[1]
    padded = f"{claims}{'=' * (-len(claims) % 4)}"
    scope: str = json.loads(base64.urlsafe_b64decode(padded))["scope"]
    return scope


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

    assert (200, "no-store") == (
        answer.status,
        answer.headers["Cache-Control"],
    )
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
        ({**GOOD, "client_id": "wrong"}, 403, NOT_FOUND),
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
    """HTTP Basic that can't be read is ignored."""
    assert status == by_basic(caller, authorization).status


@pytest.mark.parametrize("secret", ["a:b", "hemlig-ö"])
def test_basic_fails_for_some_secrets(secret: str) -> None:
    """As at Sesamy, Basic can't carry a colon or a non-ASCII character."""
    client = Client(id="c", secret=secret)
    caller = Caller(config=SandboxConfig(clients=(client,)))

    assert by_basic(caller, basic("c", secret)).status == 403
    assert caller.log_in().status == 200


def test_no_scope_gets_all(caller: Caller) -> None:
    """A token that was asked for without a scope permits everything."""
    answer = caller.post(TOKEN, without("scope"))
    caller.token = content(answer)["access_token"]

    assert caller.create().status == 200


def test_form_only() -> None:
    """JSON is answered with 403 "Client not found"."""
    caller = Caller(config=SandboxConfig(form_only=True))
    refused = caller.post(TOKEN, GOOD)
    form = caller.post(TOKEN, urlencode(GOOD).encode(), Content_Type=FORM)
    by_header = by_basic(caller, basic("sandbox-client", "sandbox-secret"))

    assert (403, NOT_FOUND) == (refused.status, content(refused))
    assert (200, 200) == (form.status, by_header.status)


def test_tokens_without_scope() -> None:
    """A token may lack the scope; then the order is refused."""
    caller = Caller(config=SandboxConfig(tokens_without_scope=True))
    given = caller.log_in(GOOD["scope"])
    refused = caller.create()

    assert (200, (403, "insufficient_permissions")) == (
        given.status,
        error(refused),
    )
    assert "" == claimed_scope(caller.token)


def test_unknown_tenant() -> None:
    """Every request for a token may get 404 "Tenant not found"."""
    caller = Caller(config=SandboxConfig(unknown_tenant=True))
    answer = caller.post(TOKEN, GOOD)
    message = {"message": "Tenant not found"}

    assert (404, message) == (answer.status, content(answer))


def test_tokens_say_their_scope(caller: Caller) -> None:
    """A token is a JWT with the scope that was asked for."""
    caller.log_in(GOOD["scope"])

    assert GOOD["scope"] == claimed_scope(caller.token)
