"""What an import says of its orders before it sends them."""

from __future__ import annotations

from collections.abc import Iterator

from sesamy_async._call import RateLimit
from sesamy_async.bulk._file import differing
from sesamy_async.bulk._told import Told, told_by
from sesamy_async.bulk._words import first_of
from sesamy_async.bulk.check import Checked
from sesamy_async.bulk.reports._words import count, duration


def alike(found: Checked) -> tuple[str, ...]:
    """Return a note on ids that look the same, if there are any."""
    shown = first_of(
        f"row {each.row} (like row {each.other})" for each in found.alike()
    )
    if not shown:
        return ()
    said = (
        f"Ids that look the same: {', '.join(shown)} differ in upper and "
        "lower case or in Unicode form only, and are orders of their own."
    )
    return (said,)


def in_store(told: Told, name: str) -> Iterator[str]:
    """Yield what a store knew of the orders, and what differs."""
    parts = [f"{told.new:,} new"]
    if told.begun:
        parts.append(f"{told.begun:,} created")
    if told.first is not None:
        by = told_by(told.first)
        parts.append(f"{told.already:,} already confirmed (first {by})")
    if told.doubtful:
        parts.append(f"{told.doubtful:,} in doubt")
    if told != Told():
        yield f"The store of orders, {name}, says: {', '.join(parts)}."
    if told.differ:
        yield f"{differing(told)} Such rows are not sent."


def estimate(calls: int, limit: RateLimit = RateLimit()) -> str:  # noqa: B008 - frozen
    """Return how long calls take at the rate that is permitted."""
    waiting = calls - limit.burst
    told = count(calls, "call")
    if waiting <= 0:
        return f"{told}; a burst of {limit.burst:g} is permitted at once"
    return (
        f"{told}; at least {duration(waiting / limit.rate)} at the permitted "
        f"{limit.rate:g} per second"
    )
