"""The token endpoint of the sandbox answers as Sesamy's was seen to."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from sesamy_async.sandbox import SCOPES, Answer, Client, SandboxConfig
from support.sandbox_caller import Caller, content


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
    ("sent", "status", "said"),
    [
        ({**GOOD, "client_secret": "x"}, 403, ["Invalid client credentials"]),
        ({**GOOD, "client_id": "wrong"}, 403, ["Client not found"]),
        (without("client_secret"), 401, ["client_secret is required"]),
        (
            {**GOOD, "grant_type": "password"},
            400,
            ["unauthorized_client", "Grant type not allowed"],
        ),
        (
            {**GOOD, "scope": "admin"},
            403,
            ["access_denied", "Scope not granted"],
        ),
        (b"{", 500, ["Internal Server Error"]),
    ],
)
def test_refusals(
    caller: Caller, sent: Any, status: int, said: list[str]
) -> None:
    """Each refusal has the status and the fields that were seen."""
    answer = caller.post(TOKEN, sent)
    names = ["message"] if len(said) == 1 else ["error", "error_description"]

    assert status == answer.status
    assert dict(zip(names, said, strict=True)) == content(answer)


def test_scope_of_a_token(caller: Caller) -> None:
    """A token is a JWT with the scope asked for; without one, it has all."""
    caller.log_in(GOOD["scope"])
    asked = claimed_scope(caller.token)
    caller.log_in()

    assert GOOD["scope"] == asked
    assert {*SCOPES} == {*claimed_scope(caller.token).split()}
    assert caller.create().status == 200


def test_missing_client_id_is_plain_text(caller: Caller) -> None:
    """Without a client id the answer is a line of text."""
    answer = caller.post(TOKEN, without("client_id"))

    assert (answer.status, answer.body) == (400, b"client_id is required")
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ([], "application/json"),
        ({**GOOD, "scope": 5}, "application/json"),
        (without("grant_type"), "application/json"),
        (GOOD, "text/plain"),
    ],
)
def test_wrong_types_are_a_zod_error(
    caller: Caller, sent: Any, kind: str
) -> None:
    """Fields of the wrong type, or of an unknown body, are a Zod error."""
    answer = caller.post(TOKEN, sent, Content_Type=kind)

    assert (answer.status, content(answer)["success"]) == (400, False)
    assert content(answer)["error"]["name"] == "ZodError"
    assert "invalid_type" in content(answer)["error"]["message"]


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
