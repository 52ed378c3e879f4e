"""The reports of a spreadsheet are spreadsheets, in which no cell changes."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async.bulk import Entry, InputFileError, State
from sesamy_async.bulk._rows import Row
from sesamy_async.bulk._workbooks import NewTable
from sesamy_async.bulk.journal import (
    Finding,
    Memory,
    journal_path,
    read_findings,
)
from sesamy_async.bulk.reading._sheets import SheetTable
from sesamy_async.bulk.reports import ReportError, ReportPaths
from support.books import opened
from support.journals import new_journal
from support.reported import HEADER, SOME, Rows, written


ODD = ("0018", "20260917000123456", "12E3", "+46701740605", "=A6()", "'=1")
REFUSED = Entry(row=2, order_id="A-2", state=State.REJECTED, reason="=no")
book = partial(written, spreadsheet=True)


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    """Return the memory of a journal."""
    with new_journal(tmp_path / "journal") as journal:
        yield journal.memory


def cells(path: Path) -> list[list[str]]:
    """Return all cells of a report."""
    return [[*row.cells] for row in SheetTable.open(path).rows()]


def refused(*values: str, **more: Any) -> dict[str, Any]:
    """Return the arguments for a report of one rejected row."""
    source = Rows([Row(2, values)], header=HEADER)
    return {"entries": (REFUSED,), "source": source, **more}


def filled(path: Path, place: str, value: object) -> None:
    """Write something into a report, in another program."""
    edited = opened(path)
    sheet: Any = edited.active
    sheet[place] = value
    edited.save(path)


def test_names(tmp_path: Path) -> None:
    """All are tables that end in .xlsx, and an import keeps them apart."""
    paths = {*book(tmp_path, SOME).paths.values()}

    assert {".xlsx"} == {each.suffix for each in paths}
    assert paths <= {*ReportPaths(tmp_path, "orders").every()}


def test_cells_stay(tmp_path: Path) -> None:
    """Each is a text without an apostrophe; numbers of ours are numbers."""
    path = book(tmp_path, **refused(*ODD)).paths["rejected"]
    sheet: Any = opened(path)["rejected"]
    number, *texts = sheet[2]

    assert (2, "n") == (number.value, number.data_type)
    assert ["=no", "id:0018", *ODD] == [each.value for each in texts]
    assert {("s", "@")} == {(it.data_type, it.number_format) for it in texts}
    assert "A2" == sheet.freeze_panes
    assert all(each.font.bold for each in sheet[1][:6])
    assert "@" == sheet.column_dimensions["A"].number_format


def test_any_text(tmp_path: Path) -> None:
    """Nothing that a cell may hold is lost."""
    odd = (" a ", "_x0041_\x01", "\n", "\U0001f600", "\ud800")
    path = book(tmp_path, **refused(*odd)).paths["rejected"]

    assert [*odd[:-1], "\\ud800"] == cells(path)[1][3:]


def test_same_bytes(tmp_path: Path) -> None:
    """The same rows make the same file, which only this user may read."""
    for each in ("a", "b"):
        (tmp_path / each).mkdir()
    one, two = (
        book(tmp_path / each, SOME).paths["unknown"] for each in ("a", "b")
    )

    assert one.read_bytes() == two.read_bytes()
    assert 0o600 == one.stat().st_mode & 0o777
    assert [] == [*tmp_path.glob("*/.*")]


@pytest.mark.parametrize("order", ["0018", "'=1"])
def test_unknown_is_filled_in(tmp_path: Path, order: str) -> None:
    """The report of unknown orders is read once a person has looked."""
    entry = attrs.evolve(SOME[2], order_id=order)
    path = book(tmp_path, [entry]).paths["unknown"]
    filled(path, "C2", "c4")
    filled(path, "D2", True)

    assert [
        Finding(
            order_id=order, contract_id="c4", confirmed=True, where="row 2"
        )
    ] == read_findings(path)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("A-4", ""),
        ("0018", "externalOrderId was '0018', and is '18' here"),
        # In CSV of ours, such an apostrophe is not part of it.
        ("'=1", "externalOrderId was \"'=1\", and is '=1' here"),
    ],
)
def test_saved_as_csv(tmp_path: Path, order: str, said: str) -> None:
    """Then an id may have changed, and is guarded."""
    entry = attrs.evolve(SOME[2], order_id=order)
    path = book(tmp_path, [entry]).paths["unknown"]
    filled(path, "C2", "c4")
    rows = [[it.lstrip("0") for it in row] for row in cells(path)]
    with (tmp_path / "saved.csv").open("w", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)
    problems = []
    try:
        read_findings(tmp_path / "saved.csv")
    except InputFileError as error:
        problems = [*error.problems]

    assert bool(said) == bool(problems)
    assert said in "".join(problems)


def test_edited(tmp_path: Path, memory: Memory) -> None:
    """A report that somebody has changed stays, and others are replaced."""
    write = partial(book, tmp_path, memory=memory)
    [first] = write(**refused("A", said={2: "Åsa"})).paths.values()
    again = write(**refused("B"))
    taken_over = cells(first)[1][:4]
    filled(first, "D2", "mended")
    more = write(**refused("C"))
    journal_path(more.paths["rejected"]).touch()
    last = write(**refused("D"))

    assert again.paths["rejected"] == first
    assert ["2", "=no Sesamy says: Åsa", "id:B", "B"] == taken_over
    assert "mended" == cells(first)[1][3]
    assert "orders.rejected.2.xlsx" == more.paths["rejected"].name
    assert "orders.rejected.3.xlsx" == last.paths["rejected"].name
    assert 2 == len(last.kept)


def test_unreadable(tmp_path: Path, memory: Memory) -> None:
    """What is no spreadsheet any more says nothing of its rows."""
    broken = tmp_path / "orders.rejected.xlsx"
    broken.write_bytes(b"PK")
    memory.add(broken.name, hashlib.sha256(b"PK").digest())
    path = book(tmp_path, **refused("A", memory=memory)).paths["rejected"]

    assert broken == path
    assert "=no" == cells(path)[1][1]


def test_json_lines(tmp_path: Path) -> None:
    """The rejected rows of JSON Lines stay JSON Lines."""
    source = Rows([Row(2, ("{}",))], header=())
    path = book(tmp_path, (REFUSED,), source=source).paths["rejected"]

    assert "orders.rejected.jsonl" == path.name


def test_too_much(tmp_path: Path) -> None:
    """A cell that a spreadsheet would cut is not written."""
    with pytest.raises(ReportError, match="more rows, or longer cells"):
        book(tmp_path, **refused("x" * 32_768))

    assert [] == [*tmp_path.iterdir()]


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that can't be written to its end is not put in its place."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("xlsxwriter.workbook.Workbook._store_workbook", full)
    with pytest.raises(ReportError, match=r"rejected\.xlsx can't be written"):
        book(tmp_path, **refused("A"))

    assert [] == [*tmp_path.iterdir()]


def test_rows_wait_outside(tmp_path: Path) -> None:
    """They take no memory, and nothing is left of them."""
    table = NewTable(tmp_path / "a.xlsx", "a", ("id",))
    waiting = Path(table._folder.name)
    table.add(["A"])

    assert [*waiting.iterdir()]
    table.close()
    table.close()
    assert not waiting.exists()
