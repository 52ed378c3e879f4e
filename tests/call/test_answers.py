"""Reading what Sesamy says in an error answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesamy_async._call import (
    ErrorBody,
    asked_wait,
    content_type_of,
    read_error,
    seconds,
)
from sesamy_async._headers import Headers
from support.exchanges import an_answer


NOW = 1_800_000_000.0
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"  # NOW


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
            ErrorBody(
                code="validation_error",
                message="No.",
                details={"field": "x"},
                request_id="r",
                retry_after=3.0,
            ),
        ),
        ({"message": "Gone"}, ErrorBody(message="Gone")),
        (
            {"error": "invalid_token", "error_description": "Old."},
            ErrorBody(code="invalid_token", message="Old."),
        ),
        ({"error": {"code": 5, "message": []}}, ErrorBody()),
        ({"error": {"details": "none"}}, ErrorBody()),
        ([], ErrorBody()),
        ("text", ErrorBody()),
    ],
)
def test_read_error(body: Any, expected: ErrorBody) -> None:
    """Every known shape is read; what is of the wrong type is left out."""
    actual = read_error(an_answer(400, json.dumps(body).encode()))

    assert expected == actual


def test_a_large_error() -> None:
    """What is larger than an error of Sesamy's is not looked through."""
    said = b'{"message": "Gone"}'
    largest = an_answer(502, said.ljust(65_536))
    too_large = an_answer(502, said.ljust(65_537))

    assert ErrorBody(message="Gone") == read_error(largest)
    assert ErrorBody() == read_error(too_large)


@given(st.binary())
def test_read_error_never_fails(content: bytes) -> None:
    """Whatever a gateway sends can be looked at."""
    assert isinstance(read_error(an_answer(502, content)), ErrorBody)


@pytest.mark.parametrize(
    ("headers", "in_body", "expected"),
    [
        ({}, None, None),
        ({}, 5.0, 5.0),
        ({}, 1_795_000_000.0, None),
        ({"X-RateLimit-Reset": str(int(NOW) * 1000)}, None, None),
        ({"Retry-After": "7"}, None, 7.0),
        ({"Retry-After": "31622400"}, None, 31_622_400.0),  # A leap year.
        ({"Retry-After": "31622401"}, None, None),
        ({"Retry-After": "7"}, 5.0, 7.0),
        ({"Retry-After": "3"}, 5.0, 5.0),
        ({"Retry-After": "0"}, None, 0.0),
        ({"Retry-After": "Fri, 15 Jan 2027 08:01:00 GMT"}, None, 60.0),
        ({"Retry-After": "Fri, 15 Jan 2027 07:00:00 GMT"}, None, 0.0),
        ({"Retry-After": "-1"}, None, None),
        ({"Retry-After": "nan"}, None, None),
        ({"Retry-After": "soon"}, None, None),
        ({"Retry-After": "99999999999"}, None, None),
        ({"X-RateLimit-Reset": str(int(NOW) + 9)}, None, 9.0),
        ({"X-RateLimit-Reset": str(int(NOW) - 9)}, None, 0.0),
        ({"X-RateLimit-Reset": "soon"}, None, None),
        ({"X-RateLimit-Reset": str(int(NOW) + 9)}, 2.0, 2.0),
    ],
)
def test_asked_wait(
    headers: dict[str, str], in_body: float | None, expected: float | None
) -> None:
    """The longer of body and header; the reset only without both."""
    actual = asked_wait(Headers(headers), in_body, NOW, throttled=True)

    assert expected == actual


def test_asked_wait_by_their_clock() -> None:
    """The answer's own Date is believed rather than our clock."""
    headers = Headers({"Date": DATE, "X-RateLimit-Reset": str(int(NOW) + 9)})

    assert 9.0 == asked_wait(headers, None, NOW + 3600, throttled=True)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-RateLimit-Reset": str(int(NOW) + 60)}, None),
        ({"Retry-After": "7"}, 7.0),
    ],
)
def test_asked_wait_of_a_failure(
    headers: dict[str, str], expected: float | None
) -> None:
    """When the rate limit begins anew says nothing of when a 503 ends."""
    actual = asked_wait(Headers(headers), None, NOW, throttled=False)

    assert expected == actual


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3.0),
        ("3.5", 3.5),
        (0, 0.0),
        (True, None),
        (None, None),
        ([], None),
        (float("inf"), None),
        (10**400, None),
    ],
)
def test_seconds(value: object, expected: float | None) -> None:
    """Only a finite number of at least zero is a number of seconds."""
    assert expected == seconds(value)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "none"),
        ({"Content-Type": "text/html"}, "text/html"),
        ({"Content-Type": "x" * 81}, "x" * 80),
    ],
)
def test_content_type(headers: dict[str, str], expected: str) -> None:
    """It is named as far as it is one."""
    assert expected == content_type_of(Headers(headers))
