"""What an error says, and what it never says."""

from __future__ import annotations

import copy
import pickle

import pytest

import sesamy_async
from sesamy_async import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    DeadlineExceededError,
    InvalidRequestError,
    Outcome,
    OutcomeUnknownError,
    RateLimitError,
    SesamyError,
    UnreadableResponseError,
)
from support.exchanges import an_api_error


ALL = [
    value
    for value in vars(sesamy_async).values()
    if isinstance(value, type) and issubclass(value, SesamyError)
]


@pytest.mark.parametrize("kind", ALL)
def test_pickled(kind: type[SesamyError]) -> None:
    """Every error crosses a process boundary, or is copied, with its facts."""
    error = kind("It failed.")
    error.outcome = Outcome.UNKNOWN
    error.attempts = 3
    error.external_order_id = "o-1"
    pickled = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    for again in (pickled, copy.copy(error)):
        assert again is not error
        assert kind is type(again)
        assert str(error) == str(again)
        assert (Outcome.UNKNOWN, 3) == (again.outcome, again.attempts)


def test_body_is_not_pickled() -> None:
    """What may be personal stays behind."""
    error = an_api_error(400, b"CANARY", X_Canary="CANARY")

    assert b"CANARY" not in pickle.dumps(error)
    assert isinstance(error, APIError)
    assert b"CANARY" == error.body


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            ConnectionFailedError("No connection."),
            (
                "No connection. Outcome: NOT_SENT. "
                "Nothing was sent, so it can be sent again."
            ),
        ),
        (
            OutcomeUnknownError("No answer.", outcome=Outcome.UNKNOWN),
            (
                "No answer. Outcome: UNKNOWN. It may or may not have been "
                "done; look before sending it again."
            ),
        ),
        (
            UnreadableResponseError("No JSON."),
            (
                "No JSON. Outcome: APPLIED. It was done, but the answer can't "
                "be read; do not send it again."
            ),
        ),
        (
            DeadlineExceededError("Late."),
            (
                "Late. Outcome: NOT_SENT. "
                "Nothing was sent, so it can be sent again."
            ),
        ),
        (
            APIError("Sesamy answered 418."),
            (
                "Sesamy answered 418. Outcome: REFUSED. Sesamy did not do it; "
                "fix what it names before sending it again."
            ),
        ),
        (
            RateLimitError("Sesamy answered 429."),
            (
                "Sesamy answered 429. Outcome: REFUSED. Sesamy did not "
                "process it; send it again later."
            ),
        ),
        (
            RateLimitError("Sesamy answered 429.", outcome=Outcome.UNKNOWN),
            (
                "Sesamy answered 429. Outcome: UNKNOWN. It may or may not "
                "have been done; look before sending it again."
            ),
        ),
        (
            ConfigurationError("base_url is no URL."),
            "base_url is no URL. Outcome: NOT_SENT. Nothing was sent.",
        ),
        (
            InvalidRequestError("quantity: too small."),
            (
                "quantity: too small. Outcome: NOT_SENT. "
                "Nothing was sent; correct it and send it again."
            ),
        ),
        (
            AuthenticationError("Wrong secret."),
            "Wrong secret. Outcome: REFUSED.",
        ),
        (
            # A mistake in a setting, found in the middle of a call.
            ConfigurationError("It waits.", outcome=Outcome.UNKNOWN),
            (
                "It waits. Outcome: UNKNOWN. It may or may not have been "
                "done; look before sending it again."
            ),
        ),
        (
            OutcomeUnknownError(
                "No.", outcome=Outcome.UNKNOWN, retryable=True
            ),
            (
                "No. Outcome: UNKNOWN. It may or may not have been done; it "
                "can be sent again without harm."
            ),
        ),
        (
            OutcomeUnknownError(
                "No.", outcome=Outcome.APPLIED, retryable=True
            ),
            (
                "No. Outcome: APPLIED. It was done, but the answer can't be "
                "read; it can be sent again without harm."
            ),
        ),
    ],
)
def test_says_what_to_do(error: SesamyError, expected: str) -> None:
    """A message says what happened, the outcome, and what to do next."""
    assert expected == str(error)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"external_order_id": "o\n1"}, r"of order 'o\n1': No answer."),
        ({"contract_id": "c1"}, "of contract 'c1': No answer."),
    ],
)
def test_says_of_what(facts: dict[str, str], expected: str) -> None:
    """A message names operation and order, or else the contract."""
    error = OutcomeUnknownError("No answer.", outcome=Outcome.UNKNOWN)
    error.operation = "contracts.x"
    for name, value in facts.items():
        setattr(error, name, value)

    assert str(error).startswith(f"contracts.x {expected}")


@pytest.mark.parametrize(
    ("step", "outcome", "expected"),
    [
        ("confirm", Outcome.UNKNOWN, "Contract 'c1' was made; go on with"),
        ("create", Outcome.UNKNOWN, "the order can be onboarded again"),
        ("create", Outcome.REFUSED, "fix what it names"),
    ],
)
def test_says_where_onboard_stopped(
    step: str, outcome: Outcome, expected: str
) -> None:
    """An error of onboard says how to go on from where it stopped."""
    error = OutcomeUnknownError("No answer.", outcome=outcome)
    error.step = step
    error.contract_id = "c1"

    assert expected in str(error)


@pytest.mark.parametrize("kind", [AuthenticationError, InvalidRequestError])
def test_late_refusal_hides_no_doubt(kind: type[SesamyError]) -> None:
    """What was lost before a token or a header failed is not forgotten."""
    error = kind("It failed.")
    error.outcome = Outcome.UNKNOWN
    error.external_order_id = "o1"

    assert str(error).endswith(Outcome.UNKNOWN.advice)


PASSES = (DeadlineExceededError, RateLimitError)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("repeatable", [True, False])
def test_retryable(
    kind: type[SesamyError], outcome: Outcome, repeatable: bool
) -> None:
    """After doubt the call decides, otherwise the kind of error.

    At the confirm of `onboard`, nothing does: there is a contract already.
    """
    error = kind("It failed.")
    error.outcome = outcome
    error.repeatable = repeatable
    expected = kind in PASSES if outcome.nothing_done else repeatable

    assert expected is error.retryable

    error.step = "confirm"

    assert not error.retryable
