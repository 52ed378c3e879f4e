"""How an order is read: by which names, and with which words."""

from __future__ import annotations

import json
from datetime import date
from enum import StrEnum
from typing import Any, Literal

import attrs
import pytest
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from sesamy_async._models import (
    Address,
    Gender,
    NewContract,
    PaymentMethod,
    User,
    strict_problems,
)
from sesamy_async._payloads import encode_order
from sesamy_async.errors import InvalidRequestError


SAMPLE = (
    '{"externalOrderId":"A-1","paymentProvider":"KLARNA",'
    '"paymentMethod":"INVOICE","userData":{"gender":"other"}}'
)
SNAKE = {
    "external_order_id": "A",
    "payment_method": "CARD",
    "user_data": {
        "full_name": "Kim",
        "birthday": date(1980, 5, 17),
        "address": {"last_name": "Ö", "zip": None},
        "extra_data": {"shoe_size": 43},
    },
    "owner_data": None,
}


def test_names_of_attributes_are_read_by_name() -> None:
    """Also those of inner objects, but not those in a customer's own data."""
    order = NewContract.from_dict(SNAKE, by="name")
    text = json.dumps(SNAKE, default=str)

    assert order == NewContract(
        external_order_id="A",
        payment_method=PaymentMethod.CARD,
        user_data=User(
            full_name="Kim",
            birthday=date(1980, 5, 17),
            address=Address(last_name="Ö"),
            extra_data={"shoe_size": 43},
        ),
    )
    assert order.to_json() == NewContract.from_json(text, by="name").to_json()
    assert order == NewContract.from_dict(attrs.asdict(order), by="name")


def test_by_name_the_problems_have_these_names() -> None:
    """Sesamy's names are not known then."""
    wrong = {"user_data": {"fullName": 1, "address": {"last_name": 5}}}
    with pytest.raises(InvalidRequestError) as caught:
        NewContract.from_dict({**wrong, "external_order_id": "A"}, by="name")

    assert caught.value.external_order_id == "A"
    assert caught.value.problems == (
        "user_data.address.last_name: must be text, in quotation marks",
        "user_data.fullName: unknown field; did you mean full_name?",
    )
    assert 'by="name"' not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"external_order_id": "A"}, True),
        ({"externalOrderId": "A", "userData": {"full_name": "x"}}, False),
        ({"externalOrderId": "A", "userDta": {}}, False),
        ({"externalOrderId": "A", "userData": {"email": "x"}}, False),
    ],
)
def test_an_error_tells_that_names_of_attributes_were_given(
    data: dict[str, Any], told: bool
) -> None:
    """It names what reads them."""
    with pytest.raises(InvalidRequestError) as caught:
        NewContract.from_dict(data)

    text = '. Pass by="name" to read names in snake_case.'
    assert told == caught.value.args[0].endswith(text)


def test_by_is_one_of_two() -> None:
    """Another word is refused."""
    by: Any = "wire"
    with pytest.raises(InvalidRequestError, match='"alias" or "name"'):
        NewContract.from_dict({"externalOrderId": "A"}, by=by)


UNNAMED = (
    '{"externalOrderId":"A-1","paymentProvider":"VIPPS",'
    '"paymentMethod":"card","quantity":1,"userData":{"gender":"x"},'
    '"ownerData":{"gender":"female"}}'
)
UNNAMED_PROBLEMS = (
    "paymentProvider: must be one of KLARNA, STRIPE, BILLOGRAM, SESAMY",
    (
        "paymentMethod: must be one of BANKGIRO, EXTERNAL, INVOICE, SWISH, "
        "CARD, FREE; did you mean CARD?"
    ),
    "userData.gender: must be one of male, female, other",
)


def test_strict_permits_only_the_words_of_the_guide() -> None:
    """By each way to make or send an order, with the same problems."""
    order = NewContract.from_json(UNNAMED)
    data = json.loads(UNNAMED)
    for read in (
        lambda: NewContract.from_json(UNNAMED, strict=True),
        lambda: NewContract.from_dict(data, strict=True),
        lambda: encode_order(order, strict=True),
    ):
        with pytest.raises(InvalidRequestError) as caught:
            read()

        assert caught.value.problems == UNNAMED_PROBLEMS
        assert caught.value.external_order_id == "A-1"
    assert UNNAMED_PROBLEMS == strict_problems(order)


def test_strict_permits_all_words_of_the_guide() -> None:
    """And reports what is wrong otherwise once."""
    order = NewContract.from_json(SAMPLE, strict=True)
    with pytest.raises(InvalidRequestError) as caught:
        NewContract.from_dict(
            {"externalOrderId": "A", "paymentMethod": 5}, strict=True
        )

    assert SAMPLE.encode() == encode_order(order, strict=True)
    assert caught.value.problems == (
        "paymentMethod: must be text, in quotation marks",
    )


class Word(StrEnum):
    """A caller's own enum, with names unlike its values."""

    card = "CARD"


class Alias(BaseModel):
    """How a model of a caller's own gets Sesamy's names."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Person(Alias):
    """A caller's own payer."""

    full_name: str
    birthday: date
    gender: Gender | None = None


class Sale(Alias):
    """A caller's own order."""

    external_order_id: str
    payment_method: Word
    user_data: Person
    owner_data: Person | None = None


@pytest.mark.parametrize("mode", ["python", "json"])
def test_what_pydantic_dumps_is_an_order(
    mode: Literal["python", "json"],
) -> None:
    """By both kinds of names; enums, dates and None are understood."""
    sale = Sale(
        external_order_id="A",
        payment_method=Word.card,
        user_data=Person(
            full_name="Kim", birthday=date(1980, 5, 17), gender=Gender.OTHER
        ),
    )
    named = NewContract.from_dict(sale.model_dump(mode=mode), by="name")
    aliased = NewContract.from_dict(
        sale.model_dump(mode=mode, by_alias=True), strict=True
    )
    text = sale.model_dump_json()

    assert named == aliased
    assert named.to_json() == NewContract.from_json(text, by="name").to_json()
    assert named.payment_method is PaymentMethod.CARD
    assert named.to_json() == (
        '{"externalOrderId":"A","paymentMethod":"CARD","userData":'
        '{"fullName":"Kim","gender":"other","birthday":"1980-05-17"}}'
    )
