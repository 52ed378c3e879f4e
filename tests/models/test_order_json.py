"""An order is read from the JSON of the guide, whole and unchanged."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest

from sesamy_async._models import (
    Address,
    BusinessDetails,
    Gender,
    NewContract,
    PaymentMethod,
    PaymentProvider,
    User,
)
from sesamy_async._wire import encode_order
from support.order_json import SAMPLE, problems


def test_the_documented_sample_comes_out_byte_for_byte() -> None:
    """Every field of the guide goes through unchanged, in its order."""
    order = NewContract.from_json(SAMPLE)

    assert SAMPLE.encode() == encode_order(order)
    assert order.to_json() == SAMPLE
    assert json.loads(SAMPLE) == order.to_dict()
    assert NewContract.from_json(SAMPLE.encode()) == order
    assert NewContract.from_dict(json.loads(SAMPLE)) == order


def test_the_sample_is_read_into_the_classes() -> None:
    """Nested objects become their classes, known words their enums."""
    order = NewContract.from_json(SAMPLE)

    assert order.payment_provider is PaymentProvider.BILLOGRAM
    assert order.payment_method is PaymentMethod.INVOICE
    assert order.user_data is not None
    assert order.user_data.gender is Gender.FEMALE
    assert order.user_data.address == Address(
        country="SE",
        zip="352 30",
        city="Växjö",
        street='Kungsgatan 1 "B"',
        co="Ærø",
        last_name="Öberg",
        first_name="Åsa",
    )
    assert order.user_data.business_details == BusinessDetails(
        vat_nr="SE556677889901", company_name="Öberg & Co"
    )


@pytest.mark.parametrize("text", ["\ufeff" + SAMPLE, f"\n {SAMPLE} "])
def test_files_of_other_systems_are_read(text: str) -> None:
    """A byte order mark and white space do no harm."""
    assert NewContract.from_json(text) == NewContract.from_json(SAMPLE)
    assert NewContract.from_json(text.encode()).to_json() == SAMPLE


def test_any_mapping_is_read() -> None:
    """The data need not be dicts."""
    user = MappingProxyType({"email": "a@b"})
    data = MappingProxyType({"externalOrderId": "A", "userData": user})

    assert NewContract.from_dict(data).user_data == User(email="a@b")


def test_null_is_not_given() -> None:
    """A null is the same as a field that is missing, but not inside data."""
    order = NewContract.from_json(
        '{"externalOrderId":"A","quantity":null,"ownerData":null,'
        '"userData":{"email":null,"address":null,"extraData":{"a":null}}}'
    )

    assert order == NewContract(
        external_order_id="A", user_data=User(extra_data={"a": None})
    )
    assert problems({"externalOrderId": None}) == (
        "externalOrderId: required",
    )
    assert problems({"externalOrderId": "A", "vendorData": {"a": None}}) == (
        "vendorData.a: expected str, got None",
    )


def test_empty_objects_are_given() -> None:
    """An empty object stays in the body."""
    text = (
        '{"externalOrderId":"A","vendorData":{},"userData":{"address":{},'
        '"businessDetails":{},"extraData":{}},"ownerData":{}}'
    )

    assert text == NewContract.from_json(text).to_json()
