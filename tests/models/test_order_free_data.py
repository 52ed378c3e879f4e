"""Free data of an order hold only what JSON can say."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import pytest

from sesamy_async._models import NewContract, User
from support.order_fields import problems, sent


def cyclic() -> dict[str, Any]:
    """Return an object that contains itself, in two ways."""
    value: dict[str, Any] = {}
    value["a"] = value
    value["b"] = [value]
    return value


def nested(depth: int) -> dict[str, Any]:
    """Return so many objects inside each other."""
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize("field", ["vendor_data", "provider_data"])
def test_data_of_the_order_is_text_only(field: str) -> None:
    """Keys and values of vendorData and providerData are str."""
    path = field.replace("_d", "D")
    value = {"a": 1, 2: "b", "\ud800": "c", "d": "\ud800", "": "", "x" * 70: 0}
    found = problems(NewContract, **{field: value})

    assert found == (
        f"{path}.a: expected str, got int",
        f"{path}.<int>: expected str, got int (the key)",
        f"{path}.'\\ud800': has a lone surrogate, which is no text (the key)",
        f"{path}.d: has a lone surrogate, which is no text",
        f"{path}.{'x' * 60!r}: expected str, got int",
    )


def test_extra_data_is_checked_to_the_bottom() -> None:
    """Only what JSON can say goes into extraData."""
    found = problems(
        User,
        extra_data={
            "a": [1, {"b": math.nan}, (math.inf,)],
            "c": {1: None},
            "d": date(1980, 1, 1),
            "e": "\ud800",
            "f": 10**5000,
            "g": {"\udcff\n": {1, 2}},
            "h": b"",
        },
    )

    assert found == (
        "extraData.a[1].b: must be a finite number",
        "extraData.a[2][0]: must be a finite number",
        "extraData.c.<int>: expected str, got int (the key)",
        "extraData.d: expected a JSON type, got date",
        "extraData.e: has a lone surrogate, which is no text",
        "extraData.f: too large a number",
        (
            "extraData.g.'\\udcff\\n': has a lone surrogate, "
            "which is no text (the key)"
        ),
        "extraData.g.'\\udcff\\n': expected a JSON type, got set",
        "extraData.h: expected a JSON type, got bytes",
    )


@pytest.mark.parametrize("value", [[], "{}", 5, [("a", 1)]])
def test_extra_data_is_an_object(value: Any) -> None:
    """Nothing but an object is extraData."""
    (problem,) = problems(User, extra_data=value)

    assert problem.startswith("extraData: expected an object, got ")


def test_extra_data_that_contains_itself_is_refused() -> None:
    """A cycle is found at once, however many ways go around it."""
    assert problems(User, extra_data=cyclic()) == (
        "extraData.a: contains itself",
        "extraData.b[0]: contains itself",
    )


def test_extra_data_may_share_parts() -> None:
    """The same object in two places is no cycle."""
    part = {"x": [1]}

    assert sent(extra_data={"a": part, "b": part}) == {
        "extraData": {"a": {"x": [1]}, "b": {"x": [1]}}
    }


def test_extra_data_has_a_limit_of_depth() -> None:
    """64 objects may stand inside each other, not 65."""
    deepest = nested(64)
    (problem,) = problems(User, extra_data=nested(65))

    assert sent(extra_data=deepest) == {"extraData": deepest}
    assert problem.endswith(".a: nested more than 64 deep")
