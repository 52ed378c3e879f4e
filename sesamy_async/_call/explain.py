"""Turn a response that is no success, or a failure, into an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, TypeGuard, cast

from sesamy_async._headers import (
    REDIRECT,
    SERVER_ERROR,
    SUCCESS,
    TOO_MANY,
    Headers,
    as_request_id,
    rate_numbers,
    request_id_of,
    seconds,
)
from sesamy_async._outcome import (
    Failure,
    FailureKind,
    Outcome,
    outcome_of_failure,
    outcome_of_status,
)
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

from .call import Call, Response
from .redact import LEFT_OUT, presentable, redact, redact_id


LARGEST_ERROR = 65_536
"""The bytes of an error response that are read, decompressed."""

_LONGEST_WAIT = 366 * 86_400.0

# The start of a JSON object that is not that of an error.
_OWN = re.compile(
    rb"(?:\xef\xbb\xbf)?[ \t\r\n]*\{(?![ \t\r\n]*"
    rb'"(?:errors?|errorMessage|fault|message|success|ok)")'
)
_JSON = re.compile(r"[^;]*[/+]json[ \t]*(?:;|$)", re.IGNORECASE)


def _read_error(response: Response) -> dict[str, Any]:
    """Read ``{"error": {...}}`` or ``{"message": ...}``."""
    if len(response.content) > LARGEST_ERROR:
        return {}
    try:
        outer = _object(response.json())
    except ValueError:
        return {}
    error = outer.get("error")
    flat = {"code": error, "message": outer.get("error_description")}
    return {**flat, **outer, **_object(error)}


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def is_own(headers: Mapping[str, str], start: bytes) -> bool:
    """Whether a success that can't be read is Sesamy's own.

    It is if its body begins (`start`, decompressed) as a JSON object and its
    content type does not contradict.  Any other one may be a gateway's page,
    even with a 200 (``error_page 503 =200``), and proves nothing.
    """
    kind = headers.get("content-type")
    return bool(_OWN.match(start) and (not kind or _JSON.match(kind)))


def _asked_wait(
    headers: Headers, in_body: float | None, wall: float, *, throttled: bool
) -> float | None:
    """Return how many seconds the response asks to wait, if it does.

    The longer of ``retry_after`` in the body and ``Retry-After`` counts.
    ``X-RateLimit-Reset`` (Unix seconds) counts only without both, and only
    with a 429: every response is documented to have it.
    """
    # The response's own Date is preferred: our clock may be wrong.
    now = _http_date(headers.get("date")) or wall
    named = headers.get("retry-after")
    waits = [in_body, seconds(named), _until(_http_date(named), now)]
    if throttled and not any(map(_is_wait, waits)):
        _, _, reset = rate_numbers(headers)
        waits = [_until(reset, now)]
    return max(filter(_is_wait, waits), default=None)


def _until(moment: float | None, now: float) -> float | None:
    return None if moment is None else max(0.0, moment - now)


def _is_wait(wait: float | None) -> TypeGuard[float]:
    """Whether it is short enough to be no Unix time or milliseconds."""
    return wait is not None and wait <= _LONGEST_WAIT


def _http_date(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


def _said(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


SCOPES = (
    "payments:contract:third-party-onboarding (the default) and "
    "paymentsContractThirdPartyOnboarding"
)
"""The scope, as the guide and the developer documentation spell it."""

AUDIENCES = "https://api.sesamy.com or urn:sesamy"
"""The audiences that sources name."""

# The token endpoint may give a token without the scope.
_PERMISSION = (
    "The token may lack the scope; `sesamy token` may show what it has. Check "
    f"scope (SESAMY_SCOPE; spelled {SCOPES}), audience (SESAMY_AUDIENCE; it "
    f"may have to be {AUDIENCES}) and the vendor."
)
_NO_PERMISSION = {"insufficient_scope", "insufficient_permissions"}
# A path or a code, but not a word that is spelled like a name.
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
"""The documented codes: no order can make them personal."""

_HIDDEN = "its message is left out, for it may repeat data of the order"

_ADVICE = {
    400: "Sesamy does not accept the order as it is.",
    401: "The token was not accepted.",
    403: _PERMISSION,
    404: "Check the vendor id, the promo code and the contract id.",
    409: "It may already exist, from an earlier attempt. Check that.",
    422: "Sesamy does not accept the order as it is.",
}


def explain_failure(call: Call, failure: Failure, wall: float) -> SesamyError:
    """Return the error for an attempt without a complete response.

    `wall` is the Unix time now, in seconds.
    """
    outcome = outcome_of_failure(failure)
    if failure.kind is FailureKind.REQUEST and outcome is Outcome.NOT_SENT:
        return InvalidRequestError(failure.detail)
    if failure.kind is FailureKind.DEADLINE:
        return DeadlineExceededError(failure.detail, outcome=outcome)
    if outcome is Outcome.NOT_SENT:
        return ConnectionFailedError(failure.detail, retryable=True)
    status = failure.status_code
    if status in SUCCESS:
        return UnreadableResponseError(
            f"Status {status}, but {failure.detail}",
            outcome=outcome,
            status_code=status,
        )
    if status is not None:
        bare = Response(status_code=status, headers=failure.headers)
        return explain_answer(call, bare, wall)
    return OutcomeUnknownError(failure.detail, outcome=outcome)


def explain_answer(call: Call, response: Response, wall: float) -> APIError:
    """Return the error for a response that is no success.

    `wall` is the Unix time now, in seconds.
    """
    status, headers = response.status_code, response.headers
    body = _read_error(response)
    outcome = outcome_of_status(status)
    throttled = status == TOO_MANY
    documented = _said(body.get("code"))
    said = [
        documented,
        _said(body.get("message")),
        _object(body.get("details")),
    ]
    code, message, details = redact(said, call)
    if documented in _CODES:
        code = documented
    words = message
    if call.order is None:
        code, words = _name(code), None
    wait = None
    if throttled or outcome is Outcome.UNKNOWN:
        in_body = seconds(body.get("retry_after"))
        wait = _asked_wait(headers, in_body, wall, throttled=throttled)
    error = api_error_type(status)(
        _text(status, code, words, details, headers),
        outcome=outcome,
        status_code=status,
        code=code,
        message=message,
        details=details,
        retry_after=wait,
        headers=headers,
        body=response.content,
        repeated=call.order is not None,
    )
    named = as_request_id(body.get("request_id")) or request_id_of(headers)
    error.request_id = redact_id(named, call)
    return error


def field_in(error: APIError) -> str | None:
    """Return the field that Sesamy refused, if that is the name of one."""
    return _name(error.details.get("field"))


def in_our_words(error: APIError) -> str:
    """Return the text of an error without Sesamy's message."""
    return _text(
        error.status_code, error.code, None, error.details, error.headers
    )


