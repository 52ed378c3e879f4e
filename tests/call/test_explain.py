"""Which error an answer or a failure becomes, and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesamy_async import (
    APIError,
    BadRequestError,
    ConflictError,
    ConnectionFailedError,
    DeadlineExceededError,
    Headers,
    InvalidRequestError,
    NotFoundError,
    Outcome,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    Request,
    Secret,
    ServerError,
    SesamyError,
    UnauthorizedError,
    UnreadableResponseError,
)
from sesamy_async._call import contradicted, explain_answer, unreadable
from sesamy_async._call.explain import explain_failure
from sesamy_async._outcome import FailureKind
from support.exchanges import a_call, a_failure, an_answer, an_api_error


NOW = 1_800_000_000.0
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"  # NOW


def explained(status: int, body: object = None, **headers: str) -> APIError:
    """Return the error for an answer with this JSON body, at `NOW`."""
    answer = an_answer(status, json.dumps(body).encode(), **headers)
    return explain_answer(a_call(), answer, NOW)


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
    error = explained(status)

    assert (kind, status) == (type(error), error.status_code)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {
                "error": {
                    "code": "validation_error",
                    "message": "No.",
                    "details": {"field": "x"},
                    "request_id": "r",
                    "retry_after": 3,
                }
            },
            ("validation_error", "No.", {"field": "x"}, "r", 3.0),
        ),
        ({"message": "Gone"}, (None, "Gone", {}, None, None)),
        (
            {"error": "invalid_token", "error_description": "Old."},
            ("invalid_token", "Old.", {}, None, None),
        ),
        (
            {"error": {"code": 5, "message": [], "details": "none"}},
            (None, None, {}, None, None),
        ),
        ([], (None, None, {}, None, None)),
        ("text", (None, None, {}, None, None)),
    ],
)
def test_envelope(body: object, expected: tuple[object, ...]) -> None:
    """Every known shape is read; what is of the wrong type is left out."""
    error = explained(429, body)

    assert expected == (
        error.code,
        error.message,
        error.details,
        error.request_id,
        error.retry_after,
    )


WHOLE = {
    "error": {
        "code": "validation_error",
        "message": "No.",
        "details": {"field": "userData.email"},
    }
}
TEXT = "Sesamy answered 418 (validation_error)"


@pytest.mark.parametrize(
    ("order", "repeated", "text"),
    [
        (Secret(""), True, f"{TEXT}: No. [field userData.email]."),
        # Nobody knows whom the message may name.
        (None, False, f"{TEXT} [field userData.email]."),
    ],
)
def test_what_an_error_keeps(
    order: Secret | None, text: str, *, repeated: bool
) -> None:
    """All of the answer; its message is in the text if the order is known."""
    answer = an_answer(418, json.dumps(WHOLE).encode(), X="y")
    error = explain_answer(a_call(order=order), answer, NOW)

    assert (text, repeated, False) == (
        error.args[0],
        error.repeated,
        error.retryable,
    )
    assert {**WHOLE["error"], "status_code": 418} == {
        "code": error.code,
        "message": error.message,
        "details": error.details,
        "status_code": error.status_code,
    }
    assert (answer.headers, answer.content) == (error.headers, error.body)


@pytest.mark.parametrize(
    ("code", "order", "expected"),
    [
        # What is documented is nothing personal, whatever was sent.
        ("validation_error", Secret('["validation_error"]'), None),
        ("no_such_code", Secret('["no_such_code"]'), "***"),
        ("no_such_code", Secret('["x"]'), None),
        ("Kim Berg", Secret('["x"]'), None),
        # Without the order it may be a name.
        ("Kim Berg", None, ""),
        ("no_such_code", None, None),
    ],
)
def test_which_codes_are_left_out(
    code: str, order: Secret | None, expected: str | None
) -> None:
    """One that repeats the order, or that may."""
    body = json.dumps({"error": {"code": code}}).encode()
    error = explain_answer(a_call(order=order), an_answer(418, body), NOW)

    assert (code if expected is None else expected or None) == error.code


def test_a_large_error() -> None:
    """What is larger than an error of Sesamy's is not read."""
    said = b'{"message": "Gone"}'
    errors = [an_api_error(502, said.ljust(size)) for size in (65536, 65537)]

    assert ["Gone", None] == [getattr(each, "message", 0) for each in errors]


@given(st.binary())
def test_whatever_a_gateway_sends(content: bytes) -> None:
    """Any body can be explained."""
    assert isinstance(an_api_error(502, content), ServerError)


