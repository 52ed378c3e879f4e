"""The commands of a journal show it, settle unknown orders, and remove it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import attrs
import pytest

from sesamy_async.bulk import State
from sesamy_async.bulk._states import SANDBOX
from sesamy_async.bulk.journal import Journal, journal_path
from sesamy_async.sandbox import KeptLedger, Sandbox, SoldContract, running
from support.command_line import CommandLine
from support.cut_off import cut_off, settle_all, states
from support.journals import TERMS, bring, new_journal


CUT_OFF = (
    "The import ended while this order was being sent; the response was not "
    "read."
)


LOOK = (2, 3, 4)


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file of orders, whose import was cut off."""
    monkeypatch.chdir(tmp_path)
    # The commands add to it.
    monkeypatch.setattr(sys, "path", list(sys.path))
    return cut_off(tmp_path)


def test_show(sesamy: CommandLine, orders: Path) -> None:
    """People see the terms, the counts, and what they have to look at."""
    code, out, err = sesamy("journal", "show", orders)

    assert (0, "") == (code, err)
    assert out.startswith(
        f"{journal_path(orders)} is the journal of orders.csv: 1 of 6 rows "
        "are confirmed; 3 unknown, 2 not finished.\n"
        "  file       orders.csv\n"
    )
    assert out.endswith(
        "  unprocessed  2\n  strays       0\n\nUnknown, so somebody has to "
        "check (sesamy journal resolve --help):\n  row 2, order 'A-2': no "
        "reason was recorded\n  row 3, order 'A-3': no reason was recorded\n"
        f"  row 4, order 'A-4': {CUT_OFF}\n"
    )


def test_show_for_machines(sesamy: CommandLine, orders: Path) -> None:
    """Machines get the same, with every unknown order."""
    code, out, err = sesamy("journal", "show", journal_path(orders), "--json")

    assert (0, "") == (code, err)
    assert {
        "journal": str(journal_path(orders)),
        "source": "orders.csv",
        "promo": "SPRING-12",
        "vendor": "acme",
        "base_url": "https://api.sesamy.com",
        "confirm": "at-once",
        "no_strays": False,
        "rows": 6,
        "confirmed": 1,
        "already": 0,
        "created": 0,
        "rejected": 0,
        "unknown": 3,
        "unprocessed": 2,
        "strays": 0,
        "orders": [
            {"external_order_id": "A-2", "row": 2, "reason": None},
            {"external_order_id": "A-3", "row": 3, "reason": None},
            {"external_order_id": "A-4", "row": 4, "reason": CUT_OFF},
        ],
        "chain": {
            "done": False,
            "here": 1,
            "by_report": {},
            "repeated": 0,
            "open": [
                {"row": row, "reason": f"{why} in orders.csv; {what}"}
                for row, why, what in (
                    *((it, "unknown", "somebody has to look") for it in LOOK),
                    *(
                        (it, "not finished", "import orders.csv again")
                        for it in (6, 7)
                    ),
                )
            ],
            "unmatched": {},
            "unread": {},
        },
    } == json.loads(out)


def test_show_many(sesamy: CommandLine, tmp_path: Path) -> None:
    """Of many unknown orders, people see the first ones."""
    path = tmp_path / "elsewhere.db"
    with new_journal(path, rows=23) as journal:
        for row in range(2, 25):
            bring(journal, row, State.UNKNOWN)
    code, out, _ = sesamy("journal", "show", path)

    assert code == 0
    assert "order 'A-21'" in out
    assert "order 'A-22'" not in out
    assert out.endswith("  and 3 more; --json lists them all\n")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing.csv", "There is no journal nothing.csv;"),
        ("other.csv", "There is no journal other.csv.journal;"),
        (".", "can't be opened"),
    ],
)
def test_no_journal(
    sesamy: CommandLine, orders: Path, name: str, said: str
) -> None:
    """Where there is no journal, the message names what was looked for."""
    orders.with_name("other.csv").write_text("externalOrderId\n")
    code, out, err = sesamy("journal", "show", name)

    assert (1, "") == (code, out)
    assert said in err

    # While an import is running, its journal is left alone.
    with Journal.open(journal_path(orders)):
        code, out, err = sesamy("journal", "show", orders)

    assert (1, "") == (code, out)
    assert "is in use" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "3 orders are unknown, and 2 are not finished"),
        (("--yes",), "3 orders are unknown, and 2 are not finished"),
        (("--force",), "which of 6 rows were sent. Without it"),
    ],
)
def test_purge_usage(
    sesamy: CommandLine, orders: Path, arguments: tuple[str, ...], said: str
) -> None:
    """A journal that is needed stays, and nothing goes without --yes."""
    code, out, err = sesamy("journal", "purge", orders, *arguments)

    assert (2, "") == (code, out)
    assert said in err
    assert journal_path(orders).exists()


@pytest.mark.parametrize("done", [False, True])
def test_purge(sesamy: CommandLine, orders: Path, *, done: bool) -> None:
    """A journal goes with --yes, and one that is needed with --force too."""
    if done:
        settle_all(orders)
        shown = sesamy("journal", "show", orders)
        assert shown.out.endswith("  unprocessed  0\n  strays       0\n")
    force = () if done else ("--force",)
    ran = sesamy("journal", "purge", orders, "--yes", *force)

    assert ran == (0, f"{journal_path(orders)} is removed.\n", "")
    assert [orders] == list(orders.parent.iterdir())


