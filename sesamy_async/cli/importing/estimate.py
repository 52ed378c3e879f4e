"""How long an import takes at the permitted rate."""

from __future__ import annotations

from sesamy_async.bulk.confirm import Confirm
from sesamy_async.bulk.reports.words import count, duration
from sesamy_async.core.rate_limit import RateLimit


def seconds_for(orders: int, confirm: Confirm, limit: RateLimit) -> float:
    """Return how many seconds the orders take, after a rest.

    Args:
        orders: How many are to be sent.
        confirm: How many calls each takes.
        limit: What is permitted.
    """
    return max(0.0, orders * confirm.calls - limit.burst) / limit.rate


def estimate(orders: int, confirm: Confirm) -> str:
    """Say it for people, at the rate that Sesamy documents (D)."""
    limit = RateLimit()
    seconds = seconds_for(orders, confirm, limit)
    calls = count(orders * confirm.calls, "call")
    if not seconds:
        return f"{calls}; a burst of {limit.burst:,} is permitted at once"
    return (
        f"{calls}; at least {duration(seconds)} at the permitted "
        f"{limit.rate:g} per second"
    )
