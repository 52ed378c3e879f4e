"""Calls over a store of orders, whose record changes under way."""

from __future__ import annotations

import pytest

from sesamy_async import (
    Outcome,
    OutcomeUnknownError,
)
from sesamy_async.idempotency import (
    Holder,
    MemoryStore,
    OrderState,
)
from sesamy_async.sandbox import Sandbox
from support.calling import (
    Operation,
    World,
)
from support.marks import every_world
from support.told_orders import (
    KEY,
    WITHIN,
    WatchedStore,
    create,
    create_at_once,
    judged,
    onboard,
    onboard_strictly,
    over,
)


CALLS = (onboard, onboard_strictly, create_at_once, create)


@every_world
def test_marked_unknown_while_it_creates(world: World) -> None:
    """A person may look, and settle, meanwhile: then ours does not count."""
    store, sandbox = WatchedStore(), Sandbox()

    def forget() -> None:
        store._records.clear()

    store.before["first"] = forget
    ending = world.one(onboard, **over(store, sandbox))
    failed = ending.failed

    assert (OutcomeUnknownError, Outcome.UNKNOWN, 1) == ending.facts
    assert "so the contract does not count:" in str(failed)
    assert not failed.retryable


def settled(store: WatchedStore) -> None:
    """Let a person say that the order has another contract."""
    store._records.clear()
    store.put(OrderState.CONFIRMED, "theirs")


@every_world
@pytest.mark.parametrize("call", CALLS)
def test_another_contract_counts_meanwhile(
    call: Operation, world: World
) -> None:
    """Then ours is a stray, or a matter for a person if it is confirmed."""
    store, sandbox = WatchedStore(), Sandbox()
    store.before["first"] = lambda: settled(store)
    ending = world.one(call, **over(store, sandbox))

    if call is create_at_once:
        assert (OutcomeUnknownError, Outcome.UNKNOWN, 1) == ending.facts
        assert not ending.failed.retryable
    else:
        contract = getattr(ending.value, "contract", ending.value)

        assert "theirs" == contract.id
        assert 0 == judged(sandbox)[1]
        assert 1 == store.known.strays


@every_world
def test_other_data_meanwhile(world: World) -> None:
    """A create was sent, so the mismatch is not NOT_SENT."""
    store, sandbox = WatchedStore(), Sandbox()

    def others() -> None:
        store._records.clear()
        other = Holder(token="o", lasts=60.0, digest="1:other")
        MemoryStore.claim(store, KEY, other, within=WITHIN)
        MemoryStore.first(
            store,
            KEY,
            other,
            "theirs",
            confirmed=False,
            shared=False,
            within=WITHIN,
        )

    store.before["first"] = others
    ending = world.one(onboard, **over(store, sandbox))
    failed = ending.failed

    assert "OrderMismatchError" == type(failed).__name__
    assert (Outcome.UNKNOWN, False, 1) == (
        failed.outcome,
        failed.retryable,
        failed.attempts,
    )
    assert 0 == judged(sandbox)[1]
