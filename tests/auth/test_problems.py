"""What the token endpoint answered, as an error that helps."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote, quote_plus

import pytest

from sesamy_async._call import Response
from sesamy_async._headers import Headers
from sesamy_async._outcome import Outcome
from sesamy_async.auth import authentication_error
from sesamy_async.auth._refusals import _host as host_of
from sesamy_async.errors import AuthenticationError
from support.secret_credentials import CANARY, CREDENTIALS, URL


def explain(
    status: int, body: object = b"", kind: str = "application/json"
) -> AuthenticationError:
    """Explain an answer; what is no bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return authentication_error(
        Response(
            status_code=status,
            headers=Headers({"content-type": kind}),
            content=content,
        ),
        CREDENTIALS,
        URL,
    )


@pytest.mark.parametrize(
    ("status", "body", "kind", "settings"),
    [
        (403, {"message": "Invalid client credentials"}, "json", "is"),
        (403, {"message": "Client not found"}, "json", "iu"),
        (404, {"message": "Tenant not found"}, "json", "u"),
        (401, {"message": "Client authentication failed"}, "json", "is"),
        (401, {"message": "client_secret is required"}, "json", "s"),
        (401, {"message": "client_id or client_secret"}, "json", "is"),
        (401, {"message": "Bad secret"}, "json", "s"),
        (400, b"client_id is required", "text/plain", "i"),
        (400, {"error": "unauthorized_client"}, "json", "i"),
        (403, {"error": "access_denied"}, "json", "oa"),
        (400, {"error": "invalid_scope"}, "json", "oa"),
        (401, {"error": "invalid_client"}, "json", "is"),
        (400, {"error": "invalid_grant"}, "json", "is"),
        (400, {"error": "invalid_request"}, "json", "iso"),
        (400, {"error": "unsupported_grant_type"}, "json", "eu"),
        (415, b"Unsupported Media Type", "text/plain", "eu"),
        # Not what a word in the sentence might make of it.
        *(
            (
                status,
                {"error": code, "error_description": words},
                "json",
                settings,
            )
            for status, code, words, settings in [
                (403, "access_denied", "Scope not granted", "oa"),
                (403, None, "The scope is not granted to client_id x", "oa"),
                (
                    403,
                    None,
                    "You are not granted entry to a secret area",
                    "is",
                ),
                (403, None, "Blocked by your organization's policy", "is"),
                (403, None, "No permission to access /oauth/token", "is"),
                (403, "insufficient_permissions", "No.", "oa"),
                (400, "unauthorized_client", "Grant type not allowed", "i"),
                (
                    400,
                    "unauthorized_client",
                    "Grant type 'client_credentials' not allowed",
                    "i",
                ),
                (400, None, "May not use client_credentials", "i"),
                (401, "unauthorized_client", "Invalid credentials", "is"),
                (401, "access_denied", "Unauthorized", "is"),
                (401, "invalid_client", "The secret has expired", "s"),
                (400, "invalid_request", "Missing client-secret", "s"),
                (400, "invalid_request", "The grant_type is required", "iso"),
                (403, "access_denied", "No client-grant for the API", "a"),
                (403, "access_denied", "No such resource server", "a"),
                (400, None, "Organisation x does not exist", "g"),
                (404, None, "No such tenant", "u"),
            ]
        ),
        (
            400,
            {"success": False, "error": {"name": "ZodError", "message": "["}},
            "json",
            "iso",
        ),
        (400, {"error": {"code": "validation_error"}}, "json", "iso"),
        (400, {"error": "invalid_target"}, "json", "a"),
        (400, {"message": "Unknown organization"}, "json", "g"),
        (400, [], "json", "iso"),
        (400, 7, "json", "iso"),
        (400, b"", "json", "iso"),
        (401, b"", "json", "is"),
        (403, {}, "json", "is"),
        (404, {"message": "Not found"}, "json", "u"),
        (405, b"", "json", "u"),
        (403, b"<html>client_id</html>", "text/plain", "u"),
        (403, b"client_id", "text/html; charset=utf-8", "u"),
        (302, b"", "text/plain", "u"),
        (200, b"client_id", "text/plain", "u"),
        (200, {"token": "x"}, "json", "u"),
        (204, b"", "json", "u"),
        (200, {"error": "invalid_scope"}, "json", "oa"),
        (500, {"message": "Internal Server Error"}, "json", "u"),
        (503, b"<html>", "text/html", "u"),
        (
            503,
            {"error": "down", "detail": "The scope.", "tenant_id": "t"},
            "json",
            "u",
        ),
        (429, {"error": {"code": "rate_limit_exceeded"}}, "json", "u"),
    ],
)
def test_every_answer_names_the_setting_to_look_at(
    status: int, body: object, kind: str, settings: str
) -> None:
    """Section 1 of the API's facts, RFC 6749, and what proxies send."""
    names = {
        "i": "client_id (SESAMY_CLIENT_ID)",
        "s": "client_secret (SESAMY_CLIENT_SECRET)",
        "o": "scope (SESAMY_SCOPE)",
        "u": "token_url (SESAMY_TOKEN_URL)",
        "a": "audience (SESAMY_AUDIENCE)",
        "g": "organization (SESAMY_ORGANIZATION)",
        "e": "encoding (SESAMY_TOKEN_ENCODING)",
    }
    message = str(explain(status, body, kind))

    assert set(settings) == {key for key in names if names[key] in message}


