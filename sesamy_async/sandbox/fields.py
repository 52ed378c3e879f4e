"""Whether the fields of a body have the types that Sesamy documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any, Never, TypeAlias, cast

import attrs


class Kind(Enum):
    """The types of fields."""

    TEXT = "a string"
    COUNT = "a whole number of at least 1"
    TEXTS = "an object whose values are strings"
    ANYTHING = "an object"


Shape: TypeAlias = "Kind | Mapping[str, Shape]"

_TEXT = Kind.TEXT
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
    "extraData": Kind.ANYTHING,
}
ORDER: Mapping[str, Shape] = {
    "externalOrderId": _TEXT,
    "paymentProvider": _TEXT,
    "paymentMethod": _TEXT,
    "quantity": Kind.COUNT,
    "vendorData": Kind.TEXTS,
    "providerData": Kind.TEXTS,
    "userData": _USER,
    "ownerData": _USER,
}
CONFIRMATION: Mapping[str, Shape] = {"providerPaymentData": Kind.TEXTS}


@attrs.frozen
class Problem:
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
) -> Problem | None:
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
            return Problem(path, "required")
    return None


def _wrong_type(value: Any, shape: Shape, path: str) -> Problem | None:
    if isinstance(shape, Kind):
        return None if _is(value, shape) else _must_be(path, shape)
    if not isinstance(value, dict):
        return _must_be(path, Kind.ANYTHING)
    for name, inner in shape.items():
        if name in value:
            below = f"{path}.{name}" if path else name
            problem = _wrong_type(value[name], inner, below)
            if problem is not None:
                return problem
    return None


def _must_be(path: str, kind: Kind) -> Problem:
    return Problem(path, f"must be {kind.value}")


def _is(value: Any, kind: Kind) -> bool:
    match kind:
        case Kind.TEXT:
            return isinstance(value, str)
        case Kind.COUNT:
            return type(value) is int and value >= 1
        case Kind.TEXTS:
            return isinstance(value, dict) and all(
                isinstance(each, str)
                for each in cast("dict[str, Any]", value).values()
            )
        case _:
            return isinstance(value, dict)