LOOKUP = """
from sesamy_async.bulk.lookup import Found
class Known:
    async def find(self, external_order_id):
        if external_order_id == "A-2":
            return Found(contract_id="c2", confirmed=True)
        if external_order_id == "A-3":
            return None
        raise TimeoutError
class Sure:
    async def find(self, external_order_id):
        return None
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
    "Settled: {} with a contract, {} without, to be sent again. Run the same "
    "import again to continue.\n"
)


@pytest.mark.parametrize(
    ("found", "answer", "state"),
    [
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

    said = SETTLED.format(*answer).replace(" Run", " Still unknown: 2. Run")
    assert ran == (0, said, "")
    assert {
        **before,
        "A-4": "UNKNOWN",
        found[0]: state,
    } == states(orders)


def test_resolve_many(sesamy: CommandLine, orders: Path) -> None:
    """A table settles many orders."""
    table = orders.with_name("found.csv")
    table.write_text(
        "externalOrderId;contractId;notCreated\nA-2;c2;\nA-3;;yes\nA-4;;\n"
    )
    code, out, _ = sesamy(
        "journal", "resolve", orders, "--from", table, "--json"
    )

    settled = {"created": 1, "not_created": 1, "unknown": 1}
    assert (0, settled) == (code, json.loads(out))
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
        "  row 3: order 'A-5' is confirmed; only unknown orders can be "
        "settled\n"
        "  row 4: order 'A-99' is not in the journal\n"
    )
    assert "UNKNOWN" == states(orders)["A-2"]

    for name, said in ("no.csv", "there is no such file"), (".", "it is a "):
        ran = sesamy("journal", "resolve", orders, "--from", name)

        assert 2 == ran.code
        assert f"{name} can't be read: {said}" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("A-2",),
        ("--created", "c2"),
        ("A-2", "--created", "c2", "--not-created"),
        ("A-2", "--not-created", "--confirmed"),
        ("A-2", "--from", "found.csv"),
        ("--from", "found.csv", "--not-created"),
        ("--from", "found.csv", "--confirmed"),
    ],
)
def test_resolve_usage(
    sesamy: CommandLine, orders: Path, arguments: tuple[str, ...]
) -> None:
    """What is said must be clear: one order, or a table of many."""
    code, out, err = sesamy("journal", "resolve", orders, *arguments)

    assert (2, "") == (code, out)
    assert "For many orders, give a CSV file or spreadsheet: --from" in err


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
        "1 are still unknown (1 x TimeoutError)."
    )
    assert ("CONFIRMED", "PENDING", "UNKNOWN") == tuple(
        states(orders)[each] for each in ("A-2", "A-3", "A-4")
    )


def test_reconcile_all(sesamy: CommandLine, orders: Path) -> None:
    """Where the lookup knows all of them, it is exit code 0."""
    orders.with_name("lookup_sure.py").write_text(LOOKUP)
    lookup = "lookup_sure:Sure"
    ran = sesamy("journal", "reconcile", orders, "--lookup", lookup)

    assert ran == (0, SETTLED.format(0, 3), "")


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


def test_reconcile_with_its_own_sandbox(
    sesamy: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox of an import is asked without any settings."""
    monkeypatch.chdir(tmp_path)
    orders = tmp_path / "other.csv"
    ledger = KeptLedger(tmp_path / "other.csv.sandbox")
    ledger.apply(
        SoldContract(
            id="c-7",
            external_order_id="A-2",
            vendor_id="acme",
            promo_code="SPRING-12",
            user_id="u",
            payment_method="CARD",
            created_at=1.0,
            confirmed_at=2.0,
        )
    )
    terms = attrs.evolve(TERMS, base_url=f"{SANDBOX}{ledger.world}")
    with new_journal(journal_path(orders), terms) as journal:
        bring(journal, 2, State.UNKNOWN)
        bring(journal, 3, State.UNKNOWN)
    reconcile = ("journal", "reconcile", orders, "--lookup", "sandbox")

    assert sesamy(*reconcile) == (0, SETTLED.format(1, 1), "")

    ledger.clear()
    other = sesamy(*reconcile)
    ledger.path.unlink()
    none = sesamy(*reconcile)

    assert (2, 2) == (other.code, none.code)
    assert (
        "other.csv.sandbox, but that file is of another sandbox. " in other.err
    )
    assert "other.csv.sandbox, but that file is missing. " in none.err


@pytest.mark.parametrize(
    ("lookup", "said"),
    [
        (":factory", "must be package.module:factory, or sandbox"),
        ("lookup_wrong:", "must be package.module:factory, or sandbox"),
        ("no.such.module:x", "x failed: ModuleNotFoundError. Try it"),
        ("lookup_wrong:fails", "fails failed: ValueError. Try it"),
        ("lookup_wrong:Deaf", "returns a Deaf, which has no method find"),
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
