"""Any order, and any JSON, is read by the same rules."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any, TypeVar, cast

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

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
from sesamy_async.errors import InvalidRequestError


T = TypeVar("T")
TEXT = st.text(max_size=8)
WORD = TEXT.filter(str.strip)
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
    ),
    max_leaves=8,
)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)


def maybe(strategy: Any) -> Any:
    """Return the strategy, or None for what is not given."""
    return st.none() | strategy


def built(cls: type[T], **known: Any) -> st.SearchStrategy[T]:
    """Build instances; fields that are not known are texts."""
    names = [field.name for field in attrs.fields(cast("Any", cls))]
    return st.builds(cls, **{it: maybe(known.get(it, TEXT)) for it in names})


USERS = built(
    User,
    email=st.emails(),
    invoice_email=st.emails(),
    gender=st.sampled_from(Gender) | WORD,
    birthday=st.dates()
    | st.datetimes(timezones=OFFSETS)
    | st.dates().map(date.isoformat)
    | st.datetimes(timezones=OFFSETS).map(datetime.isoformat),
    address=built(Address),
    business_details=built(BusinessDetails),
    extra_data=st.dictionaries(TEXT, ANY_JSON, max_size=3),
)
TEXTS = st.dictionaries(TEXT, TEXT, max_size=3)
ORDERS = st.builds(
    NewContract,
    external_order_id=WORD,
    payment_provider=maybe(st.sampled_from(PaymentProvider) | WORD),
    payment_method=maybe(st.sampled_from(PaymentMethod) | WORD),
    quantity=maybe(st.integers(1, 2**53 - 1)),
    vendor_data=maybe(TEXTS),
    provider_data=maybe(TEXTS),
    user_data=maybe(USERS),
    owner_data=maybe(USERS),
)


def wild(depth: int = 3) -> st.SearchStrategy[Any]:
    """Return JSON with Sesamy's names in the wrong and right places."""
    names = st.sampled_from(
        [
            *("externalOrderId", "paymentProvider", "quantity", "vendorData"),
            *("userData", "address", "zip", "email", "birthday", "gender"),
            *("extraData", "other"),
        ]
    )
    leaves = (
        ANY_JSON
        | st.sampled_from([math.nan, "a@b", "1980-01-01", 1, "KLARNA"])
        | st.text(st.characters(codec=None), max_size=4)
    )
    if depth == 0:
        return leaves
    return st.dictionaries(names | TEXT, leaves | wild(depth - 1), max_size=6)


def tried(
    build: Callable[[Any], T], value: Any
) -> tuple[T | None, tuple[str, ...]]:
    """Return what is built, or else what is wrong."""
    try:
        return build(value), ()
    except InvalidRequestError as error:
        return None, error.problems


@settings(max_examples=30)
@given(ORDERS)
def test_every_order_survives_the_round_trip(order: NewContract) -> None:
    """What is sent is read as the same order, which sends the same."""
    content = encode_order(order)
    again = NewContract.from_json(content)

    assert content == encode_order(again)
    assert order.to_dict() == again.to_dict()
    assert json.loads(content) == order.to_dict()
    assert NewContract.from_dict(order.to_dict()) == again


@settings(max_examples=30)
@given(wild())
def test_any_json_is_an_order_or_refused(data: Any) -> None:
    """The check lets nothing through that can't be built and sent."""
    order, found = tried(NewContract.from_dict, data)

    assert (order is None) == bool(found)
    assert order is None or order == NewContract.from_json(encode_order(order))


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from(["email", "phone", "gender"]), wild(1)))
def test_both_ways_find_the_same_problems(fields: dict[str, Any]) -> None:
    """A user is held to the same rules in Python and in JSON."""
    build: Any = User
    user, found = tried(lambda it: build(**it), fields)
    order, found_in_json = tried(
        NewContract.from_dict, {"externalOrderId": "A", "userData": fields}
    )

    assert found_in_json == tuple(f"userData.{it}" for it in found)
    assert order is None or order.user_data == user
