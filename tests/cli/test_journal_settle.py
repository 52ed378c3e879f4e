"""The commands of a journal settle what is unknown."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import attrs
import pytest

from sesamy_async.bulk import State
from sesamy_async.bulk.journal import journal_path
from sesamy_async.sandbox import Sandbox, running
from support.command_line import CommandLine
from support.cut_off import cut_off, states
from support.journals import TERMS, bring, new_journal


LOOKUP = """
from sesamy_async.bulk.lookup import Found
class Known:
    async def find(self, external_order_id):
        if external_order_id == "A-2":
            return Found(contract_id="c2", confirmed=True)
        if external_order_id == "A-3":
            return None
        raise TimeoutError
class Opened:
    async def __aenter__(self):
        return Known()
    async def __aexit__(self, *error):
        print("closed")
class Deaf:
    pass
def fails():
    raise ValueError("s3cret")
"""

SETTLED = (
    "Settled: {} with a contract, {} without, to be sent again. "
    "The next import goes on.\n"
)


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file of orders, whose import was cut off."""
    monkeypatch.chdir(tmp_path)
    # The commands add to it.
    monkeypatch.setattr(sys, "path", list(sys.path))
    return cut_off(tmp_path)


@pytest.mark.parametrize(
    ("found", "answer", "state"),
    [
        (("A-2", "--created", "c2"), (1, 0), "CREATED"),
        (("A-2", "--created", "c2", "--confirmed"), (1, 0), "CONFIRMED"),
        (("A-4", "--not-created"), (0, 1), "PENDING"),
    ],
)
def test_resolve(
    sesamy: CommandLine,
    orders: Path,
    found: tuple[str, ...],
    answer: tuple[int, int],
    state: str,
) -> None:
    """An order is settled as somebody has found it; the rest is left."""
    before = states(orders)
    ran = sesamy("journal", "resolve", orders, *found)

    assert ran == (0, SETTLED.format(*answer), "")
    assert {
        **before,
        "A-4": "UNKNOWN",
        found[0]: state,
    } == states(orders)


def test_resolve_many(sesamy: CommandLine, orders: Path) -> None:
    """A table settles many orders."""
    table = orders.with_name("found.csv")
    table.write_text(
        "externalOrderId;contractId;notCreated\nA-2;c2;\nA-3;;yes\n"
    )
    code, out, _ = sesamy(
        "journal", "resolve", orders, "--from", table, "--json"
    )

    assert (0, {"created": 1, "not_created": 1}) == (code, json.loads(out))
    assert ("CREATED", "PENDING") == (
        states(orders)["A-2"],
        states(orders)["A-3"],
    )


def test_resolve_wrong_rows(sesamy: CommandLine, orders: Path) -> None:
    """Every row that can't be settled is listed, and none is settled."""
    table = orders.with_name("found.csv")
    table.write_text("externalOrderId,contractId\nA-2,c2\nA-5,c5\nA-99,c99\n")
    code, out, err = sesamy("journal", "resolve", orders, "--from", table)

    assert (2, "") == (code, out)
    assert err.startswith(
        "Error: Nothing was settled:\n"
        "  row 3: order 'A-5' is CONFIRMED, and only what is UNKNOWN can be "
        "settled\n"
        "  row 4: order 'A-99' is not in the journal\n"
    )
    assert "UNKNOWN" == states(orders)["A-2"]

    for name, said in ("no.csv", "No such file"), (".", "Is a directory"):
        ran = sesamy("journal", "resolve", orders, "--from", name)

        assert 2 == ran.code
        assert f"{name} can't be read: {said}" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("A-2",),
        ("--created", "c2"),
        ("--not-created",),
        ("A-2", "--created", "c2", "--not-created"),
        ("A-2", "--confirmed"),
        ("A-2", "--not-created", "--confirmed"),
        ("A-2", "--from", "found.csv"),
        ("--from", "found.csv", "--not-created"),
        ("--from", "found.csv", "--created", "c2"),
        ("--from", "found.csv", "--confirmed"),
    ],
)
def test_resolve_usage(
    sesamy: CommandLine, orders: Path, arguments: tuple[str, ...]
) -> None:
    """What is said must be clear: one order, or a table of many."""
    code, out, err = sesamy("journal", "resolve", orders, *arguments)

    assert (2, "") == (code, out)
    assert "or give a table of many: --from CSV" in err


def test_resolve_odd_contract(sesamy: CommandLine, orders: Path) -> None:
    """An id that no contract can have is refused."""
    code, _, err = sesamy(
        "journal", "resolve", orders, "A-2", "--created", " "
    )

    assert code == 2
    assert "--created must be an id" in err
    assert "UNKNOWN" == states(orders)["A-2"]


@pytest.mark.parametrize("factory", ["Known", "Opened"])
def test_reconcile(sesamy: CommandLine, orders: Path, factory: str) -> None:
    """What a lookup can't say is exit code 4, and stays unknown."""
    name = f"lookup_{factory.lower()}"
    orders.with_name(f"{name}.py").write_text(LOOKUP)
    code, out, err = sesamy(
        "journal", "reconcile", orders, "--lookup", f"{name}:{factory}"
    )

    assert (4, "closed\n" if factory == "Opened" else "") == (code, out)
    assert err.startswith(
        "Error: Settled: 1 with a contract, 1 without, to be sent again. "
        "1 are still unknown (1 x TimeoutError). Outcome: UNKNOWN."
    )
    assert ("CONFIRMED", "PENDING", "UNKNOWN") == tuple(
        states(orders)[each] for each in ("A-2", "A-3", "A-4")
    )

    # The next time, only what is still unknown is asked for.
    again = sesamy(
        "journal", "reconcile", orders, "--lookup", f"{name}:{factory}"
    )

    assert 4 == again.code
    assert "0 with a contract, 0 without" in again.err


def test_reconcile_with_a_sandbox(
    sesamy: CommandLine, orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox knows, and is found where the orders went."""
    orders = orders.with_name("other.csv")
    with running(Sandbox()) as url:
        for name, value in Sandbox().environment(url).items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("SESAMY_BASE_URL")
        terms = attrs.evolve(TERMS, base_url=url)
        with new_journal(journal_path(orders), terms) as journal:
            bring(journal, 2, State.UNKNOWN)
        ran = sesamy("journal", "reconcile", orders, "--lookup", "sandbox")

    assert ran == (0, SETTLED.format(0, 1), "")


@pytest.mark.parametrize(
    ("lookup", "said"),
    [
        ("nowhere", "must be package.module:factory, or sandbox"),
        (":factory", "must be package.module:factory, or sandbox"),
        ("lookup_wrong:", "must be package.module:factory, or sandbox"),
        ("no.such.module:x", "can't be made: ModuleNotFoundError. Try it"),
        ("lookup_wrong:missing", "can't be made: AttributeError. Try it"),
        ("lookup_wrong:fails", "can't be made: ValueError. Try it"),
        ("lookup_wrong:Deaf", "makes a Deaf, which has no method find"),
        ("sandbox", "Set SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET"),
    ],
)
def test_reconcile_usage(
    sesamy: CommandLine, orders: Path, lookup: str, said: str
) -> None:
    """A lookup that can't be made is named, and nothing is settled."""
    orders.with_name("lookup_wrong.py").write_text(LOOKUP)
    code, out, err = sesamy("journal", "reconcile", orders, "--lookup", lookup)

    assert (2, "") == (code, out)
    assert said in err
    assert "s3cret" not in err
