"""What is sent to Sesamy: an order, with the guide's fields in its order."""

# Without `from __future__ import annotations`, which would cost 2 ms in the
# first call of a process: cattrs would have to evaluate each annotation.

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal, Self

import attrs

from sesamy_async._call import dumps, guarded

from .fields import (
    BIRTHDAY,
    EMAIL,
    ID,
    JSON_OBJECT,
    QUANTITY,
    TEXT,
    TEXTS,
    Gender,
    PaymentMethod,
    PaymentProvider,
    choice,
    nested,
)
from .json import CONVERTER, checked, parse, read_data, refusal, show_given


@checked
@attrs.frozen(kw_only=True, repr=False)
class Address:
    """The postal address of a user; fields that are None are not sent.

    Attributes:
        country: The country.
        zip: The postal code.
        city: The city.
        street: The street and number.
        co: Care of.
        last_name: The last name, ``lastName``.
        first_name: The first name, ``firstName``.

    Raises:
        InvalidRequestError: A value is of the wrong type.
    """

    country: str | None = attrs.field(default=None, metadata=TEXT)
    zip: str | None = attrs.field(default=None, metadata=TEXT)
    city: str | None = attrs.field(default=None, metadata=TEXT)
    street: str | None = attrs.field(default=None, metadata=TEXT)
    co: str | None = attrs.field(default=None, metadata=TEXT)
    last_name: str | None = attrs.field(default=None, metadata=TEXT)
    first_name: str | None = attrs.field(default=None, metadata=TEXT)

    __repr__ = show_given


@checked
@attrs.frozen(kw_only=True, repr=False)
class BusinessDetails:
    """The business of a user; fields that are None are not sent.

    Attributes:
        vat_nr: The VAT number, ``vatNr``.
        company_name: The company's name, ``companyName``.

    Raises:
        InvalidRequestError: A value is of the wrong type.
    """

    vat_nr: str | None = attrs.field(default=None, metadata=TEXT)
    company_name: str | None = attrs.field(default=None, metadata=TEXT)

    __repr__ = show_given


@checked
@attrs.frozen(kw_only=True, repr=False)
class User:
    """The payer, or the owner of what is bought.

    Fields that are None are not sent.  A gender that Sesamy's guide does not
    name is sent as it is.  The repr shows no values.

    Attributes:
        email: The address that the contract is tied to.
        full_name: The full name, ``fullName``.
        phone: The phone number.
        invoice_email: Where invoices go, ``invoiceEmail``, optional.
        gender: male, female or other.
        birthday: A date, or a time with a UTC offset.  A str in ISO 8601
            is sent exactly as given.
        address: The postal address.
        business_details: The business of the user, ``businessDetails``,
            optional.
        extra_data: A JSON object with anything you want to store for this
            user, ``extraData``.

    Raises:
        InvalidRequestError: The message names every wrong value.
    """

    email: str | None = attrs.field(default=None, metadata=EMAIL)
    full_name: str | None = attrs.field(default=None, metadata=TEXT)
    phone: str | None = attrs.field(default=None, metadata=TEXT)
    invoice_email: str | None = attrs.field(default=None, metadata=EMAIL)
    gender: Gender | str | None = attrs.field(
        default=None, metadata=choice(Gender)
    )
    birthday: date | datetime | str | None = attrs.field(
        default=None, metadata=BIRTHDAY
    )
    address: Address | None = attrs.field(
        default=None, metadata=nested(Address)
    )
    business_details: BusinessDetails | None = attrs.field(
        default=None, metadata=nested(BusinessDetails)
    )
    extra_data: Mapping[str, Any] | None = attrs.field(
        default=None, hash=False, metadata=JSON_OBJECT
    )

    __repr__ = show_given