def test_a_refused_scope_is_told_with_its_spellings() -> None:
    """Sources spell the scope and the audience in two ways each."""
    body = {"error": "access_denied", "error_description": "Scope not granted"}
    message = str(explain(403, body))

    assert [] == [
        word
        for word in (
            "payments:contract:third-party-onboarding",
            "paymentsContractThirdPartyOnboarding",
            "https://api.sesamy.com",
            "urn:sesamy",
        )
        if word not in message
    ]
    assert "client_credentials" not in message


@pytest.mark.parametrize(
    ("status", "outcome", "retryable"),
    [
        (200, Outcome.REFUSED, False),
        (301, Outcome.REFUSED, False),
        (400, Outcome.REFUSED, False),
        (401, Outcome.REFUSED, False),
        (403, Outcome.REFUSED, False),
        (408, Outcome.NOT_SENT, True),
        (425, Outcome.NOT_SENT, True),
        (429, Outcome.NOT_SENT, True),
        (500, Outcome.NOT_SENT, True),
        (503, Outcome.NOT_SENT, True),
    ],
)
def test_the_order_was_never_sent(
    status: int, outcome: Outcome, retryable: bool
) -> None:
    """So the outcome is certain; only what may pass is retryable."""
    error = explain(status)

    assert (outcome, retryable, status) == (
        error.outcome,
        error.retryable,
        error.status_code,
    )


@pytest.mark.parametrize(
    ("body", "error", "description"),
    [
        ({"error": "a", "error_description": "b"}, "a", "b"),
        ({"error": "a"}, "a", None),
        ({"error": "a", "message": "m"}, "a", "m"),
        ({"message": "m"}, None, "m"),
        ({"error": "a", "detail": "d", "tenant_id": "t"}, "a", "d"),
        ({"error": {"code": "c", "message": "m"}}, "c", "m"),
        ({"error": {"name": "n"}}, "n", None),
        ({"error": 7, "error_description": []}, None, None),
        ({"error": "a" * 65}, None, None),
        ({"message": "a" * 201}, None, None),
        ({"message": " " * 5000 + "a"}, None, None),
        ({"message": "a", "more": "x" * 65_536}, None, None),
        ({"message": "bell \a"}, None, None),
        ({"message": " two\n lines "}, None, "two lines"),
        ({"message": ""}, None, None),
        ([], None, None),
        (b"plain words", None, "plain words"),
        (b"\xff\xfe", None, "\ufffd\ufffd"),
        (b"\xef\xbb\xbf <!doctype html>", None, None),
        (b"", None, None),
    ],
)
def test_the_servers_words_are_kept_if_fit_to_show(
    body: object, error: str | None, description: str | None
) -> None:
    """Short and printable ones; they are in the message too."""
    explained = explain(400, body, "text/plain")
    missing = [
        word
        for word in (error, description)
        if word and word not in str(explained)
    ]

    assert (error, description, []) == (
        explained.error,
        explained.error_description,
        missing,
    )


def test_html_is_not_shown() -> None:
    """A gateway's page helps nobody in a log."""
    assert "oops" not in str(explain(502, b"<html>oops</html>"))


def test_a_success_in_plain_text_is_not_shown() -> None:
    """It may be a token."""
    assert "eyJ" not in str(explain(200, b"eyJabc", "text/plain"))


@pytest.mark.parametrize(
    "echo",
    [
        CANARY,
        quote_plus(CANARY),
        quote_plus(CANARY).lower(),
        quote(CANARY),
        json.dumps(CANARY),
        json.dumps(CANARY).replace("/", r"\/"),
        json.dumps(CANARY, ensure_ascii=False),
        b64encode(f"the-id:{CANARY}".encode()).decode(),
    ],
)
@pytest.mark.parametrize("place", ["error", "error_description", "message"])
def test_an_echoed_secret_is_blotted_out(echo: str, place: str) -> None:
    """However the server writes it."""
    error = explain(400, {place: f"no {echo}"})
    shown = f"{error} {error!r} {error.error} {error.error_description}"

    assert "***" in shown
    assert echo not in shown


def test_only_host_and_port_of_the_url_are_shown() -> None:
    """The rest of it may be private."""
    message = str(explain(400))

    assert "token.sesamy.com:444 answered 400" in message
    assert [
        word for word in ("pass", "private", "oauth/token") if word in message
    ] == []


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://a", "a"),
        ("https://a?b@c", "a"),
        ("http://u:p@[::1]:8/x", "[::1]:8"),
        ("nonsense", ""),
    ],
)
def test_the_host_of_anything_is_found(url: str, host: str) -> None:
    """Without an exception: this is for messages."""
    assert host == host_of(url)
