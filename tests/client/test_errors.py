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
    """Every error crosses a process boundary with its facts."""
    error = kind("It failed.")
    error.outcome = Outcome.UNKNOWN
    error.attempts = 3
    error.external_order_id = "o-1"
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own

    assert kind is type(again)
    assert str(error) == str(again)
    assert (Outcome.UNKNOWN, 3) == (again.outcome, again.attempts)


def test_body_is_not_pickled() -> None:
    """What may be personal stays behind."""
    error = an_api_error(400, b"CANARY", X_Canary="CANARY")

    assert b"CANARY" not in pickle.dumps(error)
    assert isinstance(error, APIError)
    assert b"CANARY" == error.body


def test_copied() -> None:
    """A copy of an error is an error of its own."""
    error = an_api_error(429, Retry_After="3")
    again = copy.copy(error)

    assert str(error) == str(again)
    assert again is not error


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
    ],
)
def test_says_what_to_do(error: SesamyError, expected: str) -> None:
    """A message says what happened, the outcome, and what to do next."""
    assert expected == str(error)


def test_says_to_which_order() -> None:
    """A message names the operation and the order."""
    error = OutcomeUnknownError("No answer.", outcome=Outcome.UNKNOWN)
    error.operation = "contracts.create"
    error.external_order_id = "o\n1"

    assert str(error).startswith(
        r"contracts.create of order 'o\n1': No answer."
    )


def test_says_which_contract() -> None:
    """Where there is no order, the contract is named."""
    error = OutcomeUnknownError("No answer.", outcome=Outcome.UNKNOWN)
    error.operation = "contracts.confirm"
    error.contract_id = "c1"

    assert str(error).startswith("contracts.confirm of contract 'c1': No")


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


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.APPLIED])
def test_harmless(outcome: Outcome) -> None:
    """What can be repeated is not said to need a look, or to be over."""
    error = OutcomeUnknownError("No answer.", outcome=outcome, retryable=True)

    assert str(error).endswith("it can be sent again without harm.")


def test_configuration_of_unknown_outcome() -> None:
    """A mistake in a setting does not hide that it may have been done."""
    error = ConfigurationError("No loop.", outcome=Outcome.UNKNOWN)

    assert str(error).endswith(Outcome.UNKNOWN.advice)


def test_configuration_after_sending() -> None:
    """A mistake found in the middle of a call says what became of it."""
    error = ConfigurationError("It waits.", outcome=Outcome.UNKNOWN)
    error.attempts = 1

    assert "look before sending it again" in str(error)
