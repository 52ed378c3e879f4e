"""The commands of a journal show it, and remove it."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

from sesamy_async.bulk import Confirm, State
from sesamy_async.bulk.journal import Journal, journal_path
from support.command_line import CommandLine
from support.cut_off import cut_off, settle_all
from support.journals import TERMS, bring, new_journal


CUT_OFF = (
    "The import ended while this order was being sent; nobody has seen the "
    "answer."
)


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file of orders, whose import was cut off."""
    monkeypatch.chdir(tmp_path)
    return cut_off(tmp_path)


def test_show(sesamy: CommandLine, orders: Path) -> None:
    """People see the terms, the counts, and what they have to look at."""
    journal = journal_path(orders)

    shown = (
        f"{journal} is the journal of orders.csv: 6 rows.\n"
        "  source     orders.csv\n"
        "  promo      SPRING-12\n"
        "  vendor     acme\n"
        "  base_url   https://api.sesamy.com\n"
        "  confirm    at-once\n"
        "  no_strays  False\n"
        "\n"
        "  confirmed    1\n"
        "  created      0\n"
        "  rejected     0\n"
        "  unknown      3\n"
        "  unprocessed  2\n"
        "  strays       0\n"
        "\n"
        "Unknown, so somebody has to look (sesamy journal resolve --help):\n"
        "  row 2, order 'A-2': no reason was kept\n"
        "  row 3, order 'A-3': no reason was kept\n"
        f"  row 4, order 'A-4': {CUT_OFF}\n"
    )

    assert (0, shown, "") == sesamy("journal", "show", orders)


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

    # Where created is the goal, such orders are done; none is unknown.
    terms = attrs.evolve(TERMS, confirm=Confirm.NO)
    with new_journal(tmp_path / "a.journal", terms) as journal:
        bring(journal, 2, State.CREATED)
    _, out, _ = sesamy("journal", "show", tmp_path / "a")

    assert "  created      1\n" in out
    assert out.endswith("  unprocessed  2\n  strays       0\n")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing.csv", "There is no journal nothing.csv;"),
        ("nothing.journal", "There is no journal nothing.journal;"),
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
        (("--force",), "which of 6 rows were sent; without it"),
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
    force = () if done else ("--force",)
    ran = sesamy("journal", "purge", orders, "--yes", *force)

    assert ran == (0, f"{journal_path(orders)} is removed.\n", "")
    assert [orders] == list(orders.parent.iterdir())