def unreadable(
    call: Call, response: Response, why: str, outcome: Outcome | None = None
) -> SesamyError:
    """Return the error for a success whose body is not as expected.

    By default the outcome is `APPLIED` if the response is Sesamy's own, and
    `UNKNOWN` if it may be a gateway's page.
    """
    if outcome is None:
        own = is_own(response.headers, response.content)
        outcome = Outcome.APPLIED if own else Outcome.UNKNOWN
    kind = response.headers.get("content-type")
    shown = "".join(filter(str.isprintable, (kind or "none")[:80]))
    error = UnreadableResponseError(
        f"The response has status {response.status_code}, but {why} "
        f"(content type {shown}, {len(response.content)} bytes).",
        outcome=outcome,
        status_code=response.status_code,
        content_type=kind,
        size=len(response.content),
    )
    error.request_id = request_id_in(call, response.headers)
    return error


def request_id_in(call: Call, headers: Headers) -> str | None:
    """Return the id of the request, unless it repeats what was sent."""
    return redact_id(request_id_of(headers), call)


def contradicted(call: Call, response: Response) -> SesamyError:
    """Return the error for a success whose body reports an error."""
    error = OutcomeUnknownError(
        f"Sesamy answered {response.status_code}, but the body of the "
        "response reports an error.",
        outcome=Outcome.UNKNOWN,
    )
    error.request_id = request_id_in(call, response.headers)
    return error


def lacks_permission(code: str | None, headers: Headers) -> bool:
    """Whether a response says that the token lacks the scope (RFC 6750)."""
    challenge = headers.get("www-authenticate")
    return code in _NO_PERMISSION or (
        challenge is not None and "insufficient_scope" in challenge
    )


def _text(
    status: int,
    code: str | None,
    message: str | None,
    details: dict[str, Any],
    headers: Headers,
) -> str:
    """Return the text of an error.

    Without a message, code and field are left out unless they are names.
    """
    field = details.get("field")
    if message is None:
        code, field = _name(code), _name(field)
    parts = [f"Sesamy answered {status}"]
    parts += [f" ({word})"] if (word := presentable(code)) else []
    words = _HIDDEN if message == LEFT_OUT else presentable(message)
    parts += [f": {words}"] if words else []
    parts += [f" [field {name}]"] if (name := presentable(field)) else []
    text = "".join(parts).rstrip(".") + "."
    return f"{text} {_advice(status, code, headers)}".rstrip()


def _name(value: object) -> str | None:
    named = isinstance(value, str) and _NAME.fullmatch(value)
    return named[0] if named else None


def _advice(status: int, code: str | None, headers: Headers) -> str:
    if status in REDIRECT:
        return "Redirects are not followed. Check base_url."
    if status < SERVER_ERROR and lacks_permission(code, headers):
        return _PERMISSION
    return _ADVICE.get(status, "")
