"""Why there is no token: what an answer or an error means for the order."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote, quote_plus

import pytest

from sesamy_async._call import Response
from sesamy_async._headers import Headers
from sesamy_async._outcome import Outcome
from sesamy_async.auth import authentication_error
from sesamy_async.auth._refusals import token_error
from sesamy_async.errors import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    DeadlineExceededError,
    InvalidRequestError,
    OutcomeUnknownError,
    SesamyError,
    UnreadableResponseError,
)
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


def names_in(error: AuthenticationError) -> set[str]:
    """Return a letter for each setting that a message names."""
    names = {
        "i": "client_id (SESAMY_CLIENT_ID)",
        "s": "client_secret (SESAMY_CLIENT_SECRET)",
        "o": "scope (SESAMY_SCOPE)",
        "u": "token_url (SESAMY_TOKEN_URL)",
        "a": "audience (SESAMY_AUDIENCE)",
        "g": "organization (SESAMY_ORGANIZATION)",
        "e": "encoding (SESAMY_TOKEN_ENCODING)",
    }
    return {key for key, name in names.items() if name in str(error)}


@pytest.mark.parametrize(
    ("settings", "status", "code", "words"),
    [
        ("is", 403, None, "Invalid client credentials"),
        ("iu", 403, None, "Client not found"),
        ("u", 404, None, "Tenant not found"),
        ("u", 404, None, "No such tenant"),
        ("u", 404, None, "Not found"),
        ("is", 401, None, "Client authentication failed"),
        ("s", 401, None, "client_secret is required"),
        ("is", 401, None, "client_id or client_secret"),
        ("s", 401, None, "Bad secret"),
        ("i", 400, None, "May not use client_credentials"),
        ("g", 400, None, "Organisation x does not exist"),
        ("g", 400, None, "Unknown organization"),
        ("oa", 403, None, "The scope is not granted to client_id x"),
        ("i", 400, "unauthorized_client", None),
        ("i", 400, "unauthorized_client", "Grant type not allowed"),
        ("i", 400, "unauthorized_client", "'client_credentials' not allowed"),
        ("is", 401, "unauthorized_client", "Invalid credentials"),
        ("oa", 403, "access_denied", None),
        ("oa", 403, "access_denied", "Scope not granted"),
        ("a", 403, "access_denied", "No client-grant for the API"),
        ("a", 403, "access_denied", "No such resource server"),
        ("is", 401, "access_denied", "Unauthorized"),
        ("oa", 403, "insufficient_permissions", "No."),
        ("oa", 400, "invalid_scope", None),
        ("oa", 200, "invalid_scope", None),
        ("is", 401, "invalid_client", None),
        ("s", 401, "invalid_client", "The secret has expired"),
        ("is", 400, "invalid_grant", None),
        ("a", 400, "invalid_target", None),
        ("iso", 400, "invalid_request", None),
        ("s", 400, "invalid_request", "Missing client-secret"),
        ("iso", 400, "invalid_request", "The grant_type is required"),
        ("eu", 400, "unsupported_grant_type", None),
        # Not what a word in the sentence might make of it.
        ("is", 403, None, "You are not granted entry to a secret area"),
        ("is", 403, None, "Blocked by your organization's policy"),
        ("is", 403, None, "No permission to access /oauth/token"),
        ("u", 500, None, "Internal Server Error"),
    ],
)
def test_code_and_words_name_the_setting_to_look_at(
    settings: str, status: int, code: str | None, words: str | None
) -> None:
    """What authhero says, and what RFC 6749 and 8707 say."""
    error = explain(status, {"error": code, "error_description": words})

    assert set(settings) == names_in(error)


@pytest.mark.parametrize(
    ("settings", "status", "body", "kind"),
    [
        ("i", 400, b"client_id is required", "text/plain"),
        ("eu", 415, b"Unsupported Media Type", "text/plain"),
        ("iso", 400, {"error": {"name": "ZodError", "message": "["}}, "json"),
        ("iso", 400, {"error": {"code": "validation_error"}}, "json"),
        ("iso", 400, [], "json"),
        ("iso", 400, 7, "json"),
        ("iso", 400, b"", "json"),
        ("is", 401, b"", "json"),
        ("is", 403, {}, "json"),
        ("u", 405, b"", "json"),
        ("u", 403, b"<html>client_id</html>", "text/plain"),
        ("u", 403, b"client_id", "text/html; charset=utf-8"),
        ("u", 302, b"", "text/plain"),
        ("u", 200, b"client_id", "text/plain"),
        ("u", 200, {"token": "x"}, "json"),
        ("u", 204, b"", "json"),
        ("u", 503, b"<html>", "text/html"),
        ("u", 503, {"error": "down", "detail": "The scope."}, "json"),
        ("u", 429, {"error": {"code": "rate_limit_exceeded"}}, "json"),
    ],
)
def test_every_answer_names_the_setting_to_look_at(
    settings: str, status: int, body: object, kind: str
) -> None:
    """Other forms of answers, and what proxies send."""
    assert set(settings) == names_in(explain(status, body, kind))


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


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403])
def test_a_refusal_is_certain(status: int) -> None:
    """The order was never sent, and trying again would not help."""
    error = explain(status)

    assert (Outcome.REFUSED, False, status) == (
        error.outcome,
        error.retryable,
        error.status_code,
    )


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_what_may_pass_is_retryable(status: int) -> None:
    """The order was never sent."""
    error = explain(status)

    assert (Outcome.NOT_SENT, True) == (error.outcome, error.retryable)


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


UNKNOWN = Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("error", "kind", "outcome", "retryable"),
    [
        (
            APIError("x", status_code=403, body=b"{}"),
            *(AuthenticationError, Outcome.REFUSED, False),
        ),
        (
            ConnectionFailedError("x"),
            *(ConnectionFailedError, Outcome.NOT_SENT, True),
        ),
        (
            OutcomeUnknownError("x", outcome=UNKNOWN),
            *(ConnectionFailedError, Outcome.NOT_SENT, True),
        ),
        (
            DeadlineExceededError("x", outcome=UNKNOWN),
            *(DeadlineExceededError, Outcome.NOT_SENT, True),
        ),
        (
            UnreadableResponseError("x", status_code=200),
            *(AuthenticationError, Outcome.NOT_SENT, True),
        ),
        (
            UnreadableResponseError("x", status_code=200, size=7),
            *(AuthenticationError, Outcome.REFUSED, False),
        ),
        (
            InvalidRequestError("x"),
            *(ConfigurationError, Outcome.NOT_SENT, False),
        ),
    ],
)
def test_an_error_of_the_token_call_is_one_of_the_order(
    error: SesamyError,
    kind: type[SesamyError],
    outcome: Outcome,
    retryable: bool,
) -> None:
    """It keeps the request's id and tells what to look at."""
    error.request_id = "r-1"
    told = token_error(error, CREDENTIALS, URL)
    names = "SESAMY_" in str(told) or kind is DeadlineExceededError

    assert (kind, outcome, retryable, "r-1", True) == (
        type(told),
        told.outcome,
        told.retryable,
        told.request_id,
        names,
    )


def test_a_request_id_holds_no_secret() -> None:
    """What the endpoint calls the request is no place for an echo."""
    error = SesamyError("No.")
    error.request_id = f"r-{CREDENTIALS.client_secret.reveal()}"

    assert "r-***" == token_error(error, CREDENTIALS, URL).request_id


def test_a_lost_connection_tells_what_broke() -> None:
    """With the words of the transport, but without the secret."""
    told = token_error(
        ConnectionFailedError(f"TLS failed for {CANARY}."), CREDENTIALS, URL
    )

    assert "token.sesamy.com:444" in str(told)
    assert "(TLS failed for ***)" in str(told)


def test_an_unfit_reason_is_left_out() -> None:
    """A reason too long to show is not shown."""
    told = token_error(ConnectionFailedError("x" * 999), CREDENTIALS, URL)

    assert "444 failed. Try" in str(told)


def test_another_error_is_passed_on() -> None:
    """A setting that is wrong stays what it is."""
    error = ConfigurationError("x")

    assert error is token_error(error, CREDENTIALS, URL)
