"""The commands of a journal settle what is unknown."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import attrs
import pytest

from sesamy_async.bulk import State
from sesamy_async.bulk.journal import Journal, Rows, Written, journal_path
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


def test_resolve_created(sesamy: CommandLine, orders: Path) -> None:
    """An order with a contract is created; the rest is left."""
    ran = sesamy("journal", "resolve", orders, "A-2", "--created", "c2")

    assert ran == (
        0,
        SETTLED.format(1, 0),
        "",
    )
    assert {
        "A-2": "CREATED",
        "A-3": "UNKNOWN",
        "A-4": "UNKNOWN",
        "A-5": "CONFIRMED",
        "A-6": "CREATED",
        "A-7": "PENDING",
    } == states(orders)


def test_resolve_confirmed(sesamy: CommandLine, orders: Path) -> None:
    """An order whose contract gives access is done."""
    found = ("A-2", "--created", "c2", "--confirmed")
    code, out, _ = sesamy("journal", "resolve", orders, *found, "--json")

    assert (0, {"created": 1, "not_created": 0}) == (code, json.loads(out))
    assert "CONFIRMED" == states(orders)["A-2"]


def test_resolve_not_created(sesamy: CommandLine, orders: Path) -> None:
    """An order that was cut off, and has no contract, may be sent again."""
    code, out, _ = sesamy(
        "journal", "resolve", orders, "A-4", "--not-created", "--json"
    )

    assert (0, {"created": 0, "not_created": 1}) == (code, json.loads(out))
    assert "PENDING" == states(orders)["A-4"]


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


@pytest.mark.parametrize(
    ("folder", "taken"), [(".", [b"w", b"t"]), ("elsewhere", [b"w"])]
)
def test_report_is_taken_in(
    sesamy: CommandLine, orders: Path, folder: str, taken: list[bytes]
) -> None:
    """A filled-in report may be replaced once its findings are known."""
    table = orders.parent / folder / "orders.unknown.csv"
    table.parent.mkdir(exist_ok=True)
    table.write_text("externalOrderId,contractId\nA-2,c2\n")
    with Journal.open(journal_path(orders)) as journal:
        written = Written(b"w", Rows())
        journal.memory.remember({table.name: (written,)})
    digest = hashlib.sha256(table.read_bytes()).digest()
    code, _, _ = sesamy("journal", "resolve", orders, "--from", table)
    with Journal.open(journal_path(orders)) as journal:
        known = journal.memory.recall()[table.name]

    assert 0 == code
    assert taken == [
        b"t" if each.digest == digest else each.digest for each in known
    ]


def test_resolve_no_table(sesamy: CommandLine, orders: Path) -> None:
    """A table that is not there is told, and nothing is settled."""
    ran = sesamy("journal", "resolve", orders, "--from", "nowhere.csv")

    assert (2, "UNKNOWN") == (ran.code, states(orders)["A-2"])
    assert "nowhere.csv can't be read: No such file" in ran.err


def test_resolve_a_folder(sesamy: CommandLine, orders: Path) -> None:
    """What can't be read as a table is told, and nothing is settled."""
    folder = orders.parent
    ran = sesamy("journal", "resolve", orders, "--from", folder)

    assert (2, "UNKNOWN") == (ran.code, states(orders)["A-2"])
    assert f"{folder} can't be read: Is a directory" in ran.err


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


def test_reconcile_again(sesamy: CommandLine, orders: Path) -> None:
    """The next time, only what is still unknown is asked for."""
    orders.with_name("lookup_again.py").write_text(LOOKUP)
    again = ("reconcile", orders, "--lookup", "lookup_again:Known")
    sesamy("journal", *again)
    code, _, err = sesamy("journal", *again)

    assert code == 4
    assert "0 with a contract, 0 without" in err
    assert "1 are still unknown" in err


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

    assert ran == (
        0,
        SETTLED.format(0, 1),
        "",
    )


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
