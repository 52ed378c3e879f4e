"""Which error an answer or a failure becomes, and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sesamy_async import (
    APIError,
    BadRequestError,
    ConflictError,
    ConnectionFailedError,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    Outcome,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    Request,
    ServerError,
    SesamyError,
    UnauthorizedError,
    UnreadableResponseError,
)
from sesamy_async._call import (
    contradicted,
    explain_answer,
    explain_failure,
    unreadable,
)
from sesamy_async._outcome import FailureKind
from support.exchanges import a_call, a_failure, an_answer, an_api_error


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, APIError),
        (400, BadRequestError),
        (401, UnauthorizedError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (408, APIError),
        (409, ConflictError),
        (418, APIError),
        (422, BadRequestError),
        (429, RateLimitError),
        (500, ServerError),
        (599, ServerError),
    ],
)
def test_class_by_status(status: int, kind: type[APIError]) -> None:
    """Each status has its class of error."""
    error = an_api_error(status)

    assert kind is type(error)
    assert isinstance(error, APIError)
    assert status == error.status_code


def test_what_sesamy_says() -> None:
    """The envelope of section 4 is all there, on the error."""
    body = {
        "error": {
            "code": "validation_error",
            "message": "Bad order.",
            "details": {"field": "userData.email", "reason": "required"},
            "request_id": "req-1",
        }
    }
    error = an_api_error(400, json.dumps(body).encode())

    assert isinstance(error, BadRequestError)
    assert (
        "validation_error",
        "Bad order.",
        {"field": "userData.email", "reason": "required"},
        "req-1",
    ) == (error.code, error.message, error.details, error.request_id)
    assert (
        "Sesamy answered 400 (validation_error): Bad order. "
        "[field userData.email]. The order is not as Sesamy wants it."
    ) == error.args[0]


def test_no_echo_of_what_was_sent() -> None:
    """What the server repeats of the order is in no message."""
    request = Request(
        method="POST",
        url="https://api.test/x",
        content=b'{"userData": {"email": "kim@x.se", "fullName": "Kim A"}}',
    )
    body = {"error": {"message": "Kim A", "details": {"got": "kim@x.se"}}}
    error = an_api_error(
        400, json.dumps(body).encode(), a_call(request=request)
    )

    assert isinstance(error, APIError)
    assert ("***", {"got": "***"}) == (error.message, error.details)
    assert "Kim" not in str(error)


@pytest.mark.parametrize("word", ["code", "message", "details"])
def test_words_of_the_envelope(word: str) -> None:
    """An order that says "message" leaves the error what it is."""
    request = Request(
        method="POST",
        url="https://api.test/x",
        content=json.dumps({"vendorData": {"note": word}}).encode(),
    )
    body = json.dumps({"error": {"message": "No."}}).encode()
    error = an_api_error(400, body, a_call(request=request))

    assert isinstance(error, BadRequestError)
    assert "No." == error.message


@pytest.mark.parametrize(
    ("status", "named"),
    [(302, "base_url"), (403, "SESAMY_SCOPE"), (404, "vendor_id")],
)
def test_names_the_setting(status: int, named: str) -> None:
    """Where a setting may be the cause, it is named."""
    assert named in str(an_api_error(status))


@pytest.mark.parametrize(
    ("status", "body", "headers", "named"),
    [
        (403, {}, {}, True),
        (403, {"error": {"code": "insufficient_permissions"}}, {}, True),
        (401, {"error": {"code": "insufficient_scope"}}, {}, True),
        (
            401,
            {},
            {"WWW_Authenticate": 'Bearer error="insufficient_scope"'},
            True,
        ),
        (401, {}, {}, False),
        (500, {"error": {"code": "insufficient_scope"}}, {}, False),
    ],
)
def test_a_token_without_the_scope(
    status: int, body: object, headers: dict[str, Any], named: bool
) -> None:
    """A token can be had without the scope: the order's error hints at it."""
    content = json.dumps(body).encode()
    text = str(an_api_error(status, content, **headers))

    assert [named] * 4 == [
        word in text
        for word in (
            "payments:contract:third-party-onboarding",
            "paymentsContractThirdPartyOnboarding",
            "SESAMY_AUDIENCE",
            "urn:sesamy",
        )
    ]


@pytest.mark.parametrize(
    ("status", "expected"), [(429, 7.0), (503, 7.0), (400, None)]
)
def test_retry_after(status: int, expected: float | None) -> None:
    """A wait is read where waiting may help."""
    error = an_api_error(status, Retry_After="7")

    assert isinstance(error, APIError)
    assert expected == error.retry_after


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("1-67a2 b", None),
        ("kim@x.se", None),
        ("r\x1b[2J", None),
        ("x" * 129, None),
        ("+46701740605", "***"),
        ("Root=1-67891233-abcdef", "Root=1-67891233-abcdef"),
    ],
)
def test_request_id_that_is_none(named: str, expected: str | None) -> None:
    """What stands in each log line is an id, and nothing personal."""
    request = Request(
        method="POST",
        url="https://api.test/x",
        content=b'{"userData": {"phone": "+46701740605"}}',
    )
    body = json.dumps({"error": {"request_id": named}}).encode()
    error = an_api_error(400, body, a_call(request=request))

    assert expected == error.request_id


@pytest.mark.parametrize("name", ["X_Request_Id", "Request_Id"])
def test_request_id_of_a_gateway(name: str) -> None:
    """Without one in the body, the header's request id is taken."""
    headers: Any = {name: "r-2"}
    error = an_api_error(502, b"<html>", **headers)

    assert "r-2" == error.request_id


