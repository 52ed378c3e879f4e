"""An order is read from JSON, or every problem is named."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sesamy_async._models import (
    Address,
    BusinessDetails,
    Gender,
    NewContract,
    PaymentMethod,
    User,
)
from sesamy_async._payloads import encode_order
from sesamy_async.errors import InvalidRequestError
from support.orders import ORDERS, tried, wild


SAMPLE = (
    '{"externalOrderId":"TM-2025-000417","paymentProvider":"BILLOGRAM",'
    '"paymentMethod":"INVOICE","quantity":1,'
    '"vendorData":{"säljare":"Växjö 7","kampanj":"vår-12"},'
    '"providerData":{"invoiceRef":"9f/2"},'
    '"userData":{"email":"åsa.öberg@example.se","fullName":"Åsa Öberg",'
    '"phone":"+46 70 174 06 05","invoiceEmail":"faktura@example.se",'
    '"gender":"female","birthday":"1980-05-17T00:00:00.000Z",'
    '"address":{"country":"SE","zip":"352 30","city":"Växjö",'
    '"street":"Kungsgatan 1 \\"B\\"","co":"Ærø","lastName":"Öberg",'
    '"firstName":"Åsa"},'
    '"businessDetails":{"vatNr":"SE556677889901","companyName":"Öberg & Co"},'
    '"extraData":{"crm":{"id":17,"score":0.25,"vip":true,"note":null},'
    '"taggar":["nyhet","😀"]}},'
    '"ownerData":{"email":"bjørn@example.no","fullName":"Bjørn Løvås",'
    '"phone":"+47 22 00 00 00","invoiceEmail":"bjørn@example.no",'
    '"gender":"other","birthday":"2001-02-03",'
    '"address":{"country":"NO","zip":"0150","city":"Oslo",'
    '"street":"Øvre Slottsgate 2","co":"","lastName":"Løvås",'
    '"firstName":"Bjørn"},'
    '"businessDetails":{"vatNr":"NO999","companyName":"Løvås AS"},'
    '"extraData":{}}}'
)


def problems(data: Any) -> tuple[str, ...]:
    """Return the problems of JSON data, the same by both ways to read it."""
    with pytest.raises(InvalidRequestError) as caught:
        NewContract.from_dict(data)
    with pytest.raises(InvalidRequestError) as again:
        NewContract.from_json(json.dumps(data))

    assert caught.value.args == again.value.args
    return caught.value.problems


def refusal(text: Any) -> InvalidRequestError:
    """Return the error of a document that can't be read."""
    with pytest.raises(InvalidRequestError) as caught:
        NewContract.from_json(text)
    return caught.value


def test_the_documented_sample_is_sent_byte_for_byte() -> None:
    """Every field of the guide is unchanged, and in its order."""
    order = NewContract.from_json(SAMPLE)

    assert SAMPLE.encode() == encode_order(order)
    assert SAMPLE == order.to_json()
    assert json.loads(SAMPLE) == order.to_dict()
    assert order == NewContract.from_dict(json.loads(SAMPLE))


def test_nested_objects_become_models() -> None:
    """Known words become enums."""
    order = NewContract.from_json(
        '{"externalOrderId":"A","paymentMethod":"CARD","userData":'
        '{"gender":"female","address":{"zip":"1","lastName":"Ö"},'
        '"businessDetails":{"vatNr":"2"}}}'
    )

    assert order.payment_method is PaymentMethod.CARD
    assert order.user_data == User(
        gender=Gender.FEMALE,
        address=Address(zip="1", last_name="Ö"),
        business_details=BusinessDetails(vat_nr="2"),
    )


@pytest.mark.parametrize("text", ["\ufeff" + SAMPLE, f"\n {SAMPLE} "])
def test_a_byte_order_mark_and_white_space_are_ignored(text: str) -> None:
    """Files of other systems have them."""
    assert NewContract.from_json(text).to_json() == SAMPLE
    assert NewContract.from_json(text.encode()).to_json() == SAMPLE


def test_any_mapping_is_read() -> None:
    """The data need not be dicts."""
    user = MappingProxyType({"email": "a@b"})
    data = MappingProxyType({"externalOrderId": "A", "userData": user})

    assert NewContract.from_dict(data).user_data == User(email="a@b")


def test_null_counts_as_missing() -> None:
    """But not inside of vendorData and extraData."""
    order = NewContract.from_json(
        '{"externalOrderId":"A","quantity":null,"ownerData":null,'
        '"userData":{"email":null,"address":null,"extraData":{"a":null}}}'
    )

    assert order == NewContract(
        external_order_id="A", user_data=User(extra_data={"a": None})
    )
    assert problems({"vendorData": {"a": None}, "externalOrderId": None}) == (
        "externalOrderId: is missing",
        "vendorData.a: must be text, in quotation marks",
    )


def test_empty_objects_are_sent() -> None:
    """Unlike null, they do not count as missing."""
    text = (
        '{"externalOrderId":"A","vendorData":{},"userData":{"address":{},'
        '"businessDetails":{},"extraData":{}},"ownerData":{}}'
    )

    assert text == NewContract.from_json(text).to_json()


