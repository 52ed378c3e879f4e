"""A contract as the ledger keeps it, and as Sesamy shows it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import attrs

from .config import PromoCode


_MONTH = 30 * 24 * 3600


@attrs.frozen(kw_only=True)
class SoldContract:
    """A contract in the ledger.

    Attributes:
        id: 32 hexadecimal digits.
        external_order_id: The order that it was made for.
        vendor_id: The publisher.
        promo_code: What was sold.
        user_id: The same for the same email address.
        payment_method: As sent.
        created_at: Unix seconds.
        confirmed_at: Unix seconds, or None while it gives no access.
        body: What was sent for it; personal, so in no repr.
        confirm_body: What was sent with the last confirm call.

    .. versionadded:: 0.1.0
    """

    id: str
    external_order_id: str
    vendor_id: str
    promo_code: str
    user_id: str
    payment_method: str
    created_at: float
    confirmed_at: float | None = None
    body: bytes = attrs.field(default=b"", repr=False)
    confirm_body: bytes = attrs.field(default=b"", repr=False)

    @property
    def confirmed(self) -> bool:
        """Whether it gives the buyer access."""
        return self.confirmed_at is not None

    @property
    def order(self) -> dict[str, Any]:
        """What was sent for it, as JSON."""
        order: dict[str, Any] = json.loads(self.body)
        return order


def show(contract: SoldContract, promo: PromoCode) -> dict[str, Any]:
    """Return a contract as Sesamy's API shows one.

    It has no externalOrderId: no source shows that one comes back.
    """
    confirmed = contract.confirmed_at
    created = contract.created_at
    return {
        "id": contract.id,
        "name": promo.name,
        "userId": contract.user_id,
        "createdAt": _iso(created),
        "updatedAt": _iso(created if confirmed is None else confirmed),
        "price": promo.price,
        "nextBillAt": _iso(created + _MONTH),
        "nextPrice": promo.price,
        "currency": promo.currency,
        "contractDuration": "RECURRING",
        "items": [
            {
                "sku": promo.sku,
                "name": promo.name,
                "purchaseType": "OTHER",
            }
        ],
        "status": "PENDING" if confirmed is None else "ACTIVE",
        "isActive": confirmed is not None,
        "recurringInterval": "MONTH",
        "recurringTime": 1,
        "willCancelAt": None,
        "cancelRequestedAt": None,
        "paymentData": {
            "method": contract.payment_method,
            "description": "Sold by a third party",
        },
        "appliedDiscounts": [
            {
                "code": contract.promo_code,
                "name": promo.name,
                "description": "",
                "id": f"promo-{promo.sku}",
            }
        ],
    }


def user_id(email: str) -> str:
    """Return the id of a user: one for each address, telling nothing."""
    digest = blake2b(email.lower().encode(errors="replace"), digest_size=16)
    return digest.hexdigest()


def _iso(unix: float) -> str:
    moment = datetime.fromtimestamp(unix, UTC)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"
