"""Requests, responses, routes, and the rules of each field."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Never, TypeAlias
from urllib.parse import parse_qs, unquote

import attrs

from sesamy_async._models import is_object


class Endpoint(StrEnum):
    """The operations of the sandbox."""

    TOKEN = "token"  # noqa: S105 - the name of an operation
    CREATE = "create"
    CONFIRM = "confirm"
    OTHER = "other"
    """Any other path, or a method that the path does not have."""


OPERATIONS = frozenset(Endpoint) - {Endpoint.OTHER}
LIMITED = OPERATIONS - {Endpoint.TOKEN}


class Delivery(StrEnum):
    """How much of a response reaches the client.

    WHOLE is all of it.  With HALF, the connection is closed after the head
    and half the body; with NOTHING, before the first byte.
    """

    WHOLE = "WHOLE"
    HALF = "HALF"
    NOTHING = "NOTHING"


@attrs.frozen(kw_only=True)
class SandboxRequest:
    """A request; its repr hides what may be personal.

    Attributes:
        method: Such as ``"POST"``.
        path: Percent-encoded, without the query.
        query: The raw query string.
        headers: A mapping that ignores the case of names.
        body: The body as received.
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
    """A response; its repr hides what may contain a token.

    Attributes:
        status: The HTTP status.
        headers: The headers without Content-Length.
        body: The whole body.
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
        """The Content-Length of half a response: more than is sent."""
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


def json_answer(
    status: int, content: Any, headers: Mapping[str, str] | None = None
) -> Answer:
    body = json.dumps(content, separators=(",", ":")).encode()
    headers = {**(headers or {}), "Content-Type": "application/json"}
    return Answer(status=status, headers=headers, body=body)


def message_answer(status: int, message: str) -> Answer:
    return json_answer(status, {"message": message})


def wrong_method(*allowed: str) -> Answer:
    said = f"The method must be {' or '.join(allowed)}."
    answer = message_answer(405, said)
    headers = {**answer.headers, "Allow": ", ".join(allowed)}
    return attrs.evolve(answer, headers=headers)


def error_answer(
    status: int, message: str, headers: Mapping[str, str], **more: Any
) -> Answer:
    """Return an error in Sesamy's envelope; the headers have its id."""
    error = {
        "code": _CODES.get(status, "unknown_error"),
        "message": message,
        "request_id": headers["X-Request-Id"],
        **more,
    }
    return json_answer(status, {"error": error}, headers)


def too_many_requests(seconds: int, headers: Mapping[str, str]) -> Answer:
    message = f"Rate limit exceeded; retry after {seconds} seconds."
    return error_answer(429, message, headers, retry_after=seconds)


@attrs.frozen(kw_only=True)
class Route:
    endpoint: Endpoint
    vendor_id: str = ""
    promo_code: str = ""
    contract_id: str = ""
    allowed: str = ""  # The method of the path, if that is wrong.


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
    """Return the route of a request; the path is percent-encoded."""
    for endpoint, (its_method, pattern) in _ROUTES.items():
        if found := pattern.fullmatch(path):
            if method != its_method:
                return Route(endpoint=Endpoint.OTHER, allowed=its_method)
            # Decoded last: an encoded slash must not split a segment.
            names: dict[str, Any] = {
                name: unquote(text) for name, text in found.groupdict().items()
            }
            return Route(endpoint=endpoint, **names)
    return Route(endpoint=Endpoint.OTHER)


def confirms_at_once(query: str) -> bool:
    """Return whether the query of a create asks for access at once."""
    return parse_qs(query).get("confirm", [""])[-1] in {"1", "true"}


Shape: TypeAlias = "str | Mapping[str, Shape]"
"""The words for what a value must be; or the shapes of an object's fields."""

_STRING = "a string"
_COUNT = "a whole number of at least 1"
_OBJECT = "an object"
_STRINGS = "an object whose values are strings"
_FITS: Mapping[str, Callable[[Any], bool]] = {
    _STRING: lambda it: isinstance(it, str),
    _COUNT: lambda it: type(it) is int and it >= 1,
    _OBJECT: lambda it: isinstance(it, dict),
    _STRINGS: lambda it: (
        is_object(it) and all(isinstance(each, str) for each in it.values())
    ),
}


# Not the SDK's table, so that the sandbox can show where the SDK is wrong.
_USER: Mapping[str, Shape] = {
    "email": _STRING,
    "fullName": _STRING,
    "phone": _STRING,
    "invoiceEmail": _STRING,
    "gender": _STRING,
    "birthday": _STRING,
    "address": {
        "country": _STRING,
        "zip": _STRING,
        "city": _STRING,
        "street": _STRING,
        "co": _STRING,
        "lastName": _STRING,
        "firstName": _STRING,
    },
    "businessDetails": {"vatNr": _STRING, "companyName": _STRING},
    "extraData": _OBJECT,
}
ORDER: Mapping[str, Shape] = {
    "externalOrderId": _STRING,
    "paymentProvider": _STRING,
    "paymentMethod": _STRING,
    "quantity": _COUNT,
    "vendorData": _STRINGS,
    "providerData": _STRINGS,
    "userData": _USER,
    "ownerData": _USER,
}
CONFIRMATION: Mapping[str, Shape] = {"providerPaymentData": _STRINGS}


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is not JSON")


def parse(body: bytes) -> Any:
    """Parse JSON strictly, or raise a ValueError."""
    try:
        return json.loads(body, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def wrong_field(
    value: Any, shape: Shape, path: str = ""
) -> tuple[str, str] | None:
    """Return the path of the first field of a wrong type, and the reason.

    Fields that the shape doesn't name may be anything, or missing.
    """
    if isinstance(shape, str):
        fits = _FITS[shape](value)
        return None if fits else (path, f"must be {shape}")
    if not isinstance(value, dict):
        return path, "must be an object"
    problems = (
        wrong_field(value[name], inner, f"{path}.{name}".lstrip("."))
        for name, inner in shape.items()
        if name in value
    )
    return next(filter(None, problems), None)
