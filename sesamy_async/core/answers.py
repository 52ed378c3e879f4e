"""What Sesamy says in an error answer: pure, and tolerant of anything."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, TypeGuard, cast

import attrs

from .headers import Headers
from .response import Response


# Visible ASCII, but no address.
_ID = re.compile("[!-?A-~]{1,128}")
_LONGEST_WAIT = 366 * 86_400.0
LARGEST_ERROR = 65_536
"""Bytes of an error answer that are read, decompressed."""

# The beginning of an object that does not begin as an error does.
_OWN = re.compile(
    rb"(?:\xef\xbb\xbf)?[ \t\r\n]*\{(?![ \t\r\n]*"
    rb'"(?:errors?|errorMessage|fault|message|success|ok)")'
)
_JSON = re.compile(r"[^;]*[/+]json[ \t]*(?:;|$)", re.IGNORECASE)


@attrs.frozen(kw_only=True)
class ErrorBody:
    """The error envelope of the API (D), as far as it is there."""

    code: str | None = None
    message: str | None = None
    details: dict[str, Any] = attrs.field(factory=dict[str, Any])
    request_id: str | None = None
    retry_after: float | None = None


def read_error(response: Response) -> ErrorBody:
    """Read ``{"error": {...}}``, ``{"message": ...}``, or nothing."""
    if len(response.content) > LARGEST_ERROR:
        return ErrorBody()
    try:
        data = response.json()
    except ValueError:
        return ErrorBody()
    if not isinstance(data, dict):
        return ErrorBody()
    outer = cast("dict[str, Any]", data)
    inner = outer.get("error")
    if isinstance(inner, dict):
        error = {**outer, **cast("dict[str, Any]", inner)}
    else:
        error = {"code": inner, "message": outer.get("error_description")}
        error = {**error, **outer}
    details = error.get("details")
    return ErrorBody(
        code=_text(error.get("code")),
        message=_text(error.get("message")),
        details=cast("dict[str, Any]", details)
        if isinstance(details, dict)
        else {},
        request_id=_id(error.get("request_id")),
        retry_after=seconds(error.get("retry_after")),
    )


def is_own(headers: Mapping[str, str], start: bytes) -> bool:
    """Whether a success that can't be read is Sesamy's own.

    It is, where it begins as an object of JSON and its content type says
    nothing else.  Any other success may be the page of a gateway that puts
    a 200 on it (``error_page 503 =200``): such a page proves nothing.

    Args:
        headers: Of the answer.
        start: The beginning of its body, decompressed.
    """
    kind = headers.get("content-type", "")
    return bool(_OWN.match(start) and (not kind or _JSON.match(kind)))


def request_id_of(headers: Headers) -> str | None:
    """Return the id that Sesamy or a gateway gave to the request."""
    named = (headers.get("x-request-id"), headers.get("request-id"))
    return next(filter(None, map(_id, named)), None)


def asked_wait(
    headers: Headers, in_body: float | None, wall: float, *, throttled: bool
) -> float | None:
    """Return how many seconds the answer asks to wait, if it does.

    The longer of ``retry_after`` in the body and ``Retry-After`` counts.
    Only where both are missing does ``X-RateLimit-Reset`` (Unix seconds):
    it may mean "until one request is free" or "until all are".  Every
    answer has it (D), so only that of a 429 is one to wait for.

    Args:
        headers: Of the answer.
        in_body: ``retry_after`` of the body, in seconds.
        wall: Unix seconds now; the answer's own Date is preferred, so
            that a wrong clock here does no harm.
        throttled: Whether it is a 429.
    """
    now = _http_date(headers.get("date")) or wall
    named = (in_body, _retry_after(headers.get("retry-after"), now))
    waits = [wait for wait in named if _is_wait(wait)]
    if waits:
        return max(waits)
    if not throttled:
        return None
    reset = seconds(headers.get("x-ratelimit-reset"))
    wait = None if reset is None else max(0.0, reset - now)
    return wait if _is_wait(wait) else None


def seconds(value: object) -> float | None:
    """Return `value` as a plausible number of seconds, or None.

    Unix times are plausible too; infinities, negatives and words aren't.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if number >= 0 and math.isfinite(number) else None


def _retry_after(value: str | None, now: float) -> float | None:
    wait = seconds(value)
    if wait is None and (at := _http_date(value)) is not None:
        wait = max(0.0, at - now)
    return wait


def _is_wait(wait: float | None) -> TypeGuard[float]:
    """Whether it can be one: no Unix time, and none in milliseconds."""
    return wait is not None and wait <= _LONGEST_WAIT


def _http_date(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _id(value: object) -> str | None:
    """Return it if it looks like an id: it stands in every log line."""
    if not isinstance(value, str):
        return None
    return value if _ID.fullmatch(value) else None


def content_type_of(headers: Mapping[str, str]) -> str:
    """Name the content type of an answer for a message."""
    named = headers.get("content-type", "none")[:80]
    return "".join(filter(str.isprintable, named))
