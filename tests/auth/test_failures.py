"""A token call that fails is told as what it means for the order."""

from __future__ import annotations

import pytest

from sesamy_async._outcome import Outcome
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


@pytest.mark.parametrize(
    ("error", "kind", "outcome", "retryable"),
    [
        (
            APIError("x", status_code=403, body=b"{}"),
            AuthenticationError,
            Outcome.REFUSED,
            False,
        ),
        (
            ConnectionFailedError("x"),
            ConnectionFailedError,
            Outcome.NOT_SENT,
            True,
        ),
        (
            OutcomeUnknownError("x", outcome=Outcome.UNKNOWN),
            ConnectionFailedError,
            Outcome.NOT_SENT,
            True,
        ),
        (
            DeadlineExceededError("x", outcome=Outcome.UNKNOWN),
            DeadlineExceededError,
            Outcome.NOT_SENT,
            False,
        ),
        (
            UnreadableResponseError("x", status_code=200),
            AuthenticationError,
            Outcome.NOT_SENT,
            True,
        ),
        (
            UnreadableResponseError("x", status_code=200, size=7),
            AuthenticationError,
            Outcome.REFUSED,
            False,
        ),
        (
            InvalidRequestError("x"),
            ConfigurationError,
            Outcome.NOT_SENT,
            False,
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
