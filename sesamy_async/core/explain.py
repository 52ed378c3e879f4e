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

from .answers import (
    asked_wait,
    content_type_of,
    is_own,
    read_error,
    request_id_of,
)
from .call import Call
from .classify import outcome_of_failure, outcome_of_status
from .failure import Failure, FailureKind
from .headers import Headers
from .outcome import Outcome
from .redact import presentable, redact
from .response import Response
from .status import REDIRECT, SERVER_ERROR, SUCCESS, TOO_MANY


SCOPES = (
    "payments:contract:third-party-onboarding (the default) and "
    "paymentsContractThirdPartyOnboarding"
)
"""How the scope is spelt: by S, and by D."""

AUDIENCES = "https://api.sesamy.com or urn:sesamy"
"""The audience, if any is needed: of D, and of W and A."""

# A token can be had without the scope (A): then the order is the first to
# tell.
_PERMISSION = (
    "A token is no proof of its scope, and `sesamy token` may show what it "
    f"has: look at scope (SESAMY_SCOPE; spelt {SCOPES}), at audience "
    f"(SESAMY_AUDIENCE; it may have to be {AUDIENCES}) and at the vendor."
)
_NO_PERMISSION = {"insufficient_scope", "insufficient_permissions"}
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
    403: _PERMISSION,
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
    if failure.status_code in SUCCESS:
        return UnreadableResponseError(
            f"Status {failure.status_code}, but {failure.detail}",
            outcome=outcome,
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
        _text(status, code, words, details, response.headers),
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
    return _text(
        error.status_code, error.code, None, error.details, error.headers
    )


def unreadable(
    call: Call, response: Response, why: str, outcome: Outcome | None = None
) -> SesamyError:
    """Return the error for a success whose body is not what it should be.

    Args:
        call: What was asked.
        response: What was answered.
        why: What is wrong with it.
        outcome: What it means; by default `APPLIED` where it is Sesamy's
            own, and `UNKNOWN` where it may be a gateway's page.
    """
    if outcome is None:
        own = is_own(response.headers, response.content)
        outcome = Outcome.APPLIED if own else Outcome.UNKNOWN
    error = UnreadableResponseError(
        f"The answer has status {response.status_code}, but {why} "
        f"(content type {content_type_of(response.headers)}, "
        f"{len(response.content)} bytes).",
        outcome=outcome,
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


def lacks_permission(code: str | None, headers: Headers) -> bool:
    """Whether an answer says that the token lacks the scope (RFC 6750)."""
    challenge = headers.get("www-authenticate", "")
    return code in _NO_PERMISSION or "insufficient_scope" in challenge


def _text(
    status: int,
    code: str | None,
    message: str | None,
    details: dict[str, Any],
    headers: Headers,
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
    return f"{text} {_advice(status, code, headers)}".rstrip()


def _name(value: object) -> str | None:
    """Return what looks like a name of a program's; else nothing."""
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    return None


def _advice(status: int, code: str | None, headers: Headers) -> str:
    if status in REDIRECT:
        return "Redirects are not followed: look at base_url."
    if status < SERVER_ERROR and lacks_permission(code, headers):
        return _PERMISSION
    return _ADVICE.get(status, "")
