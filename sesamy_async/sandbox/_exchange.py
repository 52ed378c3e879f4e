"""Requests and answers, and which endpoint they are for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum, StrEnum
from http import HTTPStatus
from typing import Any, Never, TypeAlias, cast
from urllib.parse import unquote

import attrs


class Delivery(StrEnum):
    """How much of an answer reaches the client."""

    WHOLE = "WHOLE"
    """All of it, as it should be."""

    HALF = "HALF"
    """The head and half the body, then the connection dies."""

    NOTHING = "NOTHING"
    """Not a byte: the connection dies."""


@attrs.frozen(kw_only=True)
class SandboxRequest:
    """A request, as any transport or server can describe it.

    Attributes:
        method: ``"POST"``, ``"GET"``, ...
        path: Still percent-encoded, without the query.
        query: The raw query string; may be personal, so in no repr.
        headers: Names must be found in any case.
        body: As received; personal, so in no repr.
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
    """An answer, and what is to happen to it on its way.

    Attributes:
        status: The HTTP status.
        headers: Without Content-Length, which whoever sends it knows.
        body: What a whole answer carries; may hold a token, so in no repr.
        delivery: How much of it reaches the client.
        delay: Seconds that it waits before it is sent.
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
        """What is sent of the body when half of it is."""
        return self.body[: len(self.body) // 2]

    @property
    def promised(self) -> int:
        """The Content-Length of half an answer: always more than comes."""
        return max(1, len(self.body))


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


class Endpoint(StrEnum):
    """The operations of the sandbox."""

    TOKEN = "token"  # noqa: S105 - the name of an operation
    CREATE = "create"
    CONFIRM = "confirm"
    OTHER = "other"
    """Any other path, or another method than POST."""


@attrs.frozen(kw_only=True)
class Route:
    """Where a request goes.

    Attributes:
        endpoint: The operation.
        known_path: Whether only the method is wrong, if anything is.
        vendor_id: From the path, decoded once.
        promo_code: From the path, decoded once.
        contract_id: From the path, decoded once.
    """

    endpoint: Endpoint
    known_path: bool = True
    vendor_id: str = ""
    promo_code: str = ""
    contract_id: str = ""


_TOKEN = Route(endpoint=Endpoint.TOKEN)
_NOWHERE = Route(endpoint=Endpoint.OTHER, known_path=False)
_WRONG_METHOD = Route(endpoint=Endpoint.OTHER)


def find_route(method: str, path: str) -> Route:
    """Say where a request goes; the path is still percent-encoded."""
    route = _by_path(path)
    if method != "POST" and route.known_path:
        return _WRONG_METHOD
    return route


def _by_path(path: str) -> Route:
    # The encoded slash of a segment must not split it: decode afterwards.
    match path.split("/"):
        case ["", "oauth", "token"]:
            return _TOKEN
        case ["", "payments", "vendor", vendor, "promos", "code", code]:
            return Route(
                endpoint=Endpoint.CREATE,
                vendor_id=unquote(vendor),
                promo_code=unquote(code),
            )
        case [
            "",
            "payments",
            "vendor",
            vendor,
            "promos",
            "code",
            code,
            "confirm",
            contract,
        ]:
            return Route(
                endpoint=Endpoint.CONFIRM,
                vendor_id=unquote(vendor),
                promo_code=unquote(code),
                contract_id=unquote(contract),
            )
        case _:
            return _NOWHERE


class FieldType(Enum):
    """The types of fields."""

    TEXT = "a string"
    COUNT = "a whole number of at least 1"
    TEXTS = "an object whose values are strings"
    ANYTHING = "an object"


Shape: TypeAlias = "FieldType | Mapping[str, Shape]"

_TEXT = FieldType.TEXT
_USER: Mapping[str, Shape] = {
    "email": _TEXT,
    "fullName": _TEXT,
    "phone": _TEXT,
    "invoiceEmail": _TEXT,
    "gender": _TEXT,
    "birthday": _TEXT,
    "address": {
        "country": _TEXT,
        "zip": _TEXT,
        "city": _TEXT,
        "street": _TEXT,
        "co": _TEXT,
        "lastName": _TEXT,
        "firstName": _TEXT,
    },
    "businessDetails": {"vatNr": _TEXT, "companyName": _TEXT},
    "extraData": FieldType.ANYTHING,
}
ORDER: Mapping[str, Shape] = {
    "externalOrderId": _TEXT,
    "paymentProvider": _TEXT,
    "paymentMethod": _TEXT,
    "quantity": FieldType.COUNT,
    "vendorData": FieldType.TEXTS,
    "providerData": FieldType.TEXTS,
    "userData": _USER,
    "ownerData": _USER,
}
CONFIRMATION: Mapping[str, Shape] = {"providerPaymentData": FieldType.TEXTS}


@attrs.frozen
class FieldError:
    """What is wrong with a body.

    Attributes:
        field: Its path, or an empty string for the whole body.
        reason: ``"required"``, or what it must be.
    """

    field: str
    reason: str


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is no JSON")


def parse(body: bytes) -> Any:
    """Parse JSON, strictly.

    Raises:
        ValueError: It is none.
    """
    try:
        return json.loads(body, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def check(
    value: Any, shape: Shape, required: tuple[str, ...] = ()
) -> FieldError | None:
    """Return the first problem of a body, if any.

    Args:
        value: The body.
        shape: What its fields must be where they are present; fields
            that the shape doesn't name may be anything.
        required: Paths of texts that must be present and not empty.
    """
    problem = _wrong_type(value, shape, "")
    if problem is not None:
        return problem
    for path in required:
        found = value
        for name in path.split("."):
            found = found.get(name, {})
        if not found:
            return FieldError(path, "required")
    return None


def _wrong_type(value: Any, shape: Shape, path: str) -> FieldError | None:
    if isinstance(shape, FieldType):
        return None if _is(value, shape) else _must_be(path, shape)
    if not isinstance(value, dict):
        return _must_be(path, FieldType.ANYTHING)
    for name, inner in shape.items():
        if name in value:
            below = f"{path}.{name}" if path else name
            problem = _wrong_type(value[name], inner, below)
            if problem is not None:
                return problem
    return None


def _must_be(path: str, kind: FieldType) -> FieldError:
    return FieldError(path, f"must be {kind.value}")


def _is(value: Any, kind: FieldType) -> bool:
    match kind:
        case FieldType.TEXT:
            return isinstance(value, str)
        case FieldType.COUNT:
            return type(value) is int and value >= 1
        case FieldType.TEXTS:
            return isinstance(value, dict) and all(
                isinstance(each, str)
                for each in cast("dict[str, Any]", value).values()
            )
        case _:
            return isinstance(value, dict)