def test_all_wrong_fields_are_named_by_their_path() -> None:
    """One error names every wrong field at every level."""
    user = {
        "email": 5,
        "fullName": ["x"],
        "address": {"zip": 12345, "city": "Oslo", "zipcode": "1"},
        "businessDetails": "AB",
        "extraData": [],
    }

    assert problems(
        {
            "paymentProvider": " ",
            "quantity": True,
            "vendorData": {"a": 1},
            "userData": user,
            "ownerData": [user],
            "userDta": {},
            "zzz": 1,
        }
    ) == (
        "externalOrderId: is missing",
        "paymentProvider: must not be blank",
        "quantity: must be a whole number such as 1",
        "vendorData.a: must be text, in quotation marks",
        "userData.email: must be text, in quotation marks",
        "userData.fullName: must be text, in quotation marks",
        "userData.address.zip: must be text, in quotation marks",
        "userData.address.zipcode: unknown field; did you mean zip?",
        "userData.businessDetails: must be a group of fields, in braces { }",
        "userData.extraData: must be a group of fields, in braces { }",
        "ownerData: must be a group of fields, in braces { }",
        "userDta: unknown field; did you mean userData?",
        "zzz: unknown field",
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("external_order_id", "externalOrderId"),
        ("externalorderid", "externalOrderId"),
        ("ExternalOrderID", "externalOrderId"),
        ("owner_data", "ownerData"),
        ("paymentprovider", "paymentProvider"),
        ("quantities", "quantity"),
    ],
)
def test_a_misspelt_name_is_recognised(name: str, expected: str) -> None:
    """The problem has the right name."""
    found = problems({"externalOrderId": "A", name: "x"})

    assert (f"{name}: unknown field; did you mean {expected}?",) == found


def test_a_key_that_is_no_str_is_unknown() -> None:
    """Python data may have other keys than JSON."""
    data: Any = {"externalOrderId": "A", 5: 1}
    with pytest.raises(InvalidRequestError, match="<int>: unknown field"):
        NewContract.from_dict(data)


def test_repeated_keys_are_named() -> None:
    """None of the values is dropped silently."""
    error = refusal(
        '{"externalOrderId":"A","quantity":1,"quantity":2,"quantity":2,'
        '"vendorData":{"x":"1","x":"1"},'
        '"userData":{"email":"a@b","email":"a@b","address":{"zip":"1",'
        '"zip":"2"},"extraData":{"a":[{"b":1,"b":2}]}}}'
    )

    assert error.problems == (
        "vendorData.x: given more than once",
        "userData.address.zip: given more than once",
        "userData.extraData.a[0].b: given more than once",
        "userData.email: given more than once",
        "quantity: given more than once",
    )


@pytest.mark.parametrize("data", [None, [], "x", 5, True, [{"a": 1}]])
def test_an_order_is_an_object(data: Any) -> None:
    """The problem names the type of anything else."""
    kind = "None" if data is None else type(data).__name__

    assert problems(data) == (f"expected an object, got {kind}",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "broken at line 1 column 1: Expecting value"),
        ('{"a": 1,\n  "b" 2}', "broken at line 2 column 7: Expecting ':' "),
        ('{"a": 1', "broken at line 1 column 8: Expecting ',' delimiter"),
        ("{} {}", "broken at line 1 column 4: Extra data"),
        ("\ufeff\ufeff{}", "broken at line 1 column 1: "),
        (b'{"a": "\xf6"}', "not UTF-8 at byte 7"),
        (SAMPLE.encode("utf-16"), "not UTF-8 at byte 0"),
        ("[" * 100_000, "nested too deeply"),
        ('{"quantity": ' + "9" * 5000 + "}", "a number has too many digits"),
        (None, "expected str or bytes, got None"),
        ({}, "expected str or bytes, got dict"),
        (bytearray(b"{}"), "expected str or bytes, got bytearray"),
    ],
    ids=range(12),
)
def test_the_error_of_a_broken_document_has_the_place(
    text: Any, expected: str
) -> None:
    """What is no JSON is an InvalidRequestError."""
    error = refusal(text)
    (problem,) = error.problems

    assert problem.startswith(expected)
    assert error.args[0].startswith(f"JSON has 1 problem: {problem}"[:60])


def test_json_beyond_the_standard_is_refused() -> None:
    """Python's parser reads NaN, which no order may hold."""
    text = '{"externalOrderId":"A","userData":{"extraData":{"a":[NaN,1e999]}}}'

    assert refusal(text).problems == (
        "userData.extraData.a[0]: must be a finite number",
        "userData.extraData.a[1]: must be a finite number",
    )


@pytest.mark.parametrize(("order_id", "named"), [("A-1", "A-1"), ("", None)])
def test_the_error_of_a_document_has_its_order_id(
    order_id: str, named: str | None
) -> None:
    """If the document has a valid one."""
    error = refusal(f'{{"externalOrderId":"{order_id}","quantity":0}}')

    assert error.external_order_id == named


@settings(max_examples=30)
@given(ORDERS)
def test_every_order_survives_the_round_trip(order: NewContract) -> None:
    """What is sent is read as an equal order."""
    content = encode_order(order)
    again = NewContract.from_json(content)

    assert content == encode_order(again)
    assert order.to_dict() == again.to_dict()
    assert json.loads(content) == order.to_dict()
    assert NewContract.from_dict(order.to_dict()) == again


@settings(max_examples=30)
@given(wild())
def test_any_json_is_an_order_or_refused(data: Any) -> None:
    """What passes the check can be built and sent."""
    order, found = tried(NewContract.from_dict, data)

    assert (order is None) == bool(found)
    assert order is None or order == NewContract.from_json(encode_order(order))


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from(["email", "phone", "gender"]), wild(1)))
def test_both_ways_find_the_same_problems(fields: dict[str, Any]) -> None:
    """The rules are the same in Python and in JSON."""
    build: Any = User
    user, found = tried(lambda it: build(**it), fields)
    order, found_in_json = tried(
        NewContract.from_dict, {"externalOrderId": "A", "userData": fields}
    )

    assert found_in_json == tuple(f"userData.{it}" for it in found)
    assert order is None or order.user_data == user
