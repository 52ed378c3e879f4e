"""``sesamy import`` says what became of every row, and how to go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from sesamy_async.sandbox import Sandbox
from support.command_line import (
    CommandLine,
    once,
    orders_file,
    with_mistake,
)


PROMO = ("--promo", "SPRING-12")


def test_for_people(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path
) -> None:
    """All orders are confirmed once, and people get aligned rows."""
    ran = sesamy("import", orders_file(tmp_path / "orders.csv"), *PROMO)
    *told, spent = ran.out.splitlines()

    assert 0 == ran.code
    assert told == [
        "All 3 orders are confirmed.",
        f"  confirmed    3  {tmp_path / 'orders.confirmed.csv'}",
        f"  journal      {tmp_path / 'orders.csv.journal'}",
    ]
    assert spent.startswith("  this run     6 calls in")
    assert ran.err.startswith("3 rows: 6 calls; a burst of 500")
    assert once(served, 3)


def test_for_machines(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path
) -> None:
    """With --json there is one object, with all counts and paths."""
    orders_file(tmp_path / "orders.csv")
    ran = sesamy(
        *("import", "orders.csv", *PROMO, "--json"),
        *("--report", "page.html", "--confirm", "no"),
    )
    answer = ran.json

    assert 0 == ran.code
    assert not served.ledger.confirmed("T-1")
    assert answer == {
        "rows": 3,
        "confirmed": 0,
        "created": 3,
        "rejected": 0,
        "unknown": 0,
        "unprocessed": 0,
        "strays": 0,
        "confirm": "no",
        "ending": "complete",
        "reason": None,
        "seconds": answer["seconds"],
        "calls": 3,
        "permitted": 5.0,
        "done": 3,
        "sandbox": False,
        "source": "orders.csv",
        "journal": "orders.csv.journal",
        "reports": {"created": "orders.created.csv"},
        "kept": [],
        "report": "page.html",
        "report_problem": None,
    }
    assert "All 3 orders are created." in Path("page.html").read_text("utf-8")


def test_complete_already(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path
) -> None:
    """A complete import sends nothing, and is reported again."""
    with_mistake(orders_file(tmp_path / "orders.csv"), row=3)
    first = sesamy("import", "orders.csv", *PROMO, "--skip-invalid")
    report = Path("orders.rejected.csv")
    report.unlink()
    before = served.ledger.requests("create")
    again = sesamy("import", "orders.csv", *PROMO, "--skip-invalid")

    assert (3, 3) == (first.code, again.code)
    assert before == served.ledger.requests("create")
    assert "this import is complete: nothing is sent" in again.err
    assert report.exists()
    assert 2 == served.ledger.total


def test_mended_report(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path
) -> None:
    """The rejected report, mended, is imported as it is."""
    with_mistake(orders_file(tmp_path / "orders.csv"), row=3)
    first = sesamy("import", "orders.csv", *PROMO, "--skip-invalid")
    report = Path("orders.rejected.csv")
    text = report.read_text("utf-8-sig").replace("(at)", "@")
    report.write_text(text, encoding="utf-8-sig")
    second = sesamy("import", report, *PROMO)

    assert (3, 0) == (first.code, second.code)
    assert "3 rows (1 left out)" in first.err
    assert once(served, 3)


@pytest.mark.parametrize(
    ("delimiter", "more"), [(",", ()), (";", ("--encoding", "cp1252"))]
)
def test_what_spreadsheets_write(
    sesamy: CommandLine,
    served: Sandbox,
    tmp_path: Path,
    delimiter: str,
    more: tuple[str, ...],
) -> None:
    """Semicolons and cp1252 go in, and semicolons come out."""
    path = orders_file(tmp_path / "orders.csv")
    text = path.read_text("utf-8").replace(",", delimiter)
    path.write_text(text, encoding="cp1252" if more else "utf-8")
    ran = sesamy("import", path, *PROMO, *more)
    report = (tmp_path / "orders.confirmed.csv").read_text("utf-8-sig")

    assert 0 == ran.code
    assert report.startswith(f"row{delimiter}externalOrderId{delimiter}")
    assert (
        "Kim Åberg"
        == (served.ledger.contracts("T-1")[0].order["userData"]["fullName"])
    )


def test_json_lines(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path
) -> None:
    """JSON Lines are orders too, and come back as such."""
    path = tmp_path / "orders.jsonl"
    right = '{"externalOrderId": "T-1", "userData": {"email": "k@x.se"}}'
    path.write_text(f'{right}\n{{"quantity": 1}}\n')
    ran = sesamy("import", path, *PROMO, "--skip-invalid")
    report = (tmp_path / "orders.jsonl.rejected.jsonl").read_text("utf-8")

    assert 3 == ran.code
    assert report.startswith('{"#row": 2, "#reason": "externalOrderId')
    assert once(served, 1)


def test_dry_run(sesamy: CommandLine, tmp_path: Path) -> None:
    """A dry run needs no credentials, sends nothing and leaves nothing."""
    with_mistake(orders_file(tmp_path / "orders.csv", 400), row=3)
    told = sesamy("import", "orders.csv", *PROMO, "--dry-run")
    skipped = sesamy(
        "import", "orders.csv", *PROMO, "--dry-run", "--skip-invalid"
    )
    machines = sesamy(
        *("import", "orders.csv", *PROMO, "--dry-run", "--skip-invalid"),
        *("--confirm", "at-once", "--json"),
    )

    assert 2 == told.code
    assert skipped.out == (
        "399 orders can be sent; 1 row would be left out. Nothing was sent.\n"
        "  That takes 798 calls; at least 1 min 0 s at the permitted 5 per "
        "second.\n"
    )
    assert machines.json == {
        "rows": 400,
        "valid": 399,
        "invalid": 1,
        "calls": 399,
        "dry_run": True,
    }
    assert [tmp_path / "orders.csv"] == [*tmp_path.iterdir()]


def test_dry_run_of_a_right_file(sesamy: CommandLine, tmp_path: Path) -> None:
    """Where all is right, that is all that is said."""
    orders_file(tmp_path / "orders.csv")
    ran = sesamy("import", "orders.csv", *PROMO, "--dry-run")

    assert 0 == ran.code
    assert ran.out.startswith("3 orders can be sent. Nothing was sent.\n")


def test_template(sesamy: CommandLine) -> None:
    """The template can be imported as it is, and is never overwritten."""
    made = sesamy("import", "--template", "--json")
    ran = sesamy("import", "orders.csv", *PROMO, "--dry-run")
    again = sesamy("import", "--template")
    other = sesamy("import", "mine.csv", "--template")

    assert (0, 0, 2, 0) == (made.code, ran.code, again.code, other.code)
    assert made.json == {"template": "orders.csv", "mapping": "orders.toml"}
    assert Path("mine.toml").exists()


def test_orders_to_look_at(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path
) -> None:
    """An order whose answer is lost is to be looked at: exit code 4."""
    served.faults.add("drop-after", on="create")
    orders_file(tmp_path / "orders.csv")
    ran = sesamy("import", "orders.csv", *PROMO, "--confirm", "at-once")

    assert 4 == ran.code
    assert "2 of 3 rows are confirmed; 1 unknown." in ran.out
    assert 3 == served.ledger.total


def test_strays_are_told(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path
) -> None:
    """A create whose answer is lost is repeated, and counted."""
    served.faults.add("drop-after", on="create")
    orders_file(tmp_path / "orders.csv")
    ran = sesamy("import", "orders.csv", *PROMO)

    assert 0 == ran.code
    assert "  strays       1  orders.strays.csv" in ran.out


def test_no_strays(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path
) -> None:
    """Whoever wants no strays has to look instead."""
    served.faults.add("drop-after", on="create")
    orders_file(tmp_path / "orders.csv")
    ran = sesamy("import", "orders.csv", *PROMO, "--no-strays")

    assert 4 == ran.code
    assert 3 == served.ledger.total
