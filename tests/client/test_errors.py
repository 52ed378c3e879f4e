"""What an error says, and what it never says."""

from __future__ import annotations

import copy
import pickle
from typing import Any

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
    PacerUnavailable,
    RateLimitError,
    SesamyError,
    UnreadableResponseError,
)


ALL = [
    value
    for value in (getattr(sesamy_async, name) for name in sesamy_async.__all__)
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


AGAIN = "Nothing was sent, so it can be sent again."
LOOK = "It may or may not have been done; check before sending it again."
HARMLESS = "It may or may not have been done; it is safe to send it again."
DONE = "It was done, but the response can't be read; do not send it again."
DONE_AND_HARMLESS = (
    "It was done, but the response can't be read; it is safe to send it again."
)
FIX = "Sesamy refused it; correct what it names before sending it again."
UNKNOWN: Any = {"outcome": Outcome.UNKNOWN}
REPEATABLE: Any = {**UNKNOWN, "retryable": True}


@pytest.mark.parametrize(
    ("error", "facts", "expected"),
    [
        (ConnectionFailedError, {}, f"NOT_SENT. {AGAIN}"),
        (DeadlineExceededError, {}, f"NOT_SENT. {AGAIN}"),
        (OutcomeUnknownError, UNKNOWN, f"UNKNOWN. {LOOK}"),
        (OutcomeUnknownError, REPEATABLE, f"UNKNOWN. {HARMLESS}"),
        (UnreadableResponseError, {}, f"APPLIED. {DONE}"),
        (
            UnreadableResponseError,
            {"retryable": True},
            f"APPLIED. {DONE_AND_HARMLESS}",
        ),
        (APIError, {}, f"REFUSED. {FIX}"),
        (
            RateLimitError,
            {},
            "REFUSED. Sesamy did not process it; send it again later.",
        ),
        (RateLimitError, UNKNOWN, f"UNKNOWN. {LOOK}"),
        (ConfigurationError, {}, "NOT_SENT. Nothing was sent."),
        # A mistake in a setting, found in the middle of a call.
        (ConfigurationError, UNKNOWN, f"UNKNOWN. {LOOK}"),
        (
            InvalidRequestError,
            {},
            "NOT_SENT. Nothing was sent; correct it and send it again.",
        ),
        (AuthenticationError, {}, "REFUSED."),
        # Lost before a token or a header failed.
        (AuthenticationError, UNKNOWN, f"UNKNOWN. {LOOK}"),
    ],
)
def test_says_what_to_do(error: Any, facts: Any, expected: str) -> None:
    """A message says what happened, the outcome, and what to do next."""
    assert f"It failed. Outcome: {expected}" == str(
        error("It failed.", **facts)
    )


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            {"external_order_id": "o\n1", "contract_id": "c1"},
            r"contracts.x of order 'o\n1': No answer.",
        ),
        ({"contract_id": "c1"}, "contracts.x of contract 'c1': No answer."),
        (
            {"step": "confirm", "contract_id": "c1"},
            "Contract 'c1' was created; continue with contracts.confirm",
        ),
        (
            {"step": "create", "repeatable": True},
            "the order can be onboarded again",
        ),
        ({"step": "create"}, "check before sending it again"),
        (
            {"step": "create", "outcome": Outcome.REFUSED},
            "correct what it names",
        ),
    ],
)
def test_says_of_what(facts: dict[str, Any], expected: str) -> None:
    """A message names operation and order, or else the contract.

    An error of onboard says how to go on from where it stopped.
    """
    error = OutcomeUnknownError("No answer.", outcome=Outcome.UNKNOWN)
    error.operation = "contracts.x"
    for name, value in facts.items():
        setattr(error, name, value)

    assert expected in str(error)


def test_a_late_mistake_hides_no_doubt() -> None:
    """What was lost before the order was found wrong is not forgotten."""
    error = InvalidRequestError("It failed.")
    error.outcome = Outcome.UNKNOWN

    assert str(error).endswith(Outcome.UNKNOWN.advice)


PASSES = (DeadlineExceededError, PacerUnavailable, RateLimitError)


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