@pytest.mark.parametrize("word", ["code", "message", "details"])
def test_words_of_the_envelope(word: str) -> None:
    """An order that says "message" leaves the error as it is."""
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
    status: int, body: object, headers: dict[str, str], named: bool
) -> None:
    """A token may lack the scope: the order's error names the settings."""
    text = str(explained(status, body, **headers))

    assert [named] * 5 == [
        word in text
        for word in (
            "payments:contract:third-party-onboarding",
            "paymentsContractThirdPartyOnboarding",
            "SESAMY_SCOPE",
            "SESAMY_AUDIENCE",
            "urn:sesamy",
        )
    ]


@pytest.mark.parametrize(
    ("headers", "in_body", "expected"),
    [
        ({}, None, None),
        ({}, 5.0, 5.0),
        ({}, 1_795_000_000.0, None),
        ({"X_RateLimit_Reset": str(int(NOW) * 1000)}, None, None),
        ({"Retry_After": "7"}, None, 7.0),
        ({"Retry_After": "31622400"}, None, 31_622_400.0),  # A leap year.
        ({"Retry_After": "31622401"}, None, None),
        ({"Retry_After": "7"}, 5.0, 7.0),
        ({"Retry_After": "3"}, 5.0, 5.0),
        ({"Retry_After": "0"}, None, 0.0),
        ({"Retry_After": "Fri, 15 Jan 2027 08:01:00 GMT"}, None, 60.0),
        ({"Retry_After": "Fri, 15 Jan 2027 07:00:00 GMT"}, None, 0.0),
        ({"Retry_After": "-1"}, None, None),
        ({"Retry_After": "nan"}, None, None),
        ({"Retry_After": "soon"}, None, None),
        ({"X_RateLimit_Reset": str(int(NOW) + 9)}, None, 9.0),
        ({"X_RateLimit_Reset": str(int(NOW) - 9)}, None, 0.0),
        ({"X_RateLimit_Reset": "soon"}, None, None),
        ({"X_RateLimit_Reset": str(int(NOW) + 9)}, 2.0, 2.0),
        # What is no finite number of at least zero is no number of seconds.
        ({}, "3.5", 3.5),
        ({}, 0, 0.0),
        ({}, True, None),
        ({}, [], None),
        ({}, float("inf"), None),
        ({}, 10**400, None),
    ],
)
def test_wait(
    headers: dict[str, str], in_body: object, expected: float | None
) -> None:
    """The longer of body and header; the reset only without both."""
    body = {"error": {"retry_after": in_body}}

    assert expected == explained(429, body, **headers).retry_after


def test_wait_by_their_clock() -> None:
    """The answer's own Date is preferred to our clock."""
    reset = str(int(NOW) + 9)
    answer = an_answer(429, Date=DATE, X_RateLimit_Reset=reset)

    assert 9.0 == explain_answer(a_call(), answer, NOW + 3600).retry_after


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (503, {"Retry_After": "7"}, 7.0),
        # When the rate limit is reset says nothing of when a 503 ends.
        (503, {"X_RateLimit_Reset": str(int(NOW) + 60)}, None),
        (400, {"Retry_After": "7"}, None),
    ],
)
def test_wait_of_other_answers(
    status: int, headers: dict[str, str], expected: float | None
) -> None:
    """A wait is read where waiting may help."""
    assert expected == explained(status, **headers).retry_after


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
    assert "r-2" == explained(502, **{name: "r-2"}).request_id


K = FailureKind
NOT_SENT, UNKNOWN = Outcome.NOT_SENT, Outcome.UNKNOWN
UNREAD = "Status 200, but It was seen."
PAGE = {"status_code": 200}
OWN = {"status_code": 200, "own": True}


@pytest.mark.parametrize(
    ("kind", "facts", "expected", "outcome", "words"),
    [
        (K.CONNECT, {"sent": False}, ConnectionFailedError, NOT_SENT, ""),
        (K.REQUEST, {"sent": False}, InvalidRequestError, NOT_SENT, ""),
        (K.REQUEST, {"sent": True}, OutcomeUnknownError, UNKNOWN, ""),
        (K.TIMEOUT, {}, OutcomeUnknownError, UNKNOWN, ""),
        (K.DEADLINE, {}, DeadlineExceededError, UNKNOWN, ""),
        (K.DEADLINE, {"sent": False}, DeadlineExceededError, NOT_SENT, ""),
        (K.BODY, OWN, UnreadableResponseError, Outcome.APPLIED, UNREAD),
        (K.BODY, PAGE, UnreadableResponseError, UNKNOWN, UNREAD),
        (
            *(K.BODY, {"status_code": 404}, NotFoundError, Outcome.REFUSED),
            (
                "Sesamy answered 404. "
                "Check the vendor id, the promo code and the contract id."
            ),
        ),
        (
            *(K.BODY, {"status_code": 500}, ServerError, UNKNOWN),
            "Sesamy answered 500.",
        ),
    ],
)
def test_failures(
    kind: FailureKind,
    facts: dict[str, Any],
    expected: type[SesamyError],
    outcome: Outcome,
    words: str,
) -> None:
    """Each failure has its class of error, its outcome and its words."""
    failure = a_failure(kind=kind, detail="It was seen.", **facts)
    error = explain_failure(a_call(), failure, NOW)

    assert (expected, outcome) == (type(error), error.outcome)
    assert (words or "It was seen.") == error.args[0]
    assert facts.get("status_code") == getattr(error, "status_code", None)
    passes = {ConnectionFailedError, DeadlineExceededError}
    assert (expected in passes) is error.transient


