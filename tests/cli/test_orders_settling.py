"""An order that changes while it is being settled is left as it is."""

from __future__ import annotations

import pytest

from sesamy_async._cli.orders_store import OrdersError, Settlement
from sesamy_async.idempotency import (
    MemoryStore,
    OrderKey,
    OrderRecord,
    OrderState,
)


KEY = OrderKey("https://api.sesamy.com", "acme", "A-1")


@pytest.mark.parametrize("contract", [None, "c2"])
def test_it_has_changed(contract: str | None) -> None:
    """Somebody else has settled it between the look and the write."""
    store = MemoryStore()
    doubt = OrderRecord(key=KEY, state=OrderState.UNKNOWN)
    settled = OrderRecord(
        key=KEY, state=OrderState.CONFIRMED, contract_id="c1"
    )
    store.adopt([doubt], within=1.0)
    seen = store.look([KEY], within=1.0)[KEY]
    found = Settlement(
        key=KEY, seen=seen, contract_id=contract, confirmed=True
    )
    against = found.against(store)
    store.adopt([settled], within=1.0)
    with pytest.raises(OrdersError, match="has changed since it was shown"):
        found.settle(store)

    assert not against
    assert "c1" == store.look([KEY], within=1.0)[KEY].contract_id


def test_it_is_not_there() -> None:
    """An order that the store does not know needs not be forgotten."""
    store = MemoryStore()
    found = Settlement(key=KEY, seen=None, contract_id=None, confirmed=False)

    assert not found.against(store)
    assert found.settle(store) is None
