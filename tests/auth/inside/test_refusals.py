"""An error explains why there is no token, and names what to check."""

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
    """Explain an answer; a body that is not bytes becomes JSON."""
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
    """Return a letter for each setting that the message names."""
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


ALL = "isougae"


@pytest.mark.parametrize(
    ("settings", "status", "code", "words"),
    [
        ("is", 403, None, "Invalid client credentials"),
        ("is", 401, None, "Client authentication failed"),
        (ALL, 403, None, "Client not found"),
        (ALL, 401, None, "client_secret is required"),
        (ALL, 400, "unauthorized_client", "Grant type not allowed"),
        ("is", 401, "invalid_client", None),
        (ALL, 403, "access_denied", None),
        (ALL, 415, None, "Unsupported Media Type"),
        ("u", 404, None, "Tenant not found"),
        ("u", 404, None, "Not found"),
        ("oa", 403, "access_denied", "Scope not granted"),
        ("oa", 403, None, "The scope is not granted to client_id x"),
        ("oa", 400, "invalid_scope", None),
        ("oa", 401, "insufficient_scope", None),
        ("oa", 200, "invalid_scope", None),
        ("u", 500, None, "Internal Server Error"),
    ],
)
def test_code_and_words_name_the_setting_to_check(
    settings: str, status: int, code: str | None, words: str | None
) -> None:
    """All of them, unless the scope, the tenant or the server is wrong."""
    error = explain(status, {"error": code, "error_description": words})

    assert set(settings) == names_in(error)


@pytest.mark.parametrize(
    ("settings", "status", "body", "kind"),
    [
        (ALL, 400, b"client_id is required", "text/plain"),
        (ALL, 400, {"error": {"name": "ZodError", "message": "["}}, "json"),
        (ALL, 400, {"error": {"code": "validation_error"}}, "json"),
        (ALL, 400, [], "json"),
        (ALL, 400, 7, "json"),
        (ALL, 400, b"", "json"),
        (ALL, 401, b"", "json"),
        (ALL, 403, {}, "json"),
        ("u", 405, b"", "json"),
        ("u", 403, b"<html>scope</html>", "text/plain"),
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
def test_every_answer_names_the_setting_to_check(
    settings: str, status: int, body: object, kind: str
) -> None:
    """Also in other forms, and if a proxy sent it."""
    assert set(settings) == names_in(explain(status, body, kind))


def test_a_refused_scope_is_explained_with_its_spellings() -> None:
    """Sources spell the scope and the audience in two ways each."""
    body = {"error": "access_denied", "error_description": "Scope not granted"}
    message = str(explain(403, body))

    for word in (
        "payments:contract:third-party-onboarding",
        "paymentsContractThirdPartyOnboarding",
        "https://api.sesamy.com",
        "urn:sesamy",
    ):
        assert word in message
    assert "client_credentials" not in message


@pytest.mark.parametrize(
    ("statuses", "outcome", "retryable"),
    [
        ((200, 301, 400, 401, 403), Outcome.REFUSED, False),
        ((408, 425, 429, 500, 503), Outcome.NOT_SENT, True),
    ],
)
def test_only_what_may_pass_is_retryable(
    statuses: tuple[int, ...], outcome: Outcome, retryable: bool
) -> None:
    """The order was never sent; most refusals would come again."""
    for status in statuses:
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
def test_the_servers_words_are_shown_if_they_are_fit(
    body: object, error: str | None, description: str | None
) -> None:
    """They must be short and printable; the message has them too."""
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


def test_a_success_in_plain_text_is_not_shown() -> None:
    """It may be a token."""
    assert explain(200, b"eyJabc", "text/plain").error_description is None


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
def test_an_echoed_secret_is_masked(echo: str, place: str) -> None:
    """In every encoding that a server may use."""
    error = explain(400, {place: f"no {echo}"})
    shown = f"{error} {error!r} {error.error} {error.error_description}"

    assert "***" in shown
    assert echo not in shown


def test_only_host_and_port_of_the_url_are_shown() -> None:
    """The rest of it may be private."""
    message = str(explain(400))

    assert "token.sesamy.com:444 answered 400" in message
    for word in ("pass", "private", "oauth/token"):
        assert word not in message


REFUSED, NOT_SENT, UNKNOWN = Outcome.REFUSED, Outcome.NOT_SENT, Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("error", "kind", "outcome", "retryable"),
    [
        (APIError("", status_code=403), AuthenticationError, REFUSED, False),
        (ConnectionFailedError(""), ConnectionFailedError, NOT_SENT, True),
        (OutcomeUnknownError(""), ConnectionFailedError, NOT_SENT, True),
        (DeadlineExceededError(""), DeadlineExceededError, NOT_SENT, True),
        (
            UnreadableResponseError("", status_code=200),
            *(AuthenticationError, NOT_SENT, True),
        ),
        (
            UnreadableResponseError("", status_code=200, size=7),
            *(AuthenticationError, REFUSED, False),
        ),
        (InvalidRequestError(""), ConfigurationError, NOT_SENT, False),
    ],
)
def test_an_error_of_the_token_call_becomes_one_of_the_order(
    error: SesamyError,
    kind: type[SesamyError],
    outcome: Outcome,
    retryable: bool,
) -> None:
    """It keeps the id of the request, and names the setting to check."""
    error.request_id = "r-1"
    error.outcome = UNKNOWN
    result = token_error(error, CREDENTIALS, URL)
    names = "SESAMY_" in str(result) or kind is DeadlineExceededError

    assert (kind, outcome, retryable, "r-1", True) == (
        type(result),
        result.outcome,
        result.retryable,
        result.request_id,
        names,
    )


def test_a_request_id_holds_no_secret() -> None:
    """The endpoint may repeat the secret there too."""
    error = SesamyError("No.")
    error.request_id = f"r-{CANARY}"

    assert "r-***" == token_error(error, CREDENTIALS, URL).request_id


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        (f"TLS failed for {CANARY}.", "444 failed (TLS failed for ***). Try"),
        ("x" * 999, "444 failed. Try"),
    ],
)
def test_a_lost_connection_has_its_reason(reason: str, shown: str) -> None:
    """It is shown without the secret, if it is short."""
    error = ConnectionFailedError(reason)

    assert shown in str(token_error(error, CREDENTIALS, URL))


def test_another_error_is_passed_on() -> None:
    """A wrong setting stays what it is."""
    error = ConfigurationError("x")

    assert error is token_error(error, CREDENTIALS, URL)
