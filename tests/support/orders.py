"""Orders, and JSON that is nearly one, for Hypothesis."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any, TypeVar, cast

import attrs
from hypothesis import strategies as st

from sesamy_async import (
    Address,
    BusinessDetails,
    Gender,
    InvalidRequestError,
    NewContract,
    PaymentMethod,
    PaymentProvider,
    User,
)


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
    """Return the strategy, or None."""
    return st.none() | strategy


def built(cls: type[T], **known: Any) -> st.SearchStrategy[T]:
    """Build instances; unknown fields are texts."""
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
    """Return JSON with Sesamy's names in wrong and right places."""
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
    """Return what is built, and the problems."""
    try:
        return build(value), ()
    except InvalidRequestError as error:
        return None, error.problems
