"""``sesamy import`` refuses what is wrong, and overwrites nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sesamy_async.bulk.check import Checked, check
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reports import ReportError
from sesamy_async.sandbox import Sandbox
from support.books import xlsx
from support.command_line import IMPORT, PROMO, CommandLine, once, orders_file


def test_wrong_rows(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path
) -> None:
    """A wrong row keeps all from being sent, and is told with its row."""
    orders_file(wrong=3)
    ran = sesamy(*IMPORT)

    assert (2, "") == (ran.code, ran.out)
    assert "mistakes in 1 row of 3: row 3, userData.email: must" in ran.err
    assert "All are in orders.problems.csv." in ran.err
    assert 0 == served.ledger.requests()
    assert {"orders.csv", "orders.problems.csv"} == {
        each.name for each in tmp_path.iterdir()
    }


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("name", "delimiter"),
    [
        ("orders.csv", ","),
        ("orders-semicolon.csv", ";"),
        ("orders.xlsx", ";"),
        ("orders.jsonl", ","),
    ],
)
def test_list_of_wrong_rows(
    sesamy: CommandLine, name: str, delimiter: str
) -> None:
    """It has the delimiter of the file; in spreadsheets, that of Europe."""
    rows = [["externalOrderId", "userData.email"], ["A-1", "ada(at)x.se"]]
    path = Path(name)
    if path.suffix == ".xlsx":
        xlsx(path, rows)
    elif path.suffix == ".jsonl":
        path.write_text('{"externalOrderId": 1, "userData": 2}\n')
    else:
        path.write_text("".join(f"{delimiter.join(it)}\n" for it in rows))
    ran = sesamy("import", path, "--promo", "SPRING-12")
    [listed] = Path().glob("*.problems.csv")

    assert 2 == ran.code
    header = listed.read_text("utf-8-sig").splitlines()[0]
    assert delimiter.join(["row", "column", "reason"]) == header


@pytest.mark.usefixtures("served")
def test_many_wrong_rows(sesamy: CommandLine) -> None:
    """Twenty different mistakes are shown, and all are in a file."""
    path = orders_file(count=30)
    lines = path.read_text("utf-8").splitlines()
    # Each row has another number of cells.
    wrong = [f"{line}{',x' * n}" for n, line in enumerate(lines)]
    path.write_text("\n".join(wrong), encoding="utf-8")
    ran = sesamy(*IMPORT)
    listed = Path("orders.problems.csv").read_text("utf-8").splitlines()

    assert "row 21" in ran.err
    assert "row 22" not in ran.err
    assert "\n  and 10 more\n" in ran.err
    assert 31 == len(listed)

    # Where the list can't be written, the problems are told all the same.
    Path("orders.problems.csv").unlink()
    Path("orders.problems.csv").mkdir()
    ran = sesamy(*IMPORT)

    assert 2 == ran.code
    assert "row 3: has 8 cells" in ran.err
    assert "(The list of all is missing: The report orders.prob" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "No file is given."),
        (
            ("--template", "orders.toml"),
            "has the name of a mapping. Name a file",
        ),
        (("nowhere.csv",), "there is no such file"),
        (
            ("orders.csv", "--report", "no/page.html"),
            "there is no folder no. Choose",
        ),
        (("orders.csv", "--report", "."), "there is a folder of that name"),
        (("orders.csv", "--confirm", "perhaps"), "--confirm"),
        (("orders.csv", "--concurrency", "0"), "--concurrency"),
        (("orders.csv", "--dry-run", "--base-url", "x"), "--base-url (SESAMY"),
        (("orders.csv", "--sandbox", "--base-url", "x"), "Give either"),
        (("orders.csv", "--sandbox", "--audience", " "), "SESAMY_AUDIENCE"),
        (("orders.csv",), "SESAMY_VENDOR_ID"),
        (("orders.csv", "--vendor", "acme"), "SESAMY_CLIENT_ID"),
        (("orders.csv", "--encoding", "x"), "encoding 'x' is unknown"),
        (("header.csv", "--sandbox"), "unknown; did you mean userData.email?"),
    ],
)
def test_usage(
    sesamy: CommandLine, arguments: tuple[str, ...], said: str
) -> None:
    """A wrong option sends nothing, and leaves no file behind."""
    text = orders_file().read_text("utf-8").replace("userData.email", "Email")
    Path("header.csv").write_text(text, encoding="utf-8")
    ran = sesamy("import", *arguments, *PROMO)

    assert (2, "") == (ran.code, ran.out)
    assert said in ran.err
    assert {"orders.csv", "header.csv"} == {it.name for it in Path().iterdir()}


@pytest.mark.parametrize("promo", ["", "a\x1bb"])
def test_promo_that_is_none(sesamy: CommandLine, promo: str) -> None:
    """An impossible promo code is refused before any row is."""
    orders_file()
    ran = sesamy("import", "orders.csv", "--sandbox", "--promo", promo)

    assert 2 == ran.code
    assert ran.err.startswith("Error: --promo")
    assert [Path("orders.csv")] == [*Path().iterdir()]

    # Without it, there must be a column of promo codes.
    none = sesamy("import", "orders.csv", "--sandbox")

    assert 2 == none.code
    assert "give the promo code of its orders with --promo" in none.err


def test_unwritable_folder(sesamy: CommandLine, served: Sandbox) -> None:
    """Where the import can't write, nothing is sent."""
    orders_file()
    ran = sesamy(*IMPORT, "--journal", "no/orders.csv.journal")

    assert 2 == ran.code
    assert "there is no folder no. " in ran.err
    assert 0 == served.ledger.requests()


