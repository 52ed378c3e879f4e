"""The words that the guide names for some fields."""

from __future__ import annotations

from enum import StrEnum


class PaymentProvider(StrEnum):
    """Who handles the payment (S).

    A plain str is accepted as well: Sesamy may know more than these.

    .. versionadded:: 0.1.0
    """

    KLARNA = "KLARNA"
    STRIPE = "STRIPE"
    BILLOGRAM = "BILLOGRAM"
    SESAMY = "SESAMY"


class PaymentMethod(StrEnum):
    """How the payer pays (S).

    A plain str is accepted as well: Sesamy may know more than these.

    .. versionadded:: 0.1.0
    """

    BANKGIRO = "BANKGIRO"
    EXTERNAL = "EXTERNAL"
    INVOICE = "INVOICE"
    SWISH = "SWISH"
    CARD = "CARD"
    FREE = "FREE"


class Gender(StrEnum):
    """The gender of a user (S).

    A plain str is accepted as well: Sesamy may know more than these.

    .. versionadded:: 0.1.0
    """

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
