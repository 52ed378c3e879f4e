"""An import writes over nothing that is read or kept, and sends files once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sesamy_async.bulk import Importer, ImportSummary
from sesamy_async.bulk.check import Checked, check
from sesamy_async.bulk.journal import Journal
from sesamy_async.sandbox import Sandbox
from support.command_line import IMPORT, PROMO, CommandLine, orders_file


@pytest.mark.parametrize(
    ("file", "more"),
    [
        ("orders.csv", ("--report", "orders.csv")),
        ("orders.csv", ("--report", "./orders.csv.journal")),
        ("orders.csv", ("--report", "orders.csv.journal-wal")),
        ("orders.csv", ("--report", "orders.rejected.csv")),
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
    codes = [
        sesamy("import", each, *PROMO).code
        for each in ("orders.csv", "orders.jsonl", "orders.csv")
    ]
    lines = {
        path.name: len(path.read_text("utf-8").splitlines())
        for path in tmp_path.glob("*.confirmed.csv")
    }

    assert [0, 0, 0] == codes
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
    assert "those of orders.csv.journal. Give the import another name" in (
        ran.err
    )
    assert report == Path("orders.confirmed.csv").read_bytes()
    assert 3 == served.ledger.total


@pytest.mark.parametrize(
    ("link", "said"),
    [("orders.csv", "can't be read"), ("x.csv.journal", "There is a file")],
)
def test_link_to_itself(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path, link: str, said: str
) -> None:
    """A link that leads nowhere is told in words."""
    orders_file(tmp_path / "x.csv")
    Path(link).symlink_to(link)
    file = link.removesuffix(".journal")
    ran = sesamy("import", file, *PROMO)
    shown = sesamy("journal", "show", file)

    assert ran.code in {1, 2}
    assert said in ran.err
    assert 1 == shown.code
    assert 0 == served.ledger.total


@pytest.mark.parametrize(
    ("end", "said"),
    [("", "row 4 is not what it was"), ('\n"', "row 4: a quotation mark")],
)
def test_file_that_changes(
    sesamy: CommandLine,
    served: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    end: str,
    said: str,
) -> None:
    """A file that changes once orders were sent does not hide that."""
    path = orders_file(Path("orders.csv"))
    create = Journal.create

    def changes(*arguments: Any) -> Journal:
        journal = create(*arguments)
        text = orders_file(path, 2).read_text("utf-8")
        path.write_text(f"{text}{end}", encoding="utf-8")
        return journal

    monkeypatch.setattr(Journal, "create", changes)
    ran = sesamy(*IMPORT)

    assert 1 == ran.code
    assert said in ran.out
    assert "Nothing was sent" not in f"{ran.out}{ran.err}"
    assert served.ledger.total <= 2


def test_file_that_grows(
    sesamy: CommandLine,
    served: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file that is still written is not imported as far as it is."""
    path = orders_file()

    def grows(*arguments: Any, **options: Any) -> Checked:
        found = check(*arguments, **options)
        orders_file(path, 4)
        return found

    monkeypatch.setattr("sesamy_async._cli.import_job.check", grows)
    ran = sesamy(*IMPORT)

    assert 2 == ran.code
    assert "changed while it was checked" in ran.err
    assert 0 == served.ledger.total


def test_file_that_is_sorted(
    sesamy: CommandLine, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No order that was sent comes into a report to mend and import."""
    path = orders_file(wrong=2)
    run = Importer.run

    def sort() -> None:
        header, *rows = path.read_text("utf-8").splitlines()
        beside = Path("sorted.csv")
        beside.write_text("\n".join([header, *rows[::-1]]), encoding="utf-8")
        beside.replace(path)

    async def sorts(importer: Importer) -> ImportSummary:
        summary = await run(importer)
        sort()
        return summary

    monkeypatch.setattr(Importer, "run", sorts)
    ran = sesamy(*IMPORT, "--skip-invalid")

    assert 2 == served.ledger.total
    assert 3 == ran.code
    assert "changed while it was imported" in ran.out
    assert not Path("orders.rejected.csv").exists()
