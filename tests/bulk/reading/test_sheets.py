"""Spreadsheets are read as they look, or it is said why not."""

from __future__ import annotations

import hashlib
import io
import os
import re
from datetime import date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pytest

from sesamy_async.bulk import InputFileError
from sesamy_async.bulk.reading import _sheets, _shown
from sesamy_async.bulk.reading._sheets import SheetTable, kind_of
from support.books import ODS_MIME, Rows, ods, rewritten, xlsx


OLD = Path(__file__).with_name("old.xls")
SHEET = "xl/worksheets/sheet1.xml"
ROWS: Rows = [["id", "zip"], ["A-1", 352]]
ZEROS = {"B2": "0000"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a workbook is written."""
    return tmp_path / "orders.xlsx"


def read(path: Path, sheet: str | None = None) -> list[tuple[Any, ...]]:
    """Return the rows, each after its number."""
    rows = SheetTable.open(path, sheet).rows()
    return [(row.number, *row.cells) for row in rows]


def said(path: Path) -> list[tuple[int, str]]:
    """Return the rows and the texts of the notes."""
    notes = SheetTable.open(path).notes
    return [(each.row, each.remark.text) for each in notes]


def refused(path: Path, sheet: str | None = None) -> str:
    """Return why a file is not read."""
    with pytest.raises(InputFileError) as raised:
        SheetTable.open(path, sheet)
    return str(raised.value.args[0])


def test_cells(path: Path) -> None:
    """Each kind of cell is the text that a person would write."""
    cells = {
        " Åsa\n": " Åsa\n",
        "_x0041_": "A",
        46701740605: "46701740605",
        20260917000123456: "2.02609170001235E+16",
        0.5: "0.5",
        True: "TRUE",
        date(1981, 6, 19): "1981-06-19",
        datetime(2026, 9, 17, 10, 30): "2026-09-17T10:30:00",  # noqa: DTZ001
        time(10, 30): "10:30:00",
        timedelta(hours=26, minutes=3): "26:03:00",
        "#N/A": "#N/A",
        None: "",
    }
    xlsx(path, [[*cells, "end"]])

    assert [(1, *cells.values(), "end")] == read(path)


def test_rows_have_the_numbers_of_the_sheet(path: Path) -> None:
    """Also if the first is not the first, and some are blank."""
    rows: Rows = [[], [], [None, "id", 7], [], [None, " "], [None, "A", 352]]
    xlsx(path, rows, formats={"C6": "0000"})

    assert [(3, "id", "7"), (6, "A", "0352")] == read(path)


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        (SHEET, "", ""),
        (SHEET, r' r="[A-Z]*\d+"', ""),  # Places may be left out,
        (SHEET, "<c ", "<c\n"),  # and it is written in other ways.
        ("xl/_rels/workbook.xml.rels", "/xl/worksheets", "worksheets"),
    ],
)
def test_zeros_in_front(path: Path, part: str, old: str, new: str) -> None:
    """A number is as it is shown."""
    xlsx(path, ROWS, formats=ZEROS)
    rewritten(path, part, lambda text: re.sub(old, new, text))

    assert (2, "A-1", "0352") == read(path)[1]


def test_prefixes(path: Path) -> None:
    """The names of the elements may have any prefix."""

    def edit(text: str) -> str:
        text = (
            text.replace("</", "\0").replace("<", "<x:").replace("\0", "</x:")
        )
        return text.replace("<x:?", "<?").replace("xmlns=", "xmlns:x=")

    rewritten(xlsx(path, ROWS, formats=ZEROS), SHEET, edit)

    assert (2, "A-1", "0352") == read(path)[1]


def test_the_first_style(path: Path) -> None:
    """It is that of cells without a style."""
    xlsx(path, ROWS, formats={"A1": "0000"})
    rewritten(path, SHEET, lambda text: text.replace(' s="1"', ""))
    rewritten(
        path,
        "xl/styles.xml",
        lambda text: text.replace(
            '<cellXfs count="2">', '<cellXfs><xf numFmtId="164"/>'
        ),
    )

    assert (2, "A-1", "0352") == read(path)[1]


def test_no_styles(path: Path) -> None:
    """A workbook needs none."""
    xlsx(path, ROWS)
    with ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    with ZipFile(path, "w") as book:
        for name in parts.keys() - {"xl/styles.xml"}:
            book.writestr(name, parts[name])

    assert (2, "A-1", "352") == read(path)[1]


@pytest.mark.parametrize("size", [40, 97])
def test_pieces(
    path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """What is read in pieces is found in all of them."""
    monkeypatch.setattr(f"{_shown.__name__}._CHUNK", size)
    zeros = {"B2": "0000", "B9": "0000", "B19": "0000"}
    rows: Rows = [["id", "zip"], *([f"A-{row}", row] for row in range(2, 20))]
    xlsx(path, rows, formats=zeros)
    found = {row: text for row, _, text in read(path)}

    assert ["0002", "0009", "0019", "3"] == [
        found[row] for row in (2, 9, 19, 3)
    ]


def test_formats_that_are_not_understood(path: Path) -> None:
    """Zeros that may be shown are not lost silently."""
    other = "[<=9999]0000;General"
    xlsx(path, [*ROWS, ["B", 17]], formats={"B2": other, "B3": other})
    [(row, text)] = said(path)

    assert ["352", "17"] == [cells[2] for cells in read(path)[1:]]
    assert 2 == row
    assert text.startswith("a number, and 1 more, has a format that is not")


def test_formulas(path: Path) -> None:
    """Their results count; those without one are named."""
    xlsx(path, [["id", "n"], ["A", "=1+1"], ["B", "=2+2"], ["C", "=3+3"]])
    rewritten(
        path,
        SHEET,
        lambda text: text.replace("3+3</f><v />", "3+3</f><v>6</v>"),
    )
    [(row, text)] = said(path)

    assert ["", "", "6"] == [cells[2] for cells in read(path)[1:]]
    assert 2 == row
    assert text.startswith("a formula, and 1 more, has no result in the file")


def test_a_blank_cell_with_a_format(path: Path) -> None:
    """It is not a formula without a result."""
    xlsx(path, [["id", "zip"], ["A", 352], ["B"]], formats={"B3": "0000"})

    assert [] == said(path)


def test_a_formula(path: Path) -> None:
    """One without a result is enough; an empty result is one."""
    xlsx(path, [["id", "n"], ["A", "=1+1"], ["B", '="" & ""']])
    rewritten(
        path, SHEET, lambda text: text.replace('r="B3"', 'r="B3" t="str"')
    )
    [(row, text)] = said(path)

    assert (2, "a formula has no") == (row, text[:16])


@pytest.mark.parametrize(
    ("hidden", "notes"),
    [
        ([2], [(0, "1 hidden row is read too")]),
        ([2, 3, 4], [(0, "2 hidden rows are read too")]),
        ([4], []),
    ],
)
def test_hidden_rows(path: Path, hidden: list[int], notes: object) -> None:
    """They are read like others, and counted if they are not blank."""
    xlsx(path, [["id", "n"], ["A", 1], ["B", 2]], hidden=hidden)

    assert 3 == len(read(path))
    assert notes == said(path)


CELL = '<table:table-cell office:value-type="float" office:value="{}" {}>'
ODS = (
    '<table:table-row table:number-rows-repeated="2"/>'
    "<table:table-row>"
    + '<table:table-cell office:value-type="string"><text:p>id</text:p>'
    "</table:table-cell>" * 2 + "</table:table-row>"
    '<table:table-row table:number-rows-repeated="2" '
    'table:visibility="filter">'
    + CELL.format(352, 'table:number-columns-repeated="2"')
    + "<text:p>NO-0352</text:p><office:annotation><text:p>7</text:p>"
    "</office:annotation></table:table-cell>"
    + '<table:table-cell office:value-type="string" office:string-value="" '
    'calcext:value-type="error"><text:p>#N/A</text:p></table:table-cell>'
    "</table:table-row>"
)


def test_ods(tmp_path: Path) -> None:
    """An .ods says itself what it shows."""
    path = ods(tmp_path / "orders.ods", ODS)

    assert [
        (3, "id", "id", ""),
        (4, "NO-0352", "NO-0352", "#N/A"),
        (5, "NO-0352", "NO-0352", "#N/A"),
    ] == read(path, "Orders")
    assert [(0, "2 hidden rows are read too")] == [
        (each.row, each.remark.text)
        for each in SheetTable.open(path, "Orders").notes
    ]


@pytest.mark.parametrize(
    ("value", "text", "cell"),
    [
        ("5", "0005", "0005"),
        ("41304", "41 304", "41304"),
        ("5", "5,00", "5"),
        ("0", "0,00", "0"),
        ("0", "0%", "0"),
        ("5", "kr 5", "5"),
        ("5", "A-5", "A-5"),
        ("46", "+46", "+46"),
        ("-5", "-5", "-5"),
        ("-5", "-05", "-05"),
        ("0.5", "00,5", "0.5"),
        ("20260917000123456", "20260917000123456", "2.02609170001235E+16"),
    ],
)
def test_ods_numbers(tmp_path: Path, value: str, text: str, cell: str) -> None:
    """What it shows counts where it is more than the number."""
    table = (
        f"<table:table-row>{CELL.format(value, '')}<text:p>{text}</text:p>"
        "</table:table-cell></table:table-row>"
    )

    assert [(1, cell)] == read(ods(tmp_path / "a.ods", table), "Orders")


def test_xls() -> None:
    """Of an old file it is said what is not known."""
    [(row, text)] = said(OLD)

    assert (2, "A-1", "352", "") == read(OLD)[1]
    assert 0 == row
    assert text.startswith("it is not known which numbers this kind of file")
    assert SheetTable.open(OLD).notes[0].remark.warning


@pytest.mark.parametrize(
    ("more", "hide", "wanted", "sheet"),
    [
        ({}, (), None, "Orders"),
        ({"Empty": []}, (), None, "Orders"),
        ({"Old": ROWS}, ("Old",), None, "Orders"),
        ({"Help": [["a"], ["b"]]}, (), None, "Orders"),
        ({"Old": ROWS}, (), "Old", "Old"),
        ({"Old one": ROWS}, (), "OLD-ONE", "Old one"),
        ({"old": ROWS, "OLD ": ROWS}, (), "old", "old"),
        ({"Old": ROWS}, ("Old",), "Old", "Old"),
    ],
)
def test_the_sheet(
    path: Path, more: Any, hide: Any, wanted: str | None, sheet: str
) -> None:
    """It is the one with a table in it, or the one with the name."""
    table = SheetTable.open(xlsx(path, ROWS, more=more, hide=hide), wanted)

    assert sheet == table.sheet
    assert {"format": "xlsx", "sheet": sheet} == table.meaning
    assert ("orders.xlsx", "") == (table.name, table.delimiter)


def test_an_empty_sheet(path: Path) -> None:
    """By its name it can be read, and has no rows."""
    xlsx(path, [], more={"Other": []})

    assert [] == read(path, "Other")
    assert refused(path).startswith("orders.xlsx is empty. Write a template")


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (
            None,
            (
                "orders.xlsx has several sheets: 'Orders', 'May'. Say which "
                'one has the orders: --sheet "Orders".'
            ),
        ),
        (
            "June",
            "orders.xlsx has no sheet 'June'; its sheets are 'Orders', 'May'.",
        ),
    ],
)
def test_several_sheets(path: Path, wanted: str | None, why: str) -> None:
    """A person has to say which one."""
    assert why == refused(xlsx(path, ROWS, more={"May": ROWS}), wanted)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xef\xbb\xbf <HTML><table>", None),
        (b"id;zip\nA-1;<table>", None),
        (b"", None),
        (b"PK\x03\x04", None),
        (b"\xd0\xcf\x11\xe0", "xls"),
    ],
)
def test_something_else(path: Path, content: bytes, kind: str | None) -> None:
    """What is no spreadsheet is refused, whatever its name is."""
    path.write_bytes(content)

    assert kind == kind_of(io.BytesIO(content))
    assert refused(path).startswith("orders.xlsx is damaged, protected")


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ({"xl/workbook.xml": ""}, "xlsx"),
        ({"xl/workbook.bin": ""}, "xls"),
        ({"mimetype": ODS_MIME}, "ods"),
        ({"mimetype": "application/epub+zip"}, None),
        ({"orders.csv": ""}, None),
    ],
)
def test_archives(path: Path, parts: dict[str, str], kind: str | None) -> None:
    """Some are spreadsheets."""
    with ZipFile(path, "w") as book:
        for name, text in parts.items():
            book.writestr(name, text)

    assert kind == kind_of(io.BytesIO(path.read_bytes()))
    assert refused(path)


def test_damaged(path: Path) -> None:
    """Where what is shown can't be read, the rest isn't either."""
    xlsx(path, ROWS)
    rewritten(path, "xl/styles.xml", lambda text: text[:-9])

    assert "is damaged, protected" in refused(path)


def test_password(tmp_path: Path) -> None:
    """An .ods with a password is refused."""
    path = ods(tmp_path / "a.ods", ODS, locked=True)

    assert refused(path).startswith("a.ods is damaged, protected with a")


def test_extra_is_missing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra that reads them is named."""
    monkeypatch.setattr(_sheets, "find_spec", lambda _: None)

    assert refused(xlsx(path, ROWS)).endswith(
        "which needs the extra \"files\": pip install 'sesamy-async[files]'"
    )


def test_changed_meanwhile(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is written while it is read is not believed."""
    sizes = iter([1, 2])

    def fstat(_: int) -> SimpleNamespace:
        return SimpleNamespace(st_size=next(sizes), st_mtime_ns=0)

    monkeypatch.setattr(_sheets, "os", SimpleNamespace(fstat=fstat))
    path.write_bytes(b"PK")

    assert refused(path).startswith("orders.xlsx changed while it was read.")


def test_one_reading_is_like_the_other(path: Path) -> None:
    """Rows and digest are of the same bytes, also if they change later."""
    table = SheetTable.open(xlsx(path, ROWS, formats=ZEROS))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    rows = [*table.rows()]
    os.truncate(path, 0)
    table.digest().update(b"more")

    assert rows == [*table.rows()]
    assert digest == table.digest().hexdigest()
    assert "0352" not in repr(table)


def test_ods_without_zeros(tmp_path: Path) -> None:
    """Where no number has any in front, none is looked for."""
    table = (
        f"<table:table-row>{CELL.format(5, '')}<text:p>0005</text:p>"
        "</table:table-cell></table:table-row>"
    )

    path = ods(tmp_path / "a.ods", table, digits=1)
    rewritten(path, "content.xml", lambda text: re.sub("visib", "x", text))

    assert [(1, "5")] == read(path, "Orders")
