"""What Sesamy returns.

S promises only an id.  The other fields are from D and T, so each may be
missing; one of an unexpected type is None here, and stays in `Contract.raw`.
"""

# Without `from __future__ import annotations`: see `order.py`.

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from sesamy_async._call import Response

from .json import CONVERTER


if TYPE_CHECKING:
    from decimal import Decimal


@attrs.frozen(kw_only=True)
class ContractItem:
    """One product of a contract.

    Attributes:
        sku: The product's id.
        name: The product's name.
        purchase_option_id: ``purchaseOptionId``.
        purchase_option_name: ``purchaseOptionName``.
        cover: The URL of a picture.
        purchase_type: ``purchaseType``.
    """

    sku: str | None = None
    name: str | None = None
    purchase_option_id: str | None = None
    purchase_option_name: str | None = None
    cover: str | None = attrs.field(default=None, repr=False)
    purchase_type: str | None = None


@attrs.frozen(kw_only=True)
class PaymentData:
    """How a contract is paid.

    Attributes:
        method: Such as ``"CARD"``.
        description: Such as the last digits of a card; not in the repr.
        brand: Such as ``"visa"``.
    """

    method: str | None = None
    description: str | None = attrs.field(default=None, repr=False)
    brand: str | None = None


@attrs.frozen(kw_only=True)
class Discount:
    """A discount of a contract.

    Attributes:
        code: The code that was used.
        name: The name of the discount.
        description: A description.
        id: Its id.
    """

    code: str | None = None
    name: str | None = None
    description: str | None = attrs.field(default=None, repr=False)
    id: str | None = None


@attrs.frozen(kw_only=True)
class Contract:
    """A contract that Sesamy created from an order.

    The repr shows nothing personal.  Equality ignores `raw` and `response`,
    which may differ in each response.

    Attributes:
        id: The id of the contract; the only field that is never missing.
        name: Its name.
        user_id: Sesamy's id of the user.
        created_at: When it was created.
        updated_at: When it was last changed.
        price: In units of `currency`.
        next_bill_at: When the next bill is due.
        next_price: The amount of that bill.
        currency: Such as ``"SEK"``.
        manage_url: Where the user can manage it; personal.
        contract_duration: RECURRING, RENEWABLE, PERPETUAL or another word.
        issues_remaining: Issues left, if it ends after a number of issues.
        items: The products.
        status: Such as ``"ACTIVE"``.
        is_active: Whether it gives access now.
        recurring_interval: DAY, WEEK, MONTH, YEAR or another word.
        recurring_time: How many intervals one period has.
        will_cancel_at: When it will end.
        cancel_requested_at: When the user asked to cancel it.
        expires_at: When the access ends.
        payment_data: How it is paid.
        applied_discounts: The discounts.
        raw: The whole JSON, as received.
        response: The HTTP response that it was read from, with its status,
            headers, `request_id` and `rate`; None if it was not read from
            one, such as a contract that the store of orders knew.  It has
            the bytes of the body, which take less memory than `raw`.

    Times are aware; one without a UTC offset is read as UTC.
    """

    id: str
    name: str | None = None
    user_id: str | None = attrs.field(default=None, repr=False)
    created_at: datetime | None = attrs.field(default=None, repr=False)
    updated_at: datetime | None = attrs.field(default=None, repr=False)
    price: float | None = attrs.field(default=None, repr=False)
    next_bill_at: datetime | None = attrs.field(default=None, repr=False)
    next_price: float | None = attrs.field(default=None, repr=False)
    currency: str | None = attrs.field(default=None, repr=False)
    manage_url: str | None = attrs.field(default=None, repr=False)
    contract_duration: str | None = attrs.field(default=None, repr=False)
    issues_remaining: int | None = attrs.field(default=None, repr=False)
    items: tuple[ContractItem, ...] = attrs.field(default=(), repr=False)
    status: str | None = None
    is_active: bool | None = None
    recurring_interval: str | None = attrs.field(default=None, repr=False)
    recurring_time: float | None = attrs.field(default=None, repr=False)
    will_cancel_at: datetime | None = attrs.field(default=None, repr=False)
    cancel_requested_at: datetime | None = attrs.field(
        default=None, repr=False
    )
    expires_at: datetime | None = attrs.field(default=None, repr=False)
    payment_data: PaymentData | None = attrs.field(default=None, repr=False)
    applied_discounts: tuple[Discount, ...] = attrs.field(
        default=(), repr=False
    )
    raw: Mapping[str, Any] = attrs.field(
        factory=dict[str, Any], repr=False, eq=False
    )
    response: Response | None = attrs.field(default=None, repr=False, eq=False)

    @property
    def price_decimal(self) -> "Decimal | None":
        """`price` as Sesamy wrote it, if that had at most 15 digits."""
        return _decimal(self.price)

    @property
    def next_price_decimal(self) -> "Decimal | None":
        """`next_price` as Sesamy wrote it, if that had at most 15 digits."""
        return _decimal(self.next_price)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON data with Sesamy's names.

        Times are in ISO 8601.  Fields that are None or empty are left out,
        as are `raw` and `response`.
        """
        data: dict[str, Any] = CONVERTER.unstructure(self)
        return {name: data[name] for name in data if data[name] != {}}


def _decimal(number: float | None) -> "Decimal | None":
    # Imported here: no call needs it.
    from decimal import Decimal  # noqa: PLC0415

    # The repr of a float is the shortest number that it may have been read
    # from; two numbers of up to 15 digits never have the same float.
    exact = repr(number) if isinstance(number, float) else number
    return None if exact is None else Decimal(exact)


@attrs.frozen(kw_only=True)
class Onboarded:
    """The result of `contracts.onboard`: one confirmed contract.

    Attributes:
        contract: The confirmed contract.
        strays: How many creates got no response: each may have left an
            unconfirmed contract, which gives no access.
        repeated: Whether the store of orders knew the contract from an
            earlier call.
    """

    contract: Contract
    strays: int = 0
    repeated: bool = False