@checked
@attrs.frozen(kw_only=True)
class NewContract:
    """An order from your system.

    Fields that are None are not sent.  A payment provider or method that
    Sesamy's guide does not name is sent as it is.  Mappings are copied.  The
    repr shows nothing personal.

    Attributes:
        external_order_id: The id of the order in your system,
            ``externalOrderId``.
        payment_provider: KLARNA, STRIPE, BILLOGRAM or SESAMY,
            ``paymentProvider``.
        payment_method: BANKGIRO, EXTERNAL, INVOICE, SWISH, CARD or FREE,
            ``paymentMethod``.
        quantity: The number of items, normally 1.
        vendor_data: Extra vendor data, ``vendorData``, optional.
        provider_data: Extra payment-provider data, ``providerData``,
            optional.
        user_data: The payer, ``userData``.
        owner_data: The owner if that is not the payer, ``ownerData``,
            optional.

    Raises:
        InvalidRequestError: The message names every wrong value.
    """

    external_order_id: str = attrs.field(metadata=ID)
    payment_provider: PaymentProvider | str | None = attrs.field(
        default=None, metadata=choice(PaymentProvider)
    )
    payment_method: PaymentMethod | str | None = attrs.field(
        default=None, metadata=choice(PaymentMethod)
    )
    quantity: int | None = attrs.field(default=None, metadata=QUANTITY)
    vendor_data: Mapping[str, str] | None = attrs.field(
        default=None, repr=False, hash=False, metadata=TEXTS
    )
    provider_data: Mapping[str, str] | None = attrs.field(
        default=None, repr=False, hash=False, metadata=TEXTS
    )
    user_data: User | None = attrs.field(
        default=None, repr=False, metadata=nested(User)
    )
    owner_data: User | None = attrs.field(
        default=None, repr=False, metadata=nested(User)
    )

    @classmethod
    @guarded
    def from_dict(
        cls,
        data: Mapping[str, Any],
        *,
        by: Literal["alias", "name"] = "alias",
        strict: bool = False,
    ) -> Self:
        """Read an order from parsed JSON or a similar mapping.

        A null counts as a missing field.  A birthday may be a date, and a
        str a member of an enum, so ``model_dump()`` of a Pydantic model can
        be read, too.

        Args:
            data: The order.
            by: What its keys are, also in nested objects: ``"alias"`` for
                Sesamy's names (camelCase), ``"name"`` for the names of the
                attributes (snake_case).
            strict: Whether a payment provider, a payment method or a gender
                that Sesamy's guide does not name is an error.

        Raises:
            InvalidRequestError: The message names every field that is
                wrong, missing or unknown by its path.
        """
        return read_data(cls, data, by=by, strict=strict)

    @classmethod
    @guarded
    def from_json(
        cls,
        text: str | bytes,
        *,
        by: Literal["alias", "name"] = "alias",
        strict: bool = False,
    ) -> Self:
        """Read an order from a JSON document.

        Args:
            text: The document; bytes are UTF-8.
            by: As for `from_dict`.
            strict: As for `from_dict`.

        Raises:
            InvalidRequestError: The message names every field that is
                wrong, missing, unknown or repeated by its path, or the
                place where the document is not JSON.
        """
        data, problem = parse(text)
        if problem is not None:
            raise refusal("JSON", (problem,))
        return read_data(cls, data, by=by, strict=strict)

    def to_dict(self) -> dict[str, Any]:
        """Return the order as the JSON data that is sent."""
        data: dict[str, Any] = CONVERTER.unstructure(self)
        return data

    def to_json(self) -> str:
        """Return the order as the JSON document that is sent."""
        return dumps(self.to_dict()).decode()

    @classmethod
    def json_schema(cls, *, strict: bool = False) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of what `from_json` reads.

        It has no ``$ref``, so it can be part of an OpenAPI 3.1 document.

        Args:
            strict: Whether only the payment providers, payment methods and
                genders that Sesamy's guide names are permitted; otherwise
                they are examples.
        """
        # Imported here: no call needs it.
        from .schema import schema_of  # noqa: PLC0415

        return schema_of(cls, strict=strict)
