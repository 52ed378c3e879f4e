"""The JSON Schema of an order says what is read, and nothing else."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sesamy_async import Address, NewContract, PaymentMethod, User
from support.orders import ORDERS, tried, wild


SCHEMA = NewContract.json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
STRICT = Draft202012Validator(NewContract.json_schema(strict=True))
SAMPLE: dict[str, Any] = {
    "externalOrderId": "A-1",
    "paymentProvider": "VIPPS",
    "quantity": 1,
    "vendorData": {"a": "b"},
    "userData": {
        "email": "åsa@example.se",
        "gender": None,
        "birthday": "1980-05-17T00:00:00.000Z",
        "address": {"zip": "1"},
        "extraData": {"a": [1, {"b": None}]},
    },
}


def objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schema of an object with known fields, and those within."""
    if "properties" in schema:
        yield schema
        for each in schema["properties"].values():
            yield from objects(each)


def beyond_a_schema(data: Any) -> bool:
    """Whether an order is refused for what JSON Schema can't say."""
    if isinstance(data, dict):
        return any(map(beyond_a_schema, [*data, *data.values()]))
    if isinstance(data, list):
        return any(map(beyond_a_schema, data))
    if isinstance(data, float):  # 1.0 is an integer there.
        return data.is_integer() or not math.isfinite(data)
    # A "$" is found before a last newline, too.
    text = data if isinstance(data, str) else ""
    return text.endswith("\n") or any(
        "\ud800" <= it <= "\udfff" for it in text
    )


def test_the_schema_is_one() -> None:
    """Both forms of it are valid."""
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator.check_schema(NewContract.json_schema(strict=True))


def test_every_field_has_a_type_and_a_description() -> None:
    """The words are those of the docstrings, without Python's names."""
    found = [*objects(SCHEMA)]

    assert len(found) == 7
    for each in found:
        assert each["additionalProperties"] is False
        for field in each["properties"].values():
            assert field["type"]
            assert field["description"].endswith(".")
            assert "`" not in field["description"]
    assert SCHEMA["required"] == ["externalOrderId"]


@settings(max_examples=50)
@given(ORDERS)
def test_every_order_is_valid(order: NewContract) -> None:
    """What is sent is what the schema permits."""
    assert VALIDATOR.is_valid(json.loads(order.to_json()))


@settings(max_examples=100)
@given(wild() | st.builds(lambda more: {**SAMPLE, **more}, wild(1)))
def test_it_permits_what_is_read(data: Any) -> None:
    """And refuses what is refused, as far as a schema can say it."""
    _, problems = tried(NewContract.from_dict, data)
    valid = VALIDATOR.is_valid(data)

    assert valid or problems
    assert not valid or not problems or beyond_a_schema(data)


@pytest.mark.parametrize(
    "wrong",
    [
        {"externalOrderId": None},
        {"externalOrderId": " "},
        {"paymentMethod": ""},
        {"quantity": 0},
        {"quantity": 2**53},
        {"quantity": True},
        {"vendorData": {"a": None}},
        {"external_order_id": "A"},
        {"userData": {"email": "åsa"}},
        {"userData": {"birthday": "19800517"}},
        {"userData": {"birthday": "1980-05-17T10:00"}},
        {"userData": {"address": {"zipcode": "1"}}},
        {"userData": {"extraData": []}},
        {"ownerData": "x"},
    ],
    ids=str,
)
def test_what_is_wrong_is_invalid(wrong: dict[str, Any]) -> None:
    """Each is refused by both."""
    assert VALIDATOR.is_valid(SAMPLE)
    assert not tried(NewContract.from_dict, SAMPLE)[1]
    assert not VALIDATOR.is_valid({**SAMPLE, **wrong})
    assert tried(NewContract.from_dict, {**SAMPLE, **wrong})[1]


def test_strict_permits_the_known_words_only() -> None:
    """Else they are examples."""
    method = SCHEMA["properties"]["paymentMethod"]
    known = {**SAMPLE, "paymentProvider": "KLARNA"}

    assert method["examples"] == [*PaymentMethod]
    assert STRICT.is_valid({**known, "userData": {"gender": None}})
    assert not STRICT.is_valid(SAMPLE)
    assert not STRICT.is_valid({**known, "userData": {"gender": "m"}})


def test_a_schema_is_the_callers_own() -> None:
    """To change one changes no other."""
    schema = NewContract.json_schema()
    schema["properties"]["vendorData"]["additionalProperties"]["x"] = 1
    schema["properties"]["quantity"]["examples"].append(2)

    assert NewContract.json_schema() == SCHEMA


def test_a_subclass_has_the_same_fields() -> None:
    """Also if its docstring says nothing of them."""

    class Mine(NewContract):
        """A caller's own."""

    assert Mine.json_schema() == {**SCHEMA, "title": "Mine"}


def test_it_can_be_a_part_of_an_openapi_document() -> None:
    """It refers to nothing."""
    content = {"application/json": {"schema": SCHEMA}}
    app = FastAPI()

    @app.post("/", openapi_extra={"requestBody": {"content": content}})
    def sell() -> None: ...

    body = app.openapi()["paths"]["/"]["post"]["requestBody"]
    assert body["content"] == content
    assert "$ref" not in json.dumps(SCHEMA)


def test_without_docstrings_there_are_no_descriptions() -> None:
    """``python -OO`` has none; all else stays."""
    code = (
        "import json; from sesamy_async import NewContract; "
        "print(json.dumps(NewContract.json_schema()))"
    )
    out = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-OO", "-c", code], check=True, capture_output=True
    ).stdout
    schema = json.loads(out)

    assert "description" not in json.dumps(schema)
    assert schema["properties"].keys() == SCHEMA["properties"].keys()


def test_an_order_of_models_is_valid() -> None:
    """A member of an enum is its word."""
    order = NewContract(
        external_order_id="A",
        payment_method=PaymentMethod.CARD,
        user_data=User(address=Address(zip="1")),
    )

    assert STRICT.is_valid(order.to_dict())
