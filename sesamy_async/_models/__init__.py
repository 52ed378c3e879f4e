"""The payloads of both directions, as attrs classes."""

from __future__ import annotations

from .contract import Contract, ContractItem, Discount, Onboarded, PaymentData
from .fields import (
    BIRTHDAY,
    EMAIL,
    JSON_OBJECT,
    KEY,
    NO_OBJECT,
    QUANTITY,
    TEXT,
    TEXTS,
    Gender,
    PaymentMethod,
    PaymentProvider,
    RepeatedKeys,
    Rule,
    is_array,
    is_mapping,
    is_object,
    name_of,
)
from .json import (
    CONVERTER,
    builder,
    parse,
    refusal,
    ruled_fields,
    strict_problems,
)
from .order import Address, BusinessDetails, NewContract, User


__all__ = [
    "BIRTHDAY",
    "CONVERTER",
    "EMAIL",
    "JSON_OBJECT",
    "KEY",
    "NO_OBJECT",
    "QUANTITY",
    "TEXT",
    "TEXTS",
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
    "RepeatedKeys",
    "Rule",
    "User",
    "builder",
    "is_array",
    "is_mapping",
    "is_object",
    "name_of",
    "parse",
    "refusal",
    "ruled_fields",
    "strict_problems",
]
