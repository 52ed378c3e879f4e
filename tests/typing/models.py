"""The orders that users send, and the contracts that they get.

Type checkers read it; it is never run.  What must be an error has a
`type: ignore`, which they refuse where it is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, assert_type

import attrs

from sesamy_async import (
    Address,
    BusinessDetails,
    Contract,
    ContractItem,
    Discount,
    Gender,
    NewContract,
    Onboarded,
    PaymentData,
    PaymentMethod,
    PaymentProvider,
    RateState,
    Response,
    User,
)


user = User(
    email="aino.virtanen@example.com",
    full_name="Aino Virtanen",
    phone="+358401234567",
    invoice_email="laskut@example.com",
    gender=Gender.FEMALE,
    birthday=date(1980, 12, 31),
    address=Address(
        country="FI",
        zip="00100",
        city="Helsinki",
        street="Mannerheimintie 5",
        co="Virtanen",
        last_name="Virtanen",
        first_name="Aino",
    ),
    business_details=BusinessDetails(
        vat_nr="FI12345678", company_name="Virtanen Oy"
    ),
    extra_data={"since": 2019, "topics": ["talous"], "vip": None},
)
User(gender="female", birthday="1980-12-31")
User(birthday=datetime(1980, 12, 31, tzinfo=UTC))

order = NewContract(
    external_order_id="A-1",
    payment_provider=PaymentProvider.KLARNA,
    payment_method=PaymentMethod.INVOICE,
    quantity=1,
    vendor_data={"campaign": "spring"},
    provider_data={"ocr": "1"},
    user_data=user,
    owner_data=user,
)
NewContract(
    external_order_id="A-2", payment_provider="NEW", payment_method="NEWER"
)
NewContract()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
NewContract("A-1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

assert_type(NewContract.from_json(b"{}"), NewContract)
assert_type(NewContract.from_json("{}"), NewContract)
assert_type(NewContract.from_dict({}), NewContract)
assert_type(NewContract.from_dict({}, by="name", strict=True), NewContract)
assert_type(NewContract.from_json("{}", by="alias"), NewContract)
NewContract.from_dict({}, by="wire")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
assert_type(NewContract.json_schema(strict=True), dict[str, Any])
assert_type(order.to_dict(), dict[str, Any])
assert_type(order.to_json(), str)
assert_type(attrs.evolve(order, quantity=2), NewContract)
assert_type(order.external_order_id, str)
assert_type(order.quantity, int | None)
assert_type(order.payment_method, PaymentMethod | str | None)
assert_type(order.vendor_data, Mapping[str, str] | None)
assert_type(order.user_data, User | None)
order.quantity = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
assert_type(user.birthday, date | datetime | str | None)


def read(contract: Contract, onboarded: Onboarded) -> None:
    """Use what Sesamy returns."""
    assert_type(onboarded.contract, Contract)
    assert_type(onboarded.strays, int)
    assert_type(contract.id, str)
    assert_type(contract.price, float | None)
    assert_type(contract.next_bill_at, datetime | None)
    assert_type(contract.is_active, bool | None)
    assert_type(contract.items, tuple[ContractItem, ...])
    assert_type(contract.applied_discounts, tuple[Discount, ...])
    assert_type(contract.payment_data, PaymentData | None)
    assert_type(contract.raw, Mapping[str, Any])
    assert_type([item.sku for item in contract.items], list[str | None])
    assert_type(contract.price_decimal, Decimal | None)
    assert_type(contract.next_price_decimal, Decimal | None)
    assert_type(contract.to_dict(), dict[str, Any])
    assert_type(contract.response, Response | None)
    if contract.response is not None:
        assert_type(contract.response.request_id, str | None)
        assert_type(contract.response.rate, RateState | None)


def left(rate: RateState) -> None:
    """Use what is known of the rate limit."""
    assert_type(rate.limit, int | None)
    assert_type(rate.remaining, int | None)
    assert_type(rate.reset_at, datetime | None)
