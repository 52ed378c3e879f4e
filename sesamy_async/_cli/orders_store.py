"""The store of orders, for commands: which it is, what it says, settling."""

from __future__ import annotations

import math
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import attrs

from sesamy_async._once import place_of
from sesamy_async.errors import SesamyError
from sesamy_async.idempotency import (
    IdempotencyStore,
    OrderKey,
    OrderRecord,
    OrderState,
    SQLiteStore,
    StoreUnavailable,
    dump_record,
)

from .client import given_base_url, name_of, store_of_orders, vendor_of
from .options import Chosen, Remembered
from .output import UsageError, one_line


# Which store, and which of its orders


WITHIN = 10.0
"""Seconds for one request to the store."""


class OrdersError(SesamyError):
    """The store of orders can't show or do what was asked for."""

    def _advice(self) -> str:
        return "Nothing was changed."


@contextmanager
def opened(
    options: Remembered, *, new: bool = False
) -> Generator[IdempotencyStore]:
    """Yield the store that options name; only if it exists, or is `new`."""
    store = store_of_orders(options.idempotency)
    if store is None:
        raise UsageError(
            'There is no store of orders: --idempotency is "none".'
        )
    if isinstance(store, SQLiteStore) and not (new or store.path.exists()):
        # To create an empty one would hide that its name is misspelt.
        raise OrdersError(f"There is no store of orders at {store.path}.")
    with closing(store):
        try:
            yield store
        except StoreUnavailable as error:
            # Its advice is for orders that are sent.
            raise OrdersError(str(error.args[0])) from error


def choice(options: Chosen) -> tuple[str | None, str | None]:
    """Return the vendor and the place that options ask for, if any."""
    vendor, where = vendor_of(options), options.where
    if where is not None and options.base_url is not None:
        raise UsageError("Give either --where or --base-url.")
    if where is None and (url := given_base_url(options)) is not None:
        where = place_of(url)
    return vendor, where


def chosen(
    records: Iterator[OrderRecord], options: Chosen
) -> Iterator[OrderRecord]:
    vendor, where = choice(options)
    for each in records:
        key = each.key
        if vendor in {None, key.vendor_id} and where in {None, key.where}:
            yield each


def find(
    store: IdempotencyStore,
    order: str,
    options: Chosen,
    seen: str | None = None,
) -> OrderRecord:
    """Return the only order that has an id, if it is as it was `seen`."""
    known = [*store.entries(external_order_id=order, within=WITHIN)]
    fitting = [*chosen(iter(known), options)]
    if len(fitting) == 1:
        [record] = fitting
        if seen not in {None, stamp(record)}:
            raise _changed_since(record.key)
        return record
    found = [place_in_words(each.key) for each in fitting or known]
    places = "; ".join(found)
    if fitting:
        raise UsageError(
            f"{len(fitting)} orders have the id {order!r}: {places}. Choose "
            "one with --vendor, --base-url or --where.",
            problems=found,
        )
    vendor, where = choice(options)
    asked = (
        f" of vendor {vendor!r}" if vendor else "",
        f" at {where!r}" if where else "",
    )
    raise OrdersError(
        f"{name_of(store)} does not know order {order!r}{''.join(asked)}"
        f"{f'; it knows one of {places}' if known else ''}."
    )


# Settling


@attrs.frozen(kw_only=True)
class Settlement:
    """What somebody has found out about an order."""

    key: OrderKey
    seen: OrderRecord | None  # What the store knew of it before.
    contract_id: str | None  # None if it certainly has no contract.
    confirmed: bool
    source: str | None = None  # Counts if the store does not know it.

    def against(self, store: IdempotencyStore) -> str:
        """Return what a store says against it, after the order's id."""
        seen, contract, key = self.seen, self.contract_id, self.key
        if seen is not None and seen.contract_id not in {None, contract}:
            confirmed = seen.state is OrderState.CONFIRMED
            return (
                f"has contract {one_line(seen.contract_id or '')}, which "
                f"{'gives' if confirmed else 'may give'} access, as the "
                "store of orders says. If that is wrong, forget the order "
                "first (sesamy orders forget --help)"
            )
        if contract is not None:
            owner = store.holder(
                key.where, key.vendor_id, contract, within=WITHIN
            )
            if owner is not None and owner.key != key:
                other = owner.key.external_order_id
                return (
                    f"can't have the contract of order {other!r}, as the "
                    "store of orders says"
                )
        if seen is None or not seen.busy or seen.contract_id is not None:
            return ""
        # A contract that gives access counts whatever a lost call has done.
        certain = self.confirmed and seen.state is OrderState.UNKNOWN
        return "" if certain else under_way(seen)

    def settle(self, store: IdempotencyStore) -> OrderRecord | None:
        """Tell a store; return what it knows then."""
        key, seen, contract = self.key, self.seen, self.contract_id
        if contract is None:
            if seen is not None:
                forget_seen(store, seen)
            return None
        state = OrderState.CONFIRMED if self.confirmed else OrderState.CREATED
        known = attrs.evolve(
            seen or OrderRecord(key=key, state=state, source=self.source),
            state=state,
            contract_id=contract,
            at=0.0,
        )
        # It is adopted only where the store knows nothing better.
        [answer] = store.adopt([known], within=WITHIN)
        if not answer.done and self.confirmed:
            answer = store.mark(
                key, state, token="", contract_id=contract, within=WITHIN
            )
        now = answer.record
        if now is None or now.contract_id != contract:
            raise _changed_since(key)
        return now


