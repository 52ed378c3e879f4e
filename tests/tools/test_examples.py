"""The examples but the app do what they say: scripts and workers."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import httpx
import pytest

from support.examples import (
    BY_CARD,
    EXAMPLES,
    ORDER_ID,
    PERSONAL,
    Examples,
    wait_for,
)
from support.sandbox_caller import token_request


def test_examples_are_short() -> None:
    """An example is a program that one reads in a minute."""
    long = [
        path.name
        for path in EXAMPLES.rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > 150
    ]

    assert [] == long


def test_script(examples: Examples) -> None:
    """The script onboards the order beside it, and prints the contract."""
    ended = examples.run("script.py")
    (contract,) = examples.sandbox.ledger.contracts(ORDER_ID)

    assert (0, "") == (ended.code, ended.err)
    assert f"Order {ORDER_ID} is contract {contract.id}." in ended.out
    assert contract.confirmed


@pytest.fixture
def by_card(tmp_path: Path) -> Path:
    """Write a file with an order that is paid by card."""
    path = tmp_path / "order.json"
    path.write_text(BY_CARD, encoding="utf-8")
    return path


def test_script_again(examples: Examples) -> None:
    """It can be run again: the contract is the same."""
    first, second = (examples.run("script.py") for _ in range(2))
    (contract,) = examples.sandbox.ledger.contracts(ORDER_ID)

    assert (0, 0) == (first.code, second.code)
    assert f"contract {contract.id}.\n  reported before" in second.out


def test_script_tells_of_strays(examples: Examples, by_card: Path) -> None:
    """A create whose answer is lost is sent again, and that is told."""
    examples.sandbox.faults.add("drop-after", on="create")
    ended = examples.run("script.py", "SPRING-12", by_card)

    assert 0 == ended.code
    assert "up to 1 unconfirmed strays" in ended.out
    assert examples.once(ORDER_ID)


@pytest.mark.parametrize(
    ("faults", "on", "code", "words"),
    [
        (["status:503"] * 4, "token", 1, "Try again later"),
        (
            ["status:422"],
            "create",
            2,
            ("Sesamy does not accept the order as it is"),
        ),
        (["drop-after"], "create", 4, "sesamy orders settle"),
        (["drop-after"] * 4, "confirm", 1, "make the same call again"),
        (["status:404"], "confirm", 4, "sesamy orders settle"),
    ],
)
def test_script_exit_codes(
    examples: Examples, faults: list[str], on: str, code: int, words: str
) -> None:
    """The exit code is that of the outcome, and stderr says what to do."""
    for fault in faults:
        examples.sandbox.faults.add(fault, on=on)
    ended = examples.run("script.py", "SPRING-12", "order.json")

    assert (code, "") == (ended.code, ended.out)
    assert words in ended.err
    assert not PERSONAL.search(ended.err)
    assert "Traceback" not in ended.err


def test_script_with_a_wrong_order(examples: Examples, tmp_path: Path) -> None:
    """An order that can't be sent is not sent, and every mistake named."""
    path = tmp_path / "wrong.json"
    path.write_text('{"quantity": 0, "userdata": {}}', encoding="utf-8")
    ended = examples.run("script.py", "SPRING-12", path)

    assert (2, "") == (ended.code, ended.out)
    assert "did you mean userData?" in ended.err
    assert 0 == examples.sandbox.ledger.requests()


def test_custom_middleware(examples: Examples, tmp_path: Path) -> None:
    """The token comes from a file, and the metrics count each call."""
    token_file = tmp_path / "token"
    answer = httpx.post(
        examples.environment["SESAMY_TOKEN_URL"],
        data=token_request(examples.sandbox),
    )
    token_file.write_text(f"{answer.json()['access_token']}\n", "ascii")
    examples.sandbox.faults.add("status:503", on="confirm")
    ended = examples.run(
        "custom_middleware.py", SESAMY_TOKEN_FILE=str(token_file)
    )

    assert (0, "") == (ended.code, ended.err)
    assert "contracts.create DONE 1 " in ended.out
    assert "contracts.confirm DONE 1 " in ended.out
    assert examples.once("B-2026-001208")


def test_custom_middleware_with_an_old_token(
    examples: Examples, tmp_path: Path
) -> None:
    """A token that is refused is asked for once more, then it ends."""
    token_file = tmp_path / "token"
    token_file.write_text("out-of-date", encoding="ascii")
    ended = examples.run(
        "custom_middleware.py", "SPRING-12", SESAMY_TOKEN_FILE=str(token_file)
    )

    assert "contracts.create REFUSED 1 " in ended.out
    assert 2 == examples.sandbox.ledger.requests("create", 401)


WORKERS = ["asyncio_worker.py", "trio_worker.py"]


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Write a file with twelve orders, one per line."""
    lines = [
        json.dumps({**json.loads(BY_CARD), "externalOrderId": f"A-{number}"})
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
    assert 6 == len(examples.sandbox.ledger.orders)
