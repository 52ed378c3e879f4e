"""Contracts that come back, as users read them.

Type checkers read it; it is never run.  What must be an error carries a
`type: ignore`, which they refuse where it is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_type

from sesamy_async import (
    Contract,
    ContractItem,
    Discount,
    Onboarded,
    PaymentData,
)


def read(contract: Contract, onboarded: Onboarded) -> None:
    """Use what comes back."""
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
