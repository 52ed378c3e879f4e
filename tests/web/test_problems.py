"""Each error becomes the HTTP answer that lets its receiver do right."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sesamy_async import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    OrderMismatchError,
    Outcome,
    OutcomeUnknownError,
    PacerUnavailable,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SesamyError,
    UnauthorizedError,
    UnreadableResponseError,
)
from sesamy_async.idempotency import StoreUnavailable
from sesamy_async.problems import problem_of


NOT_SENT, REFUSED = Outcome.NOT_SENT, Outcome.REFUSED
UNKNOWN, APPLIED = Outcome.UNKNOWN, Outcome.APPLIED
AGAIN: dict[str, Any] = {"retryable": True}


def told(error: SesamyError, **facts: Any) -> SesamyError:
    """Return an error with what a call adds to it."""
    for name, value in facts.items():
        setattr(error, name, value)
    return error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidRequestError("x"), 422),
        (OrderMismatchError("x"), 422),
        (BadRequestError("x"), 422),
        (NotFoundError("x"), 422),
        (ConfigurationError("x"), 502),
        (AuthenticationError("x"), 502),
        (UnauthorizedError("x"), 502),
        (PermissionDeniedError("x"), 502),
        (ConflictError("x"), 502),
        (APIError("x"), 502),
        (SesamyError("x"), 502),
        (ConnectionFailedError("x", retryable=False), 502),
        (StoreUnavailable("x", retryable=False), 503),
        (PacerUnavailable("x", retryable=False), 503),
        (PacerUnavailable("x"), 503),
        (StoreUnavailable("x"), 503),
        (ConnectionFailedError("x", retryable=True), 503),
        (DeadlineExceededError("x"), 503),
        (AuthenticationError("x", outcome=NOT_SENT, **AGAIN), 503),
        (RateLimitError("x"), 503),
        (OutcomeUnknownError("x", outcome=UNKNOWN, **AGAIN), 504),
        (ServerError("x", outcome=UNKNOWN, **AGAIN), 504),
        (told(StoreUnavailable("x", outcome=UNKNOWN), resumable=True), 504),
        (told(ServerError("x", outcome=UNKNOWN), resumable=True), 504),
        (DeadlineExceededError("x", outcome=UNKNOWN, **AGAIN), 504),
        (UnreadableResponseError("x", outcome=APPLIED, **AGAIN), 504),
        (OutcomeUnknownError("x", outcome=UNKNOWN), 202),
        (UnreadableResponseError("x"), 202),
        (DeadlineExceededError("x", outcome=UNKNOWN), 202),
        (told(InvalidRequestError("x"), outcome=UNKNOWN), 202),
        (OrderMismatchError("x", outcome=UNKNOWN), 202),
        (told(ServerError("x", outcome=UNKNOWN), resumable=False), 202),
        (told(ServerError("x", outcome=UNKNOWN), step="confirm"), 202),
        (told(NotFoundError("x"), step="confirm", contract_id="c"), 202),
    ],
    ids=lambda value: (
        f"{type(value).__name__}-{value.outcome}"
        if isinstance(value, SesamyError)
        else None
    ),
)
def test_the_status(error: SesamyError, status: int) -> None:
    """The status alone says whether to send it again, and who has to act.

    Retry-After is there if, and only if, sending it again helps.
    """
    problem = problem_of(error)

    assert status == problem.status
    assert error.retryable is ("Retry-After" in problem.headers)
    assert (status in {503, 504}) or not error.retryable
    assert problem.retryable is error.retryable


@pytest.mark.parametrize(
    ("asked", "header"), [(None, "5"), (0.0, "1"), (7.2, "8"), (77, "77")]
)
def test_retry_after(asked: float | None, header: str) -> None:
    """It is what Sesamy asks for, in whole seconds, and at least one."""
    for error in (
        RateLimitError("x", retry_after=asked),
        AuthenticationError("x", outcome=NOT_SENT, retry_after=asked, **AGAIN),
    ):
        assert {"Retry-After": header} == problem_of(error).headers


def test_the_body() -> None:
    """It has the members of RFC 9457, and what is known of the order."""
    error = BadRequestError("text", code="validation_error")
    told(error, external_order_id="A-1", contract_id="c-1")
    body = problem_of(error).to_dict()

    assert {
        "type": "about:blank",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "It was not done. Correct the request before you send it "
        "again.",
        "outcome": "REFUSED",
        "retryable": False,
        "external_order_id": "A-1",
        "contract_id": "c-1",
        "code": "validation_error",
    } == json.loads(json.dumps(body))


def test_the_wrong_fields() -> None:
    """They are named, and what is not known is left out."""
    error = InvalidRequestError("x", problems=("quantity: expected int",))
    body = problem_of(error).to_dict()

    assert ["quantity: expected int"] == body["problems"]
    assert {"external_order_id", "contract_id", "code"}.isdisjoint(body)


@pytest.mark.parametrize(
    ("error", "problems"),
    [
        (
            BadRequestError("x", details={"field": "userData.email"}),
            ["userData.email: Sesamy refused it"],
        ),
        (BadRequestError("x", details={"field": "Kim Berg"}), None),
        (BadRequestError("x"), None),
        (
            told(NotFoundError("x"), operation="contracts.onboard"),
            ["promo_code: Sesamy does not know it for this vendor"],
        ),
        (told(NotFoundError("x"), operation="contracts.confirm"), None),
        (
            told(
                NotFoundError("x"),
                operation="contracts.onboard",
                step="confirm",
            ),
            None,
        ),
    ],
)
def test_what_sesamy_refused(
    error: SesamyError, problems: list[str] | None
) -> None:
    """The field is named if it is one, or the promo code."""
    assert problems == problem_of(error).to_dict().get("problems")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OrderMismatchError("x"), "Use a new id for a different order"),
        (
            told(ServerError("x", outcome=UNKNOWN), step="confirm"),
            "somebody has to confirm the contract",
        ),
        (StoreUnavailable("x", retryable=False), "Tell the operator"),
        (StoreUnavailable("x"), "Send the same request again"),
        (OutcomeUnknownError("x", outcome=UNKNOWN), "Do not send it again"),
    ],
)
def test_the_advice(error: SesamyError, words: str) -> None:
    """It fits the error more closely than the status does."""
    assert words in problem_of(error).detail


def test_the_text_of_an_error_is_not_for_callers() -> None:
    """It may name hosts and settings, so the answer does not repeat it."""
    error = ConfigurationError("proxy http://10.0.0.1 is down")

    assert "10.0.0.1" not in str(problem_of(error).to_dict())
