"""The ledger of a sandbox tells truly what was done."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from sesamy_async.sandbox import Limit
from support.sandbox_caller import Caller, logged_in


def test_ledger_tells_the_truth(caller: Caller) -> None:
    """The ledger lists orders, contracts and what was answered."""
    caller.create("A-1")
    caller.create("A-2", query="confirm=1")
    caller.create("")
    ledger = caller.sandbox.ledger
    (first,), (second,) = ledger.contracts("A-1"), ledger.contracts("A-2")
    places = {"vendorId": "acme", "promoCode": "SPRING-12"}

    assert ledger.orders() == ("A-1", "A-2")
    assert ledger.contracts("A-3") == ()
    assert (
        ledger.requests(),
        ledger.requests("create"),
        ledger.requests("create", 200),
        ledger.requests(status=400),
    ) == (4, 3, 2, 1)
    assert {
        "orders": {
            "A-1": [{"id": first.id, "confirmed": False, **places}],
            "A-2": [{"id": second.id, "confirmed": True, **places}],
        },
        "totals": {"orders": 2, "contracts": 2, "confirmed": 1},
        "requests": {"create": {"200": 2, "400": 1}, "token": {"200": 1}},
    } == ledger.as_json()


def test_reset_starts_over() -> None:
    """After a reset nothing is left: contracts, tokens, counts, faults."""
    caller = logged_in(rate_limit=Limit(requests_per_minute=1, burst=1))
    caller.create()
    caller.sandbox.faults.add("empty")
    caller.sandbox.reset()
    unknown = caller.create()
    caller.sandbox.reset()
    caller.log_in()

    assert unknown.status == 401
    assert caller.sandbox.faults.pending == ()
    assert caller.sandbox.ledger.total == 0
    assert caller.create().status == 200


@pytest.fixture
def _impatient_threads() -> Iterator[None]:
    """Let threads take turns as often as Python can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_impatient_threads")
def test_threads_share_a_sandbox() -> None:
    """Of many threads no contract and no count is lost."""
    caller = logged_in(rate_limit=Limit(requests_per_minute=1, burst=300))

    together = threading.Barrier(8, timeout=120)

    def work(name: int) -> None:
        together.wait()
        for number in range(50):
            caller.create(f"{name}-{number}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    ledger = caller.sandbox.ledger

    assert ledger.total == 300
    assert (
        ledger.requests("create", 200),
        ledger.requests("create", 429),
    ) == (300, 100)
