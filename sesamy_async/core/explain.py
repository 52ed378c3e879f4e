"""Turn what came back from an attempt into an error that explains it."""

from __future__ import annotations

import re
from typing import Any

from sesamy_async.errors import (
    APIError,
    ConnectionFailedError,
    DeadlineExceededError,
    InvalidRequestError,
    OutcomeUnknownError,
    SesamyError,
    UnreadableResponseError,
    api_error_type,
)

from .answers import asked_wait, content_type_of, read_error, request_id_of
from .call import Call
from .classify import outcome_of_failure, outcome_of_status
from .failure import Failure, FailureKind
from .headers import Headers
from .outcome import Outcome
from .redact import presentable, redact
from .response import Response
from .status import REDIRECT, TOO_MANY


# A path or a code, and no word that is written like a customer's name.
_NAME = re.compile(r"[a-z][A-Za-z0-9_.*\[\]-]{0,63}")
_CODES = frozenset(
    {
        "validation_error",
        "authentication_required",
        "insufficient_permissions",
        "resource_not_found",
        "rate_limit_exceeded",
        "internal_error",
        "service_unavailable",
    }
)
"""Those that are documented (D): no order can make them personal."""

_ADVICE = {
    400: "The order is not as Sesamy wants it.",
    401: "The token was not accepted.",
    403: "Look at the client's scope (SESAMY_SCOPE) and at the vendor.",
    404: "Look at vendor_id, the promo code and the contract id.",
    409: "It may exist already, from an earlier attempt: look.",
    422: "The order is not as Sesamy wants it.",
}


def explain_failure(call: Call, failure: Failure) -> SesamyError:
    """Return the error for an exchange without a complete answer."""
    outcome = outcome_of_failure(failure)
    again = outcome is Outcome.NOT_SENT or call.repeatable
    if failure.kind is FailureKind.REQUEST and outcome is Outcome.NOT_SENT:
        return InvalidRequestError(failure.detail)
    if failure.kind is FailureKind.DEADLINE:
        return DeadlineExceededError(failure.detail, outcome=outcome)
    if outcome is Outcome.NOT_SENT:
        return ConnectionFailedError(failure.detail, retryable=True)
    if outcome is Outcome.APPLIED:
        return UnreadableResponseError(
            f"Status {failure.status_code}, but {failure.detail}",
            retryable=again,
            status_code=failure.status_code,
        )
    if failure.status_code is not None:
        bare = Response(
            status_code=failure.status_code, headers=failure.headers
        )
        return explain_answer(call, bare, wall=0.0)
    return OutcomeUnknownError(
        failure.detail, outcome=outcome, retryable=again
    )


def explain_answer(call: Call, response: Response, wall: float) -> APIError:
    """Return the error for an answer that is no success.

    Args:
        call: What was asked.
        response: What was answered.
        wall: Unix seconds now.
    """
    status = response.status_code
    body = read_error(response)
    outcome = outcome_of_status(status)
    throttled = status == TOO_MANY
    # Side by side, for in a mapping the keys are looked through too.
    said = [
        body.code,
        body.message,
        body.details,
        body.request_id or request_id_of(response.headers),
    ]
    code, message, details, named = redact(said, call)
    if body.code in _CODES:
        code = body.code
    words = message
    if call.order is None:
        code, words = _name(code), None
    error = api_error_type(status)(
        _text(status, code, words, details),
        outcome=outcome,
        retryable=throttled
        or (outcome is Outcome.UNKNOWN and call.repeatable),
        status_code=status,
        code=code,
        message=message,
        details=details,
        retry_after=asked_wait(
            response.headers, body.retry_after, wall, throttled=throttled
        )
        if throttled or outcome is Outcome.UNKNOWN
        else None,
        headers=response.headers,
        body=response.content,
        repeated=call.order is not None,
    )
    error.request_id = named
    return error


def in_our_words(error: APIError) -> str:
    """Return what an error says without Sesamy's words, but for the code."""
    return _text(error.status_code, error.code, None, error.details)


def unreadable(call: Call, response: Response, why: str) -> SesamyError:
    """Return the error for a success whose body is not what it should be."""
    error = UnreadableResponseError(
        f"Sesamy answered {response.status_code}, but {why} "
        f"(content type {content_type_of(response.headers)}, "
        f"{len(response.content)} bytes).",
        retryable=call.repeatable,
        status_code=response.status_code,
        content_type=response.headers.get("content-type"),
        size=len(response.content),
    )
    error.request_id = request_id_in(call, response.headers)
    return error


def request_id_in(call: Call, headers: Headers) -> str | None:
    """Return the id of the request, without what is in the order."""
    named = request_id_of(headers)
    return named if named is None else str(redact(named, call))


def belied(call: Call, response: Response) -> SesamyError:
    """Return the error for a success whose body tells of an error."""
    error = OutcomeUnknownError(
        f"Sesamy answered {response.status_code}, but the body of its answer "
        "tells of an error.",
        outcome=Outcome.UNKNOWN,
        retryable=call.repeatable,
    )
    error.request_id = request_id_in(call, response.headers)
    return error


def _text(
    status: int,
    code: str | None,
    message: str | None,
    details: dict[str, Any],
) -> str:
    """Return the text of an error; without a message, just what is a name.

    Words may be in the code and in the field, too.
    """
    field = details.get("field")
    if message is None:
        code, field = _name(code), _name(field)
    parts = [f"Sesamy answered {status}"]
    parts += [f" ({word})"] if (word := presentable(code)) else []
    parts += [f": {words}"] if (words := presentable(message)) else []
    parts += [f" [field {name}]"] if (name := presentable(field)) else []
    text = "".join(parts).rstrip(".") + "."
    return f"{text} {_advice(status)}".rstrip()


def _name(value: object) -> str | None:
    """Return what looks like a name of a program's; else nothing."""
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    return None


def _advice(status: int) -> str:
    if status in REDIRECT:
        return "Redirects are not followed: look at base_url."
    return _ADVICE.get(status, "")
