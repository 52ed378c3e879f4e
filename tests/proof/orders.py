"""Creates of orders whose ids the ledger tells apart."""

from __future__ import annotations

import random

import attrs

from support.calling import ORDER, Operation


def any_id(chance: random.Random) -> str:
    """Return the id of an order that nobody made before."""
    return f"{chance.getrandbits(64):016x}"


def creating(
    order_id: str, vendor_data: dict[str, str] | None = None
) -> Operation:
    """Make a contract for an order with this id."""
    order = attrs.evolve(
        ORDER, external_order_id=order_id, vendor_data=vendor_data
    )
    return lambda client: client.contracts.create("SPRING-12", order)


def patient(operation: Operation) -> Operation:
    """Do it with so much time that only a hang uses it up."""
    return lambda client: operation(client.with_options(timeout=20.0))
