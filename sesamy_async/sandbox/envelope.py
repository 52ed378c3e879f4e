"""The answers that carry JSON, and Sesamy's envelope of errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from .exchange import Answer


_CODES = {
    400: "validation_error",
    401: "authentication_required",
    403: "insufficient_permissions",
    404: "resource_not_found",
    422: "validation_error",
    429: "rate_limit_exceeded",
    500: "internal_error",
    503: "service_unavailable",
}
_JSON = {"Content-Type": "application/json"}


def json_answer(
    status: int, content: Any, headers: Mapping[str, str] | None = None
) -> Answer:
    """Return an answer with a JSON body."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return Answer(
        status=status,
        headers={**_JSON, **headers} if headers else _JSON,
        body=body,
    )


def error_code(status: int) -> str:
    """Return Sesamy's code for a status, or one made of its name."""
    known = _CODES.get(status)
    if known is not None:
        return known
    try:
        return HTTPStatus(status).phrase.lower().replace(" ", "_")
    except ValueError:
        return "unknown_error"


def error_answer(
    status: int,
    message: str,
    request_id: str,
    *,
    details: Mapping[str, str] | None = None,
    retry_after: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Return an error in Sesamy's envelope."""
    error: dict[str, Any] = {"code": error_code(status), "message": message}
    if details is not None:
        error["details"] = details
    error["request_id"] = request_id
    if retry_after is not None:
        error["retry_after"] = retry_after
    return json_answer(status, {"error": error}, headers)
