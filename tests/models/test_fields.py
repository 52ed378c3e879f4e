"""Each field of an order has its rule."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from enum import Enum, IntEnum, StrEnum
from typing import Any

import attrs
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
from sesamy_async.errors import InvalidRequestError


def problems(cls: Any, **fields: Any) -> tuple[str, ...]:
    """Return the problems of an object with these fields."""
    if cls is NewContract:
        fields = {"external_order_id": "A-1", **fields}
    with pytest.raises(InvalidRequestError) as caught:
        cls(**fields)
    return caught.value.problems


def sent(**fields: Any) -> dict[str, Any]:
    """Return what is sent of a user with these fields."""
    user = User(**fields)
    order = NewContract(external_order_id="A-1", user_data=user)
    data: dict[str, Any] = order.to_dict()["userData"]
    return data


@pytest.mark.parametrize(
    ("enum", "expected"),
    [
        (PaymentProvider, "KLARNA STRIPE BILLOGRAM SESAMY"),
        (PaymentMethod, "BANKGIRO EXTERNAL INVOICE SWISH CARD FREE"),
        (Gender, "male female other"),
    ],
)
def test_values_are_those_of_the_guide(
    enum: type[StrEnum], expected: str
) -> None:
    """They are in its order, and each is a str."""
    assert expected.split() == [str(member) for member in enum]


class Word(str, Enum):  # noqa: UP042 - the older kind of enum
    """An enum of a caller's."""

    KLARNA = "KLARNA"
    VIPPS = "VIPPS"


class Count(IntEnum):
    """Numbers of a caller's."""

    TWO = 2


class Nowhere(tzinfo):
    """A time zone without an offset."""

    def utcoffset(self, when: datetime | None, /) -> None:
        """Return None."""
        del when

    dst = utcoffset
    tzname = utcoffset


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "must be at least 1, got 0"),
        (-5, "must be at least 1, got -5"),
        (-(10**400), "must be at least 1"),
        (2**53, "must be at most 9007199254740991"),
        (True, "must be a whole number such as 1"),
        (1.0, "must be a whole number such as 1"),
        ("1", "must be a whole number such as 1"),
    ],
)
def test_wrong_quantities(value: Any, expected: str) -> None:
    """A quantity is a whole number from 1."""
    assert (f"quantity: {expected}",) == problems(NewContract, quantity=value)


@pytest.mark.parametrize("value", [1, 2**53 - 1, Count.TWO])
def test_right_quantities(value: int) -> None:
    """Any other whole number is sent."""
    order = NewContract(external_order_id="A-1", quantity=value)

    assert f'"quantity":{int(value)}}}' in order.to_json()


@pytest.mark.parametrize(
    "field", ["full_name", "phone", "email", "gender", "birthday"]
)
@pytest.mark.parametrize("value", [5, b"a", ["a"], {}, 1.5, True])
def test_texts_are_str(field: str, value: Any) -> None:
    """No other value is converted."""
    (problem,) = problems(User, **{field: value})

    assert problem.endswith(
        "must be a date such as 1980-12-31"
        if field == "birthday"
        else "must be text, in quotation marks"
    )


@pytest.mark.parametrize("cls", [Address, BusinessDetails])
def test_all_texts_of_the_small_classes_are_checked(cls: Any) -> None:
    """None of their fields is without a rule."""
    names = [field.name for field in attrs.fields(cls)]

    assert len(names) == len(problems(cls, **dict.fromkeys(names, 5)))


@pytest.mark.parametrize(
    ("cls", "field"),
    [
        (NewContract, "external_order_id"),
        (NewContract, "payment_provider"),
        (NewContract, "payment_method"),
        (User, "full_name"),
        (User, "gender"),
        (Address, "zip"),
        (BusinessDetails, "vat_nr"),
    ],
)
def test_a_lone_surrogate_is_no_text(cls: Any, field: str) -> None:
    """UTF-8 can't hold it."""
    (problem,) = problems(cls, **{field: "a\udcff"})

    assert problem.endswith(": has a damaged character; write it again")


@pytest.mark.parametrize(
    "value",
    [
        *("", "a", "@", "a@", "@b", "a@@b", "a@b@c", "a b@c.se", "a@c.se "),
        *("a@c.se\n", "a\x00@c.se", "a@c\x7f.se", "a\xa0@c.se"),
    ],
)
@pytest.mark.parametrize("field", ["email", "invoice_email"])
def test_wrong_emails(field: str, value: str) -> None:
    """An address has one @ with something on both sides."""
    (problem,) = problems(User, **{field: value})

    assert problem.endswith(": must look like name@example.com")


@pytest.mark.parametrize("value", ["a@b", "åsa.öst+1@exämple.se", "'a'@b.c"])
def test_right_emails(value: str) -> None:
    """What is plausible is sent as it is."""
    assert {"email": value} == sent(email=value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *(
            (text, text)
            for text in (
                "1980-12-31",
                "1980-12-31T00:00:00Z",
                "1980-12-31T00:00:00.000+01:00",
                "1980-12-31T00:00+0100",
            )
        ),
        (date(1980, 12, 31), "1980-12-31"),
        (datetime(1980, 12, 31, tzinfo=UTC), "1980-12-31T00:00:00+00:00"),
        (
            datetime(1980, 12, 31, tzinfo=timezone(timedelta(hours=1))),
            "1980-12-31T00:00:00+01:00",
        ),
    ],
)
def test_right_birthdays(value: Any, expected: str) -> None:
    """A text is sent as it is, a date in ISO 8601."""
    assert {"birthday": expected} == sent(birthday=value)