def forget_seen(store: IdempotencyStore, seen: OrderRecord) -> None:
    answer = store.forget(seen, within=WITHIN)
    if not answer.done and answer.record is not None:
        raise _changed_since(seen.key)


def _changed_since(key: OrderKey) -> OrdersError:
    return OrdersError(
        f"Order {key.external_order_id!r} has changed since it was shown. "
        "Show it again, and check with Sesamy again."
    )


# What it knows: in words, and for machines


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


_STATES = {
    OrderState.CONFIRMED: "confirmed on {}",
    OrderState.REFUSED: "refused by Sesamy on {}",
    OrderState.CREATED: "created on {} and perhaps not confirmed",
    OrderState.UNKNOWN: "in doubt since {}",
}


def state_in_words(record: OrderRecord) -> str:
    if record.state is OrderState.CLAIMED:
        how = "being sent" if record.busy else "cut off"
        return f"{how} since {moment(record.claimed_at)}"
    return _STATES[record.state].format(moment(record.at))


_CHECK = (
    "Check whether Sesamy has a contract for it, and record what you find: "
    "sesamy orders settle --help."
)
_TO_DO = {
    OrderState.CREATED: (
        "Onboard or import it again: that confirms this contract."
    ),
    OrderState.REFUSED: "Correct it; then it can be sent again.",
}


def advice(record: OrderRecord) -> tuple[str, ...]:
    """Return a line on what to do, if anything."""
    if record.busy:
        todo = f"A call for it {_may_be_under_way(record)}."
    elif record.state is OrderState.CONFIRMED:
        return ()
    elif record.state is OrderState.CLAIMED and not record.careful:
        todo = "Onboard or import it again: that completes it."
    else:
        todo = _TO_DO.get(record.state, _CHECK)
    return (f"  {todo}",)


def under_way(record: OrderRecord) -> str:
    """Return why an order can't be settled yet, after its id."""
    return f"has a call that {_may_be_under_way(record)}"


def _may_be_under_way(record: OrderRecord) -> str:
    return (
        f"may be under way for {_wait(record)} s more: wait, then run this "
        "command again"
    )


def _wait(record: OrderRecord) -> int:
    return math.ceil(record.busy)


def listed(
    records: Sequence[OrderRecord], places: Collection[tuple[str, str]]
) -> Iterator[str]:
    """Yield a line for each order; with its place if there are several."""
    for each in records:
        place = f" ({place_in_words(each.key)})" if len(places) > 1 else ""
        yield f"  {each.key.external_order_id!r}: {in_words(each)}{place}"


def place_in_words(key: OrderKey) -> str:
    return f"vendor {key.vendor_id!r} at {key.where!r}"


def for_machines(record: OrderRecord) -> dict[str, Any]:
    return {
        "external_order_id": record.key.external_order_id,
        "vendor_id": record.key.vendor_id,
        "where": record.key.where,
        "state": str(record.state),
        "contract_id": record.contract_id,
        "strays": record.strays,
        "source": record.source,
        "begun_at": _iso(record.begun_at),
        "changed_at": _iso(record.at),
        "busy": _wait(record),
        "seen": stamp(record),
    }


def stamp(record: OrderRecord) -> str:
    """Return what changes with each change of an order."""
    return sha256(dump_record(record).encode()).hexdigest()[:8]


def moment(at: float) -> str:
    told = datetime.fromtimestamp(at, UTC)
    return f"{told.day} {told:%B %Y at %H:%M} UTC"


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
