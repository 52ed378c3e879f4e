"""A store in memory keeps the rules of all stores."""

from __future__ import annotations

import os

import pytest

from idempotency.bench import WITHIN, Bench, Clock
from idempotency.contract import StoreContract
from sesamy_async.idempotency import Holder, MemoryStore, OrderKey, OrderState


class TestMemoryStore(StoreContract):
    """A store in memory."""

    @pytest.fixture
    def bench(self) -> Bench:
        """Return a store, whose handles are one."""
        clock = Clock()
        store = MemoryStore(clock=clock)
        return Bench(store, store, clock.wait)


@pytest.mark.skipif(os.name != "posix", reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_works_in_a_child() -> None:
    """A child does not wait for a thread that only its parent has."""
    store = MemoryStore()
    with store._lock:
        child = os.fork()
        if not child:  # pragma: no cover - ends without its report
            os._exit(len(store.read([], within=1)))

    assert 0 == os.waitpid(child, 0)[1]


def test_begins_anew_in_a_child() -> None:
    """What the parent knew is known, whoever had the lock."""
    store = MemoryStore()
    salt = store.salt(within=1)
    store._lock.acquire()

    store.after_fork()

    assert [] == store.read([], within=1)
    assert salt == store.salt(within=1)


def test_purges_what_is_older_and_no_more() -> None:
    """An order of exactly that age is kept."""
    clock, key = Clock(), OrderKey("https://api.test", "shop", "o-1")
    store = MemoryStore(clock=clock)
    store.claim(key, Holder(token="t"), within=WITHIN)
    store.mark(key, OrderState.REFUSED, token="t", within=WITHIN)
    clock.wait(10.0)

    assert 0 == store.purge(10.0, within=WITHIN)
    assert 1 == store.purge(9.0, within=WITHIN)


def test_yields_orders_however_old() -> None:
    """A clock may begin with 0, as in simulations."""
    store = MemoryStore(clock=lambda: 0.0)
    key = OrderKey("https://api.test", "shop", "o-1")
    store.claim(key, Holder(token="t"), within=WITHIN)

    assert [key] == [each.key for each in store.entries(within=WITHIN)]


def test_shows_what_it_is() -> None:
    """Its repr is short, and says nothing of the orders."""
    assert "MemoryStore()" == repr(MemoryStore())
