"""The calls that are cancelled."""

from __future__ import annotations

from typing import Any

import attrs

from proof.orders import creating
from support.calling import ORDER, Operation


def create(order_id: str) -> Operation:
    """Make a contract."""
    return creating(order_id)


def onboard(order_id: str) -> Operation:
    """Make a contract and confirm it."""
    order = attrs.evolve(ORDER, external_order_id=order_id)

    def operation(client: Any) -> Any:
        return client.contracts.onboard("SPRING-12", order)

    return operation
