"""What goes wrong, as users tell it apart.

Type checkers read it; it is never run.  What must be an error carries a
`type: ignore`, which they refuse where it is not needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_type

from sesamy_async import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
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
    ServerError,
    SesamyError,
    UnauthorizedError,
    UnreadableResponseError,
)


def look(error: SesamyError) -> None:
    """Use what every error says."""
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
    assert_type(error.aside, str)


def tell_the_order(error: SesamyError) -> str:
    """Tell by outcome what to do with the order; all are covered."""
    match error.outcome:
        case Outcome.NOT_SENT:
            return "send it again"
        case Outcome.REFUSED:
            return "mend it"
        case Outcome.UNKNOWN:
            return "look"
        case Outcome.APPLIED:
            return "leave it"


def tell_our_mistakes(call: Callable[[], object]) -> None:
    """Tell apart what is wrong with settings and orders."""
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


def take(error: ValueError) -> None:
    """Take what is a ValueError too."""
    assert_type(error.args, tuple[Any, ...])


def tell_transport(call: Callable[[], object]) -> None:
    """Tell apart what happens on the way."""
    try:
        call()
    except (ConnectionFailedError, OutcomeUnknownError) as error:
        look(error)
    except DeadlineExceededError as error:
        look(error)
    except UnreadableResponseError as error:
        assert_type(error.status_code, int | None)
        assert_type(error.content_type, str | None)
        assert_type(error.size, int | None)


def tell_answers(call: Callable[[], object]) -> None:
    """Tell apart what Sesamy answers."""
    try:
        call()
    except (BadRequestError, UnauthorizedError, PermissionDeniedError) as e:
        api_error: APIError = e
    except (NotFoundError, ConflictError) as e:
        api_error = e
    except (RateLimitError, ServerError) as e:
        assert_type(e.retry_after, float | None)
    except APIError as e:
        api_error = e
        assert_type(e.status_code, int)
        assert_type(e.code, str | None)
        assert_type(e.message, str | None)
        assert_type(e.details, dict[str, Any])
        assert_type(e.headers, Headers)
        assert_type(e.body, bytes)
        look(api_error)
