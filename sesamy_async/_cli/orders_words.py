"""What the store knows of an order: in words, and for machines."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sesamy_async.idempotency import (
    OrderKey,
    OrderRecord,
    OrderState,
    dump_record,
)

from .contract import strays_in_words
from .output import UsageError, rows


_AGE = re.compile(r"(\d{1,6})([hd])")
_SECONDS = {"h": 3_600.0, "d": 86_400.0}


def in_words(record: OrderRecord) -> str:
    """Return all that matters of an order, on one line."""
    source = record.source and f"first by {one_line(record.source)}"
    contract = (
        record.contract_id and f"contract {one_line(record.contract_id)}"
    )
    some = "stray" if record.strays == 1 else "strays"
    strays = record.strays and f"{record.strays} {some} may be left"
    parts = (state_in_words(record), contract, source, strays)
    return ", ".join(each for each in parts if each)


def state_in_words(record: OrderRecord) -> str:
    """Return how far an order has come, and since when."""
    at = moment(record.at)
    if record.state is OrderState.CONFIRMED:
        return f"confirmed on {at}"
    if record.state is OrderState.REFUSED:
        return f"refused by Sesamy on {at}"
    if record.state is OrderState.CREATED:
        return f"created on {at} and perhaps not confirmed"
    if record.state is OrderState.UNKNOWN:
        return f"in doubt since {at}"
    since = moment(record.claimed_at)
    return f"{'being sent' if record.busy else 'cut off'} since {since}"


def advice(record: OrderRecord) -> str | None:
    """Return what a person should do, if anything."""
    if record.busy:
        return f"A call for it may be under way for {wait(record)} s more."
    if record.state is OrderState.CREATED:
        return "Onboard or import it again: that confirms this contract."
    if record.state is OrderState.REFUSED:
        return "Corrected, it can be sent again."
    if record.state is OrderState.CONFIRMED:
        return None
    if record.state is OrderState.CLAIMED and not record.careful:
        return "Onboard or import it again: that completes it."
    return (
        "Check whether Sesamy has a contract for it, and record what you "
        "find: sesamy orders settle --help."
    )


def wait(record: OrderRecord) -> int:
    """Return the seconds for which a call may be under way."""
    return math.ceil(record.busy)


def facts(record: OrderRecord, store: str) -> tuple[str, ...]:
    """Return what is known of an order, a line for each fact."""
    held, source = record.contract_id, record.source
    return rows(
        contract=held and one_line(held),
        **{"first by": source and one_line(source)},
        begun=moment(record.begun_at),
        strays=strays_in_words(record.strays),
        seen=stamp(record),
        vendor=one_line(record.key.vendor_id),
        where=one_line(record.key.where),
        store=store,
    )


def listed(
    records: Sequence[OrderRecord], places: Collection[tuple[str, str]]
) -> tuple[str, ...]:
    """Return a line for each order; with its place if there are several."""
    return tuple(
        f"  {each.key.external_order_id!r}: {in_words(each)}"
        f"{f' ({place_in_words(each.key)})' if len(places) > 1 else ''}"
        for each in records
    )


def place_in_words(key: OrderKey) -> str:
    """Return whose an order is, and where it was sent."""
    return f"vendor {key.vendor_id!r} at {key.where!r}"


def for_machines(record: OrderRecord) -> dict[str, Any]:
    """Return what is known of an order, without anything personal."""
    return {
        "external_order_id": record.key.external_order_id,
        "vendor_id": record.key.vendor_id,
        "where": record.key.where,
        "state": str(record.state),
        "contract_id": record.contract_id,
        "strays": record.strays,
        "source": record.source,
        "begun_at": _stamp(record.begun_at),
        "changed_at": _stamp(record.at),
        "busy": wait(record),
        "seen": stamp(record),
    }


def stamp(record: OrderRecord) -> str:
    """Return what changes with each change of an order."""
    return sha256(dump_record(record).encode()).hexdigest()[:8]


def moment(at: float) -> str:
    """Return a time for people."""
    told = datetime.fromtimestamp(at, UTC)
    return f"{told.day} {told:%B %Y at %H:%M} UTC"


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def one_line(text: str) -> str:
    """Return a text that can't begin a line of its own."""
    return text.replace("\n", "\\n")


def age(option: str, text: str) -> float:
    """Return the seconds that an age such as 400d or 12h has."""
    found = _AGE.fullmatch(text)
    if found is None:
        raise UsageError(f"{option} must be an age such as 400d or 12h.")
    return int(found[1]) * _SECONDS[found[2]]


def beginning(option: str, text: str, now: float) -> float:
    """Return the time that a date means, or an age."""
    if _AGE.fullmatch(text):
        return now - age(option, text)
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} must be a date such as 2026-11-12, in UTC, or an age "
            "such as 2d or 12h."
        ) from None
    return given.replace(tzinfo=given.tzinfo or UTC).timestamp()
