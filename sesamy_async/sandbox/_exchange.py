"""Requests, answers, routes, and the rules of each field."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Never, TypeAlias, cast
from urllib.parse import unquote

import attrs


class Endpoint(StrEnum):
    """The operations of the sandbox."""

    TOKEN = "token"  # noqa: S105 - the name of an operation
    CREATE = "create"
    CONFIRM = "confirm"
    OTHER = "other"
    """Any other path, or another method than that of the path."""


OPERATIONS = frozenset(Endpoint) - {Endpoint.OTHER}
"""Those that a fault can strike."""

LIMITED = OPERATIONS - {Endpoint.TOKEN}
"""Those that the rate limit counts."""


class Delivery(StrEnum):
    """How much of an answer reaches the client."""

    WHOLE = "WHOLE"
    """All of it."""

    HALF = "HALF"
    """The head and half the body, then the connection dies."""

    NOTHING = "NOTHING"
    """Not a byte: the connection dies."""


@attrs.frozen(kw_only=True)
class SandboxRequest:
    """A request, as any transport or server can describe it.

    Its repr hides what may be personal.

    Attributes:
        method: ``"POST"``, ``"GET"``, ...
        path: Still percent-encoded, without the query.
        query: The raw query string.
        headers: A mapping that ignores the case of names.
        body: As received.
    """

    method: str
    path: str
    query: str = attrs.field(default="", repr=False)
    headers: Mapping[str, str] = attrs.field(
        factory=dict[str, str], repr=False
    )
    body: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen(kw_only=True)
class Answer:
    """An answer, and what happens to it on its way.

    Its repr hides headers and body, which may hold a token.

    Attributes:
        status: The HTTP status.
        headers: Without Content-Length, which the server adds.
        body: The body of the whole answer.
        delivery: How much of it reaches the client.
        delay: Seconds to wait before it is sent.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(
        factory=dict[str, str], repr=False
    )
    body: bytes = attrs.field(default=b"", repr=False)
    delivery: Delivery = Delivery.WHOLE
    delay: float = 0.0

    @property
    def half(self) -> bytes:
        """The first half of the body."""
        return self.body[: len(self.body) // 2]

    @property
    def promised(self) -> int:
        """The Content-Length of half an answer: more than is sent."""
        return max(1, len(self.body))


_CODES = {
    **{it.value: it.phrase.lower().replace(" ", "_") for it in HTTPStatus},
    400: "validation_error",
    401: "authentication_required",
    403: "insufficient_permissions",
    404: "resource_not_found",
    422: "validation_error",
    429: "rate_limit_exceeded",
    500: "internal_error",
}
_JSON = {"Content-Type": "application/json"}


def json_answer(
    status: int, content: Any, headers: Mapping[str, str] | None = None
) -> Answer:
    """Return an answer with a JSON body."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return Answer(
        status=status, headers={**(headers or {}), **_JSON}, body=body
    )


def error_answer(
    status: int,
    message: str,
    headers: Mapping[str, str],
    *,
    details: Mapping[str, str] | None = None,
    retry_after: int | None = None,
) -> Answer:
    """Return an error in Sesamy's envelope; the headers hold its id."""
    code = _CODES.get(status, "unknown_error")
    error: dict[str, Any] = {"code": code, "message": message}
    if details is not None:
        error["details"] = details
    error["request_id"] = headers["X-Request-Id"]
    if retry_after is not None:
        error["retry_after"] = retry_after
    return json_answer(status, {"error": error}, headers)


@attrs.frozen(kw_only=True)
class Route:
    """Where a request goes, with the decoded names in its path.

    `allowed` is the method of the path; empty where nothing is there.
    """

    endpoint: Endpoint
    allowed: str = ""
    vendor_id: str = ""
    promo_code: str = ""
    contract_id: str = ""


_OFFER = (
    "/payments/vendor/(?P<vendor_id>[^/]*)/promos/code/(?P<promo_code>[^/]*)"
)
_ROUTES = {
    Endpoint.TOKEN: ("POST", re.compile("/oauth/token")),
    Endpoint.CREATE: ("POST", re.compile(_OFFER)),
    Endpoint.CONFIRM: (
        "POST",
        re.compile(f"{_OFFER}/confirm/(?P<contract_id>[^/]*)"),
    ),
}


def find_route(method: str, path: str) -> Route:
    """Return the route of a request; the path is still percent-encoded."""
    for endpoint, (allowed, pattern) in _ROUTES.items():
        if found := pattern.fullmatch(path):
            if method != allowed:
                return Route(endpoint=Endpoint.OTHER, allowed=allowed)
            # Only now: an encoded slash must not split a segment.
            names: dict[str, Any] = {
                name: unquote(text) for name, text in found.groupdict().items()
            }
            return Route(endpoint=endpoint, allowed=allowed, **names)
    return Route(endpoint=Endpoint.OTHER)


def _is_str(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _has_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(
        map(_is_str, cast("dict[str, Any]", value).values())
    )


Shape: TypeAlias = "Callable[[Any], bool] | Mapping[str, Shape]"
_WORDS: Mapping[Callable[[Any], bool], str] = {
    _is_str: "a string",
    _is_count: "a whole number of at least 1",
    _is_object: "an object",
    _has_texts: "an object whose values are strings",
}

# The table is the sandbox's own, so that it can tell where the SDK is wrong.
_USER: Mapping[str, Shape] = {
    "email": _is_str,
    "fullName": _is_str,
    "phone": _is_str,
    "invoiceEmail": _is_str,
    "gender": _is_str,
    "birthday": _is_str,
    "address": {
        "country": _is_str,
        "zip": _is_str,
        "city": _is_str,
        "street": _is_str,
        "co": _is_str,
        "lastName": _is_str,
        "firstName": _is_str,
    },
    "businessDetails": {"vatNr": _is_str, "companyName": _is_str},
    "extraData": _is_object,
}
ORDER: Mapping[str, Shape] = {
    "externalOrderId": _is_str,
    "paymentProvider": _is_str,
    "paymentMethod": _is_str,
    "quantity": _is_count,
    "vendorData": _has_texts,
    "providerData": _has_texts,
    "userData": _USER,
    "ownerData": _USER,
}
CONFIRMATION: Mapping[str, Shape] = {"providerPaymentData": _has_texts}


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is not JSON")


def parse(body: bytes) -> Any:
    """Parse JSON, strictly.

    Raises:
        ValueError: It is not JSON.
    """
    try:
        return json.loads(body, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def wrong_field(
    value: Any, shape: Shape, path: str = ""
) -> tuple[str, str] | None:
    """Return the path of the first field of a wrong type, and the reason.

    Args:
        value: The body; fields that the shape doesn't name may be anything.
        shape: What its fields must be where they are present.
        path: Where the value stands; empty for the whole body.
    """
    if callable(shape):
        return None if shape(value) else (path, f"must be {_WORDS[shape]}")
    if not isinstance(value, dict):
        return path, "must be an object"
    problems = (
        wrong_field(value[name], inner, f"{path}.{name}".lstrip("."))
        for name, inner in shape.items()
        if name in value
    )
    return next(filter(None, problems), None)