NOT_ISO = "must be a date such as 1980-12-31"
NO_OFFSET = "has a time of day without a time zone"


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (NOT_ISO, ["", "31.12.1980", "19801231", "1980-W01-1", "1980-02-30"]),
        (NOT_ISO, ["1980-12-31\n", "1980-12-31 00:00:00Z", "\ud800"]),
        (NOT_ISO, ["1980-12-3\u0661", "1980-02-28T25:00:00Z"]),
        (NO_OFFSET, ["1980-12-31T00:00:00"]),
        (NO_OFFSET, [datetime(1980, 12, 31)]),  # noqa: DTZ001 - that's the point
        (NO_OFFSET, [datetime(1980, 12, 31, tzinfo=Nowhere())]),
        ("must be a date such as 1980-12-31", [347068800]),
    ],
    ids=range(7),
)
def test_wrong_birthdays(words: str, values: list[Any]) -> None:
    """What is no certain day is refused."""
    for value in values:
        (problem,) = problems(User, birthday=value)

        assert problem.startswith(f"birthday: {words}")


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        ("KLARNA", PaymentProvider.KLARNA),
        (PaymentProvider.KLARNA, PaymentProvider.KLARNA),
        (Word.KLARNA, PaymentProvider.KLARNA),
        (Word.VIPPS, "VIPPS"),
        ("VIPPS", "VIPPS"),
        ("klarna", "klarna"),
    ],
)
def test_a_known_word_becomes_its_enum(
    given_value: Any, expected: Any
) -> None:
    """Any other word is kept as a plain str."""
    order = NewContract(external_order_id="A", payment_provider=given_value)
    again = NewContract.from_json(order.to_json())

    assert type(order.payment_provider) is type(expected)
    assert expected == order.payment_provider
    assert again == order
    assert type(order.to_dict()["paymentProvider"]) is str


def test_the_enum_of_another_field_is_refused() -> None:
    """It is a mistake, though it is a str."""
    found = problems(
        NewContract,
        payment_provider=PaymentMethod.CARD,
        payment_method=Gender.OTHER,
    )

    assert found == (
        "paymentProvider: expected PaymentProvider, got PaymentMethod",
        "paymentMethod: expected PaymentMethod, got Gender",
    )


def cyclic() -> dict[str, Any]:
    """Return an object that contains itself twice."""
    value: dict[str, Any] = {}
    value["a"] = value
    value["b"] = [value]
    return value


def nested(depth: int) -> dict[str, Any]:
    """Return objects inside each other."""
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize("field", ["vendor_data", "provider_data"])
def test_data_of_the_order_holds_only_text(field: str) -> None:
    """The keys and values of vendorData and providerData are str."""
    path = field.replace("_d", "D")
    value = {"a": 1, 2: "b", "\ud800": "c", "d": "\ud800", "": "", "x" * 70: 0}
    found = problems(NewContract, **{field: value})

    assert found == (
        f"{path}.a: must be text, in quotation marks",
        (
            f"{path}.<int>: must be text, in quotation marks "
            "(the name of the field)"
        ),
        (
            f"{path}.'\\ud800': has a damaged character; write it again "
            "(the name of the field)"
        ),
        f"{path}.d: has a damaged character; write it again",
        f"{path}.{'x' * 60!r}: must be text, in quotation marks",
    )


def test_extra_data_is_checked_at_every_depth() -> None:
    """It may hold only what JSON can."""
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
        (
            "extraData.c.<int>: must be text, in quotation marks "
            "(the name of the field)"
        ),
        "extraData.d: expected a JSON type, got date",
        "extraData.e: has a damaged character; write it again",
        "extraData.f: the number is too large",
        (
            "extraData.g.'\\udcff\\n': has a damaged character; write it "
            "again (the name of the field)"
        ),
        "extraData.g.'\\udcff\\n': expected a JSON type, got set",
        "extraData.h: expected a JSON type, got bytes",
    )


def test_extra_data_that_contains_itself_is_refused() -> None:
    """A cycle is found at once, also if there are two ways around."""
    assert problems(User, extra_data=cyclic()) == (
        "extraData.a: contains itself",
        "extraData.b[0]: contains itself",
    )


def test_extra_data_may_share_parts() -> None:
    """An object in two places is no cycle."""
    part = {"x": [1]}

    assert sent(extra_data={"a": part, "b": part}) == {
        "extraData": {"a": {"x": [1]}, "b": {"x": [1]}}
    }


def test_extra_data_has_a_limit_of_depth() -> None:
    """64 objects may be inside each other, but not 65."""
    deepest = nested(64)
    (problem,) = problems(User, extra_data=nested(65))

    assert sent(extra_data=deepest) == {"extraData": deepest}
    assert problem.endswith(".a: nested more than 64 deep")
