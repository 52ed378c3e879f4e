"""The errors, as users handle them.

Type checkers read it; it is never run.  What must be an error has a
`type: ignore`, which they refuse where it is not needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_type

from sesamy_async import (
    APIError,
    AuthenticationError,
    BadRequestError,
    Became,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    DeadlineExceededError,
    Headers,
    InvalidRequestError,
    NotFoundError,
    OrderMismatchError,
    Outcome,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SesamyError,
    UnauthorizedError,
    UnreadableResponseError,
    what_became,
)


def read(error: SesamyError) -> None:
    """Use what every error has."""
    assert_type(error.outcome, Outcome)
    assert_type(error.outcome.nothing_done, bool)
    assert_type(error.outcome.advice, str)
    assert_type(error.retryable, bool)
    assert_type(error.operation, str | None)
    assert_type(error.attempts, int)
    assert_type(error.external_order_id, str | None)
    assert_type(error.request_id, str | None)
    assert_type(error.contract_id, str | None)
    assert_type(error.step, str | None)
    assert_type(error.resumable, bool | None)
    assert_type(error.aside, str)


def mismatched(error: OrderMismatchError) -> None:
    """Use what the store knows of an order with other data."""
    assert_type(error.told_at, float)
    assert_type(error.state, str)


def became(error: BaseException) -> None:
    """Use what an exception knows of an order."""
    found = what_became(error, external_order_id="A-1")
    assert_type(found, Became | None)
    if found is not None:
        assert_type(found.external_order_id, str)
        assert_type(found.step, str)
        assert_type(found.outcome, Outcome)
        assert_type(found.contract_id, str | None)


def advise(error: SesamyError) -> str:
    """Return what to do with the order; all outcomes are covered."""
    match error.outcome:
        case Outcome.NOT_SENT:
            return "send it again"
        case Outcome.REFUSED:
            return "correct it"
        case Outcome.UNKNOWN:
            return "look for it"
        case Outcome.APPLIED:
            return "leave it"


def take(error: ValueError) -> None:
    """Take an error that is a ValueError too."""
    assert_type(error.args, tuple[Any, ...])


def handle(call: Callable[[], object]) -> None:
    """Handle errors of settings, orders, tokens and connections."""
    try:
        call()
    except InvalidRequestError as error:
        assert_type(error.problems, tuple[str, ...])
        take(error)
    except ConfigurationError as error:
        take(error)
    except AuthenticationError as error:
        assert_type(error.error, str | None)
        assert_type(error.error_description, str | None)
        assert_type(error.status_code, int | None)
    except (ConnectionFailedError, OutcomeUnknownError) as error:
        read(error)
    except DeadlineExceededError as error:
        read(error)
    except UnreadableResponseError as error:
        assert_type(error.status_code, int | None)
        assert_type(error.content_type, str | None)
        assert_type(error.size, int | None)


def handle_answers(call: Callable[[], object]) -> None:
    """Handle the errors that Sesamy answers."""
    try:
        call()
    except (
        BadRequestError,
        UnauthorizedError,
        PermissionDeniedError,
    ) as error:
        api_error: APIError = error
    except (NotFoundError, ConflictError) as error:
        api_error = error
    except (RateLimitError, ServerError) as error:
        assert_type(error.retry_after, float | None)
    except APIError as error:
        api_error = error
        assert_type(error.status_code, int)
        assert_type(error.code, str | None)
        assert_type(error.message, str | None)
        assert_type(error.details, dict[str, Any])
        assert_type(error.headers, Headers)
        assert_type(error.body, bytes)
        read(api_error)
