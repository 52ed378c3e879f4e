"""Whether a ledger and what calls said keep the promise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .job import Kind, Said


Contracts = Mapping[str, Any]
"""By order: ``[{"id": ..., "confirmed": ...}]``, as a ledger tells them."""


def doubled(contracts: Contracts, orders: Iterable[str]) -> str | None:
    """Return which order has two contracts that give access, if one has."""
    for each in orders:
        confirmed = [it for it in contracts.get(each, ()) if it["confirmed"]]
        if len(confirmed) > 1:
            return f"{each} has {len(confirmed)} confirmed contracts"
    return None


def untrue(contracts: Contracts, said: Iterable[Said]) -> str | None:
    """Return what was said of an order and is not so, if anything is."""
    for each in said:
        made = contracts.get(each.order, ())
        confirmed = {it["id"] for it in made if it["confirmed"]}
        if each.done and {each.contract} != confirmed:
            return f"{each} but confirmed are {confirmed}"
        if each.outcome == "NOT_SENT" and each.contract is not None:
            return f"{each} has a contract"
    return None


def unended(said: Iterable[Said], careful: Iterable[str]) -> str | None:
    """Return which order the last call did not end, though it had to.

    Args:
        said: By the last calls.
        careful: The orders of which a careful create may be in doubt, or
            whose second confirm may have been refused.
    """
    settled = {*careful}
    for each in said:
        if each.done:
            continue
        if each.order not in settled:
            return f"not ended: {each}"
        if each.outcome != "UNKNOWN" or each.retryable:
            return f"neither done nor in doubt: {each}"
    return None


def wasted(contracts: Contracts, orders: Iterable[str]) -> int:
    """Return how many contracts were made beyond one for each order."""
    return sum(max(0, len(contracts.get(each, ())) - 1) for each in orders)


def careful_orders(said: Iterable[tuple[Kind, Iterable[str]]]) -> set[str]:
    """Return the orders that a careful call was told."""
    return {
        each
        for kind, orders in said
        if kind is not Kind.ONBOARD
        for each in orders
    }
