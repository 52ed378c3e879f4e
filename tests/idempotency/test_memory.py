"""A store in memory keeps the rules of all stores."""

from __future__ import annotations

import os

import pytest

from idempotency.bench import Bench, Clock
from idempotency.contract import StoreContract
from sesamy_async.idempotency import MemoryStore


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
