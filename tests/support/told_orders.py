"""Orders told over a store that can be watched, broken and stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx

from sesamy_async import NewContract, Sesamy
from sesamy_async.idempotency import (
    Holder,
    MemoryStore,
    OrderKey,
    OrderRecord,
    OrderState,
    StoreUnavailable,
)
from sesamy_async.sandbox import BASE_URL, Sandbox

from .calling import ORDER, Operation


KEY = OrderKey(BASE_URL, "acme", "order-1")
PROMO = "SPRING-12"
WITHIN = 1.0
_METHODS = (
    *("salt", "claim", "renew", "first", "mark", "release"),
    *("look", "holder"),
)

Hook = Callable[[], object]


class WatchedStore(MemoryStore):
    """A store that does something before or after each of its methods.

    Attributes:
        asked: The names of the methods that were called.
        before: What is done before a method, by its name.
        after: What is done after it.
        threads: In which threads the methods ran.
        time: Its clock.
    """

    def __init__(self) -> None:
        super().__init__(clock=lambda: self.time)
        self.time = 1_800_000_000.0
        self.asked: list[str] = []
        self.before: dict[str, Hook] = {}
        self.after: dict[str, Hook] = {}
        self.threads: set[str] = set()

    def record(self, key: OrderKey = KEY) -> OrderRecord | None:
        """Return what it knows of an order."""
        return MemoryStore.look(self, [key], within=WITHIN).get(key)

    @property
    def known(self) -> OrderRecord:
        """Return what it knows of the order; fail if that is nothing."""
        record = self.record()
        assert record is not None
        return record

    def put(self, state: OrderState, contract_id: str | None = None) -> None:
        """Let it know something of the order, from elsewhere."""
        known = OrderRecord(key=KEY, state=state, contract_id=contract_id)
        self.adopt([known], within=WITHIN)

    def claim_for_others(self, *, careful: bool) -> Holder:
        """Let another call claim the order for a minute."""
        holder = Holder(token="other", careful=careful, lasts=60.0)
        MemoryStore.claim(self, KEY, holder, within=WITHIN)
        return holder


def _watched(name: str) -> Callable[..., Any]:
    method = getattr(MemoryStore, name)

    def watched(self: WatchedStore, *args: Any, **named: Any) -> Any:
        self.asked.append(name)
        self.threads.add(threading.current_thread().name)
        self.before.get(name, _nothing)()
        result = method(self, *args, **named)
        self.after.get(name, _nothing)()
        return result

    return watched


for _name in _METHODS:
    setattr(WatchedStore, _name, _watched(_name))


def _nothing() -> None:
    pass


def failing(error: BaseException | None = None, times: int = 10**9) -> Hook:
    """Return what raises, so often."""
    left = [times]

    def fail() -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise error or StoreUnavailable("It is down.", retryable=False)

    return fail


@contextmanager
def stuck() -> Generator[Callable[[], object]]:
    """Yield what blocks until the end of the block."""
    ended = threading.Event()
    try:
        yield partial(ended.wait, 30.0)
    finally:
        ended.set()


def over(store: object, sandbox: Sandbox, **more: Any) -> dict[str, Any]:
    """Return the settings of a client of the sandbox, over a store."""
    return {**sandbox.client_settings(), "idempotency": store, **more}


def onboard(client: Any) -> Any:
    """Onboard the order."""
    return client.contracts.onboard(PROMO, ORDER)


def onboard_strictly(client: Any) -> Any:
    """Onboard the order without strays."""
    return client.contracts.onboard(PROMO, ORDER, allow_strays=False)


def create(client: Any) -> Any:
    """Make a contract of the order."""
    return client.contracts.create(PROMO, ORDER)


def create_at_once(client: Any) -> Any:
    """Make a contract that is confirmed."""
    return client.contracts.create(PROMO, ORDER, confirm=True)


def onboarding(order: NewContract = ORDER, **more: Any) -> Operation:
    """Return what onboards an order with such arguments."""
    return lambda client: client.contracts.onboard(PROMO, order, **more)


def made_before(sandbox: Sandbox, *, confirm: bool = False) -> str:
    """Make a contract of the order, of which no store knows."""
    with Sesamy(**over(False, sandbox)) as client:
        made = client.contracts.create(PROMO, ORDER, confirm=confirm)
    return made.id


def judged(sandbox: Sandbox, order_id: str = "order-1") -> tuple[int, int]:
    """Return how many contracts an order has, and how many give access."""
    ledger = sandbox.ledger
    return ledger.count(order_id), len(ledger.confirmed(order_id))


def always_c1(request: httpx.Request) -> httpx.Response:
    """Answer as a gateway does that has cached an answer."""
    del request
    return httpx.Response(201, json={"id": "c-1"})