@pytest.mark.parametrize(
    ("facts", "kind", "outcome"),
    [
        (
            {"kind": FailureKind.CONNECT, "sent": False},
            ConnectionFailedError,
            Outcome.NOT_SENT,
        ),
        (
            {"kind": FailureKind.REQUEST, "sent": False},
            InvalidRequestError,
            Outcome.NOT_SENT,
        ),
        (
            {"kind": FailureKind.REQUEST, "sent": True},
            OutcomeUnknownError,
            Outcome.UNKNOWN,
        ),
        ({"kind": FailureKind.TIMEOUT}, OutcomeUnknownError, Outcome.UNKNOWN),
        (
            {"kind": FailureKind.DEADLINE},
            DeadlineExceededError,
            Outcome.UNKNOWN,
        ),
        (
            {"kind": FailureKind.DEADLINE, "sent": False},
            DeadlineExceededError,
            Outcome.NOT_SENT,
        ),
        (
            {"kind": FailureKind.BODY, "status_code": 200, "own": True},
            UnreadableResponseError,
            Outcome.APPLIED,
        ),
        (
            {"kind": FailureKind.BODY, "status_code": 200},
            UnreadableResponseError,
            Outcome.UNKNOWN,
        ),
        (
            {"kind": FailureKind.BODY, "status_code": 404},
            NotFoundError,
            Outcome.REFUSED,
        ),
        (
            {"kind": FailureKind.BODY, "status_code": 500},
            ServerError,
            Outcome.UNKNOWN,
        ),
    ],
)
def test_failures(
    facts: dict[str, Any], kind: type[SesamyError], outcome: Outcome
) -> None:
    """Each failure has its class of error and its outcome."""
    error = explain_failure(a_call(), a_failure(**facts))

    assert (kind, outcome) == (type(error), error.outcome)


def test_unreadable_shows_no_control_characters() -> None:
    """A content type can't write over what a terminal shows."""
    answer = an_answer(200, b"x", Content_Type="a\x1b[2J")
    error = unreadable(a_call(), answer, "its body is no JSON")

    assert "(content type a[2J, 1 bytes)" in str(error)


def test_unreadable_shows_no_body() -> None:
    """An unreadable success shows status, content type and size only."""
    answer = an_answer(201, b"<p>kim", Content_Type="text/html")
    error = unreadable(a_call(), answer, "its body is no JSON")

    assert isinstance(error, UnreadableResponseError)
    assert (201, "text/html", 6) == (
        error.status_code,
        error.content_type,
        error.size,
    )
    assert "kim" not in str(error)
    assert "(content type text/html, 6 bytes)" in str(error)


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": FailureKind.REQUEST, "sent": False},
        {"kind": FailureKind.DEADLINE},
        {"kind": FailureKind.CONNECT, "sent": False},
        {"kind": FailureKind.TIMEOUT},
    ],
)
def test_the_words_of_the_transport(facts: dict[str, Any]) -> None:
    """What the transport saw is the message."""
    failure = a_failure(detail="It was seen.", **facts)

    assert "It was seen." == explain_failure(a_call(), failure).args[0]


def test_a_body_that_broke() -> None:
    """The status is told with what is wrong behind it."""
    failure = a_failure(
        kind=FailureKind.BODY, detail="its body is cut.", status_code=201
    )
    error = explain_failure(a_call(), failure)

    assert "Status 201, but its body is cut." == error.args[0]


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (418, b"", "Sesamy answered 418."),
        (418, b'{"error": {}}', "Sesamy answered 418."),
        (418, b'{"message": "No..."}', "Sesamy answered 418: No."),
        (418, b'{"message": ".X"}', "Sesamy answered 418: .X."),
        (418, b'{"error": "no"}', "Sesamy answered 418 (no)."),
        (
            302,
            b"",
            (
                "Sesamy answered 302. "
                "Redirects are not followed: check base_url."
            ),
        ),
    ],
)
def test_the_message(status: int, content: bytes, expected: str) -> None:
    """What Sesamy says as far as it does, one full stop, and advice."""
    assert expected == an_api_error(status, content).args[0]


def test_the_wait_of_the_body() -> None:
    """``retry_after`` of the envelope is kept."""
    body = json.dumps({"error": {"retry_after": 8}}).encode()
    error = an_api_error(429, body)

    assert isinstance(error, APIError)
    assert 8.0 == error.retry_after


def test_the_reset_of_a_429() -> None:
    """Where a 429 names no wait, it is until the count begins anew."""
    answer = an_answer(429, X_RateLimit_Reset="1800000009")

    assert 9.0 == explain_answer(a_call(), answer, 1_800_000_000.0).retry_after


def test_the_wait_by_our_clock() -> None:
    """A moment is as far away as the clock says that is handed in."""
    answer = an_answer(429, Retry_After="Fri, 15 Jan 2027 08:00:09 GMT")

    assert 9.0 == explain_answer(a_call(), answer, 1_800_000_000.0).retry_after


def test_contradicted() -> None:
    """A success that tells of an error is unknown."""
    answer = an_answer(200, X_Request_Id="r-1")
    error = contradicted(a_call(), answer)

    assert (Outcome.UNKNOWN, "r-1") == (error.outcome, error.request_id)


def test_unreadable() -> None:
    """It is named by Sesamy's id, and says what is wrong."""
    answer = an_answer(200, b"x", X_Request_Id="r-1")
    error = unreadable(a_call(), answer, "no")

    assert "r-1" == error.request_id
    assert (
        "The answer has status 200, but no (content type none, 1 bytes)."
    ) == error.args[0]


@pytest.mark.parametrize("own", [True, False])
def test_unreadable_by_its_beginning(own: bool) -> None:
    """It was applied only where it is Sesamy's own."""
    error = unreadable(a_call(), an_answer(200, b"{" if own else b"<"), "no")

    assert (Outcome.APPLIED if own else Outcome.UNKNOWN) is error.outcome
