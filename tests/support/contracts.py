"""Contracts as Sesamy answers them."""

from __future__ import annotations

from typing import Any

from sesamy_async._models import Contract
from sesamy_async._wire import contract_of


FULL: dict[str, Any] = {
    "id": "1d78271264b9c76d5842911dd70b4353",
    "name": "Dagbladet Helg",
    "userId": "auth2|123",
    "createdAt": "2025-01-02T03:04:05.678Z",
    "updatedAt": "2025-01-02T04:04:05+01:00",
    "price": 99.5,
    "nextBillAt": "2025-02-02",
    "nextPrice": 199,
    "currency": "SEK",
    "manageUrl": "https://example.com/manage",
    "contractDuration": "RECURRING",
    "issuesRemaining": 12,
    "items": [
        {
            "sku": "helg",
            "name": "Helg",
            "purchaseOptionId": "o1",
            "purchaseOptionName": "Månad",
            "cover": "https://example.com/a.png",
            "purchaseType": "OWN",
        }
    ],
    "status": "ACTIVE",
    "isActive": True,
    "recurringInterval": "MONTH",
    "recurringTime": 1,
    "willCancelAt": None,
    "cancelRequestedAt": "2025-01-05T00:00:00",
    "expiresAt": "2026-01-02T03:04:05Z",
    "paymentData": {"method": "CARD", "description": "1234", "brand": "visa"},
    "appliedDiscounts": [
        {"code": "VÅR", "name": "Vår", "description": "d", "id": "d1"}
    ],
}


def read(**fields: Any) -> Contract:
    """Return the contract in an answer with these fields."""
    contract = contract_of({"id": "c1", **fields})
    assert contract is not None
    return contract