def test_a_failure_after_the_headers() -> None:
    """They say what they say of a whole answer."""
    headers = {
        "Retry-After": "Fri, 15 Jan 2027 08:01:00 GMT",
        "X-Request-Id": "r-1",
    }
    failure = a_failure(kind=K.BODY, status_code=503, headers=Headers(headers))
    error = explain_failure(a_call(), failure, NOW)

    assert isinstance(error, ServerError)
    assert ("r-1", 60.0) == (error.request_id, error.retry_after)
    assert failure.headers == error.headers


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (418, None, "Sesamy answered 418."),
        (418, {"error": {}}, "Sesamy answered 418."),
        (418, {"message": "No..."}, "Sesamy answered 418: No."),
        (418, {"message": ".X"}, "Sesamy answered 418: .X."),
        (418, {"error": "no"}, "Sesamy answered 418 (no)."),
        # Without a message, what is no code and no field may be a name.
        (
            418,
            {"error": {"code": "Kim B", "details": {"field": "Kim B"}}},
            "Sesamy answered 418.",
        ),
        (
            418,
            {"error": {"code": "not_x", "details": {"field": "x.y"}}},
            "Sesamy answered 418 (not_x) [field x.y].",
        ),
        (
            418,
            {
                "error": {
                    "code": "Not X",
                    "message": "No.",
                    "details": {"field": "X Y"},
                }
            },
            "Sesamy answered 418 (Not X): No. [field X Y].",
        ),
        (
            400,
            {
                "error": {
                    "code": "validation_error",
                    "message": "Bad order.",
                    "details": {"field": "userData.email"},
                }
            },
            (
                "Sesamy answered 400 (validation_error): Bad order. [field "
                "userData.email]. Sesamy does not accept the order as it is."
            ),
        ),
        (
            302,
            None,
            (
                "Sesamy answered 302. "
                "Redirects are not followed. Check base_url."
            ),
        ),
    ],
)
def test_the_message(status: int, body: object, expected: str) -> None:
    """What Sesamy says as far as it does, one full stop, and advice."""
    assert expected == explained(status, body).args[0]


def test_a_message_that_is_left_out() -> None:
    """The text says so, and why."""
    call = a_call(order=Secret('["Kim Berg"]'))
    error = an_api_error(418, b'{"message": "No Kim here."}', call)

    assert (
        "Sesamy answered 418: its message is left out, for it may repeat "
        "data of the order."
    ) == error.args[0]


def test_contradicted() -> None:
    """A success that reports an error is unknown."""
    error = contradicted(a_call(), an_answer(200, X_Request_Id="r-1"))

    assert (Outcome.UNKNOWN, "r-1") == (error.outcome, error.request_id)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ({}, "none"),
        ({"Content_Type": "text/html"}, "text/html"),
        ({"Content_Type": "x" * 81}, "x" * 80),
        # It can't write over what a terminal shows.
        ({"Content_Type": "a\x1b[2J"}, "a[2J"),
    ],
)
def test_unreadable(kind: dict[str, str], shown: str) -> None:
    """It says what is wrong, and shows status, type and size, no body."""
    answer = an_answer(201, b"<p>kim", X_Request_Id="r-1", **kind)
    error = unreadable(a_call(), answer, "its body is not JSON")

    assert isinstance(error, UnreadableResponseError)
    assert (201, kind.get("Content_Type"), 6, "r-1") == (
        error.status_code,
        error.content_type,
        error.size,
        error.request_id,
    )
    assert (
        "The response has status 201, but its body is not JSON (content type "
        f"{shown}, 6 bytes)."
    ) == error.args[0]


@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [
        (b"{", None, Outcome.APPLIED),
        (b"{", "application/json; charset=utf-8", Outcome.APPLIED),
        (b"{", "text/html", Outcome.UNKNOWN),
        (b"<", None, Outcome.UNKNOWN),
        (b"<", "application/json", Outcome.UNKNOWN),
    ],
)
def test_unreadable_by_its_beginning(
    content: bytes, kind: str | None, expected: Outcome
) -> None:
    """It was applied only if it is Sesamy's own."""
    headers = {} if kind is None else {"Content_Type": kind}
    answer = an_answer(200, content, **headers)
    error = unreadable(a_call(), answer, "no")

    assert expected is error.outcome
