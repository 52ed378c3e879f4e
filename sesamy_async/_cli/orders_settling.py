"""Tell the store of orders what somebody has found out."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from sesamy_async.bulk import Entry, State, Terms
from sesamy_async.bulk._states import Change
from sesamy_async.bulk._told import key_of, place_in
from sesamy_async.idempotency import (
    IdempotencyStore,
    OrderKey,
    OrderRecord,
    OrderState,
)

from .orders_found import WITHIN, OrdersError
from .orders_words import one_line, wait


@attrs.frozen(kw_only=True)
class Found:
    """What somebody has found out about an order.

    Attributes:
        key: The order.
        seen: What the store knew of it before; None for nothing.
        contract_id: Its contract; None if it certainly has none.
        confirmed: Whether that gives access already.
        source: Where the order comes from, if the store does not know.
    """

    key: OrderKey
    seen: OrderRecord | None
    contract_id: str | None
    confirmed: bool
    source: str | None = None

    def against(self, store: IdempotencyStore) -> str:
        """Return what a store says against it, after the order's id."""
        seen, contract, key = self.seen, self.contract_id, self.key
        if seen is not None and seen.contract_id not in {None, contract}:
            return held(seen)
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
        """Tell a store; return what it knows then.

        Raises:
            OrdersError: The order has changed since it was seen.
        """
        key, seen, contract = self.key, self.seen, self.contract_id
        if contract is None:
            if seen is not None:
                forget(store, seen)
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
            raise changed_since(key)
        return now


def settle_all(
    store: IdempotencyStore,
    terms: Terms,
    settled: Sequence[tuple[Entry, Change]],
) -> list[str]:
    """Tell a store what became of unknown orders of an import.

    Returns:
        What speaks against it, for each order that can't be settled so;
        then the store is told nothing.
    """
    where = place_in(terms.base_url)
    orders = {key_of(each, terms, where): change for each, change in settled}
    known = store.look(orders, within=WITHIN)
    found = [
        Found(
            key=key,
            seen=known.get(key),
            contract_id=change.contract_id,
            confirmed=change.state is State.CONFIRMED,
            source=terms.source,
        )
        for key, change in orders.items()
    ]
    problems = [
        f"order {each.key.external_order_id!r} {problem}"
        for each in found
        if (problem := each.against(store))
    ]
    if not problems:
        for each in found:
            each.settle(store)
    return problems


def forget(store: IdempotencyStore, seen: OrderRecord) -> None:
    """Remove an order from a store.

    Raises:
        OrdersError: It has changed since it was seen.
    """
    answer = store.forget(seen, within=WITHIN)
    if not answer.done and answer.record is not None:
        raise changed_since(seen.key)


def under_way(record: OrderRecord) -> str:
    """Return why an order can't be settled yet, after its id."""
    return (
        f"has a call that may be under way for {wait(record)} s more: its "
        "outcome may be known then"
    )


def held(record: OrderRecord) -> str:
    """Return which contract an order has, after its id."""
    gives = "gives" if record.state is OrderState.CONFIRMED else "may give"
    return (
        f"has contract {one_line(record.contract_id or '')}, which {gives} "
        "access, as the store of orders says: if that is wrong, forget it "
        "first (sesamy orders forget --help)"
    )


def changed_since(key: OrderKey) -> OrdersError:
    """Return the error for an order that is not what somebody has seen."""
    return OrdersError(
        f"Order {key.external_order_id!r} has changed since it was shown: "
        "show it again, and look at Sesamy again."
    )
