"""Ledgers tell what a sandbox did; one in a file outlives its process."""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sesamy_async.errors import ConfigurationError
from sesamy_async.sandbox import KeptLedger, Limit
from support.sandbox_caller import CONFIRM, Caller, content, logged_in, order


def test_ledger_tells_the_truth(caller: Caller) -> None:
    """The ledger lists orders, contracts and what was answered."""
    caller.create("A-1")
    caller.create("A-2", query="confirm=1")
    caller.create("")
    ledger = caller.sandbox.ledger
    (first,), (second,) = ledger.contracts("A-1"), ledger.contracts("A-2")
    places = {"vendorId": "acme", "promoCode": "SPRING-12", "invoices": 0}

    assert [*ledger.orders] == ["A-1", "A-2"]
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


@pytest.mark.parametrize("idempotent", [False, True])
def test_orders_as_received(*, idempotent: bool) -> None:
    """The orders are those of the last create each; none can be changed."""
    caller = logged_in(idempotent=idempotent)
    caller.create("A-1", quantity=1)
    caller.create("A-1", quantity=2)
    caller.create("A-2", paymentMethod=5)
    orders = caller.sandbox.ledger.orders
    orders["A-1"]["quantity"] = 3

    assert {"A-1": order("A-1", quantity=2)} == dict(orders)
    assert (1, "<1 orders>") == (len(orders), repr(orders))
    assert "A-2" not in orders


def test_orders_of_earlier_processes(tmp_path: Path) -> None:
    """What another process received is not known, except its id."""
    path = tmp_path / "world"
    kept_caller(path).create("A-1")
    caller = kept_caller(path)
    caller.create("A-2")

    assert {"A-1": None, "A-2": order("A-2")} == dict(
        caller.sandbox.ledger.orders
    )


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
    assert {} == dict(caller.sandbox.ledger.orders)
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


def kept_caller(path: Path, **settings: Any) -> Caller:
    """Return somebody with a token for a sandbox with a ledger in a file."""
    return logged_in(ledger=KeptLedger(path), **settings)


def test_next_process_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was created in one process can be confirmed in the next.

    The file stays the same if a process changes its directory.
    """
    path = tmp_path / "world"
    monkeypatch.chdir(tmp_path)
    caller = kept_caller(Path("world"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    made = content(caller.create())["id"]
    later = kept_caller(path)
    later.post(f"{CONFIRM}/{made}", b"")

    for ledger in (later.sandbox.ledger, KeptLedger(path)):
        assert [made] == [each.id for each in ledger.confirmed("A-1")]
        assert 1 == ledger.total


def test_seed_repeats_no_contract(tmp_path: Path) -> None:
    """With a seed, the next process makes contracts of its own all the same.

    The ids begin anew with it, and a contract with an id that exists would
    replace that of another order.
    """
    path = tmp_path / "world"
    for order_id in ("A-1", "A-2"):
        kept_caller(path, seed=1).create(order_id)
    ledger = KeptLedger(path)

    assert 2 == ledger.total
    assert [1, 1] == [ledger.count("A-1"), ledger.count("A-2")]


def test_private(tmp_path: Path) -> None:
    """The file is this user's, and holds nothing personal."""
    path = tmp_path / "world"
    caller = kept_caller(path)
    contract_id = content(caller.create())["id"]
    caller.post(f"{CONFIRM}/{contract_id}", b'{"x": "ada@example.com"}')
    (contract,) = caller.sandbox.ledger.contracts("A-1")
    text = path.read_text("utf-8")

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert "example.com" not in text
    assert contract.user_id not in text


def test_reset_begins_another_world(tmp_path: Path) -> None:
    """Starting over is another world, in the file too."""
    ledger = KeptLedger(tmp_path / "world")
    before = ledger.world
    again = KeptLedger(tmp_path / "world")
    caller = logged_in(ledger=ledger)
    caller.create()
    caller.sandbox.reset()
    later = KeptLedger(tmp_path / "world")

    assert before == again.world
    assert before != ledger.world == later.world
    assert 0 == later.total


@pytest.mark.parametrize("cut", ["", '{"wor', '{"world": "w"}\n{"id": "c'])
def test_cut_off(tmp_path: Path, cut: str) -> None:
    """A line that a crash has cut off was never answered."""
    path = tmp_path / "world"
    path.write_text(cut)
    ledger = KeptLedger(path)

    assert 0 == ledger.total
    assert ledger.world == KeptLedger(path).world


def test_cut_off_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash while the cut line is removed loses no contract either.

    So nothing but that line may be touched: the file is never written anew.
    """
    path = tmp_path / "world"
    kept_caller(path).create()
    with path.open("a") as file:
        file.write('{"id": "c')

    def crash(self: Path, *_: object) -> None:
        os.truncate(self, 0)  # As it begins.
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", crash)
        patch.setattr(Path, "write_bytes", crash)
        ledger = KeptLedger(path)

    assert 1 == ledger.total
    assert path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize(
    "text", ["broken\n", "[]\n", "{}\n", '{"world": "w"}\n{"id": "c"}\n']
)
def test_damaged(tmp_path: Path, text: str) -> None:
    """A file that is no ledger, or can't be made, is refused by its name."""
    path = tmp_path / "world"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="world can't be used: it is"):
        KeptLedger(path)
    with pytest.raises(ConfigurationError, match="No such file"):
        KeptLedger(tmp_path / "no" / "world")