def test_wrong_secret(
    sesamy: CommandLine,
    served: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a wrong secret it stops, and goes on once it is right."""
    right = os.environ["SESAMY_CLIENT_SECRET"]
    orders_file()
    monkeypatch.setenv("SESAMY_CLIENT_SECRET", "wrong")
    stopped = sesamy(*IMPORT)
    monkeypatch.setenv("SESAMY_CLIENT_SECRET", right)
    resumed = sesamy(*IMPORT)

    assert (1, 0) == (stopped.code, resumed.code)
    assert "Invalid client credentials" in stopped.out
    assert "3 rows not finished: run the same command" in stopped.out
    assert "Continuing with orders.csv.journal" in resumed.err
    assert once(served, 3)


@pytest.mark.usefixtures("served")
def test_reports_fail(
    sesamy: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where reports fail, what was sent is told all the same."""

    def fail(*_: object, **__: object) -> None:
        raise ReportError("The disk is full.")

    orders_file()
    reporting = "sesamy_async.bulk._file.write_reports"
    with monkeypatch.context() as broken:
        broken.setattr(reporting, fail)
        ran = sesamy(*IMPORT)
    again = sesamy(*IMPORT)

    assert (1, 0) == (ran.code, again.code)
    assert "All 3 orders are confirmed." in ran.out
    assert "The disk is full. The journal has what became" in ran.out


def test_no_home(
    sesamy: CommandLine,
    served: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a home, as in a container, tokens are kept nowhere."""

    def fail() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", fail)
    ran = sesamy("import", orders_file(), *PROMO)

    assert 0 == ran.code
    assert 1 == served.ledger.requests("token")


@pytest.mark.parametrize(
    ("file", "more"),
    [
        ("orders.csv", ("--report", "orders.csv")),
        ("orders.csv", ("--report", "./orders.csv.journal")),
        ("orders.csv", ("--report", "orders.csv.journal-wal")),
        ("orders.csv", ("--journal", "orders.csv")),
        ("orders.csv", ("--report", "link.csv")),
        ("orders.csv", ("--mapping", "m.toml", "--report", "m.toml")),
        ("orders.rejected.csv", ("--journal", "orders.journal")),
        ("orders.strays.csv", ("--journal", "orders.csv.journal")),
        ("orders.problems.csv", ("--journal", "orders.csv.journal")),
        ("orders.sandbox", ("--format", "csv", "--journal", "orders")),
    ],
)
def test_kept_apart(
    sesamy: CommandLine,
    served: Sandbox,
    tmp_path: Path,
    file: str,
    more: tuple[str, ...],
) -> None:
    """Where a file would be written over another, nothing is done."""
    source = orders_file(tmp_path / file)
    Path("link.csv").symlink_to(file)
    Path("m.toml").write_text("", encoding="utf-8")
    before = source.read_bytes(), sorted(tmp_path.iterdir())
    ran = sesamy("import", file, *PROMO, *more)

    assert 2 == ran.code
    assert "The import would write" in ran.err
    assert before == (source.read_bytes(), sorted(tmp_path.iterdir()))
    assert 0 == served.ledger.total


def test_two_of_one_name(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path
) -> None:
    """A table and JSON Lines of one name have reports of their own."""
    orders_file()
    line = '{"externalOrderId": "A-1", "userData": {"email": "k@x.se"}}'
    Path("orders.jsonl").write_text(f"{line}\n", encoding="utf-8")
    for each in ("orders.csv", "orders.jsonl", "orders.csv"):
        assert 0 == sesamy("import", each, *PROMO).code
    lines = {
        path.name: len(path.read_text("utf-8").splitlines())
        for path in tmp_path.glob("*.confirmed.csv")
    }

    assert {"orders.confirmed.csv": 4, "orders.jsonl.confirmed.csv": 2} == (
        lines
    )
    assert 4 == served.ledger.total


def test_names_of_another_import(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path
) -> None:
    """Where reports would replace those of another import, it is refused."""
    orders_file()
    orders_file(tmp_path / "orders")
    sesamy(*IMPORT)
    report = Path("orders.confirmed.csv").read_bytes()
    ran = sesamy("import", "orders", *PROMO, "--format", "csv")

    assert 2 == ran.code
    assert "those of orders.csv.journal. Name another journal" in (ran.err)
    assert report == Path("orders.confirmed.csv").read_bytes()
    assert 3 == served.ledger.total


@pytest.mark.parametrize(
    ("link", "said"),
    [("orders.csv", "can't be read"), ("x.csv.journal", "There is a file")],
)
def test_link_to_itself(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path, link: str, said: str
) -> None:
    """A link to itself is an error with a message."""
    orders_file(tmp_path / "x.csv")
    Path(link).symlink_to(link)
    file = link.removesuffix(".journal")
    ran = sesamy("import", file, *PROMO)
    shown = sesamy("journal", "show", file)

    assert ran.code in {1, 2}
    assert said in ran.err
    assert 1 == shown.code
    assert 0 == served.ledger.total


def test_file_that_changes(
    sesamy: CommandLine, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that changes once orders were sent does not hide that."""
    path = orders_file()
    create = Journal.create

    def changes(*arguments: Any) -> Journal:
        journal = create(*arguments)
        text = orders_file(path, 2).read_text("utf-8")
        path.write_text(f"{text}\nÅ", encoding="cp1252")
        return journal

    monkeypatch.setattr(Journal, "create", changes)
    ran = sesamy(*IMPORT)

    assert 1 == ran.code
    assert "it has byte 0xc5, which is not UTF-8" in ran.out
    assert "Nothing was sent" not in f"{ran.out}{ran.err}"
    assert served.ledger.total <= 2


def test_file_that_grows(
    sesamy: CommandLine,
    served: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file that changes while it is checked is not imported."""
    path = orders_file()

    def grows(*arguments: Any, **options: Any) -> Checked:
        found = check(*arguments, **options)
        orders_file(path, 4)
        return found

    monkeypatch.setattr("sesamy_async.bulk._file.check", grows)
    ran = sesamy(*IMPORT)

    assert 2 == ran.code
    assert "changed while it was checked" in ran.err
    assert 0 == served.ledger.total
