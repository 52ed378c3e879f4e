"""Which words and attributes an error takes from what happened."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sesamy_async import (
    APIError,
    Outcome,
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
