"""What is sent to Sesamy and what comes back."""

from __future__ import annotations

from .contract import Contract, ContractItem, Discount, Onboarded, PaymentData
from .enums import Gender, PaymentMethod, PaymentProvider
from .order import Address, BusinessDetails, NewContract, User


__all__ = [
    "Address",
    "BusinessDetails",
    "Contract",
    "ContractItem",
    "Discount",
    "Gender",
    "NewContract",
    "Onboarded",
    "PaymentData",
    "PaymentMethod",
    "PaymentProvider",
    "User",
]
