"""The workers among the examples onboard each order once."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from support.examples import ORDER, PERSONAL, Examples, wait_for


WORKERS = ["asyncio_worker.py", "trio_worker.py"]


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Write a file with twelve orders, one per line."""
    lines = [
        json.dumps({**json.loads(ORDER), "externalOrderId": f"A-{number}"})
        for number in range(12)
    ]
    path = tmp_path / "orders.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("example", WORKERS)
def test_worker(examples: Examples, orders: Path, example: str) -> None:
    """Each order is onboarded once, though answers are lost."""
    examples.sandbox.faults.add("drop-after", times=2, on="create")
    examples.sandbox.faults.add("drop-after", times=2, on="confirm")
    ended = examples.run(example, "SPRING-12", orders)

    assert (0, "") == (ended.code, ended.err)
    assert "DONE=12" in ended.out
    assert examples.once(*(f"A-{number}" for number in range(12)))


@pytest.mark.parametrize("example", WORKERS)
def test_worker_tells_outcomes(
    examples: Examples, orders: Path, example: str
) -> None:
    """An order that fails is told and keeps no other from being done."""
    examples.sandbox.faults.add("status:422", on="create")
    ended = examples.run(example, "SPRING-12", orders)

    assert (1, "") == (ended.code, ended.err)
    assert "DONE=11 REFUSED=1" in ended.out
    assert not PERSONAL.search(ended.out)


@pytest.mark.parametrize("example", WORKERS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_worker_shutdown(
    examples: Examples, orders: Path, example: str, number: signal.Signals
) -> None:
    """A signal lets what is under way end, and tells what is not begun."""
    # The first confirms come at once, all others late enough to be met.
    examples.sandbox.faults.add("no-rate-headers", times=1, on="confirm")
    examples.sandbox.faults.add("delay:2", times=12, on="confirm")
    with examples.started(example, "SPRING-12", orders) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(number)
        code, out, err = wait_for(process)
    told = dict(line.split()[:2] for line in f"{first}{out}".splitlines()[:-1])
    done = [order for order, end in told.items() if end == "DONE"]
    left = [order for order, end in told.items() if end == "NOT_BEGUN"]

    assert (1, "") == (code, err)
    assert {f"A-{each}" for each in range(12)} == {*done, *left}
    assert f"DONE={len(done)} NOT_BEGUN={len(left)}" in out
    # The first one, the three beside it, and what was begun in its place
    # before the signal came.
    assert 4 <= len(done) <= 8
    assert examples.once(*done)
    assert not any(map(examples.sandbox.ledger.count, left))


@pytest.mark.parametrize("name", WORKERS)
def test_workers_as_they_are(examples: Examples, name: str) -> None:
    """Without arguments, a worker takes the orders that lie beside it."""
    ended = examples.run(name)

    assert (0, "") == (ended.code, ended.err)
    assert 6 == len(examples.sandbox.ledger.orders())
