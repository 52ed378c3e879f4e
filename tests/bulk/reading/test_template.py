"""The template as a spreadsheet explains itself, and its orders are right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sesamy_async.bulk import InputFileError
from sesamy_async.bulk.reading import _template, open_source, write_template
from sesamy_async.bulk.reading._fields import FIELDS, blind
from sesamy_async.bulk.reading._sheets import SheetTable
from support.books import opened
from support.order_files import orders


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write it once."""
    folder = tmp_path_factory.mktemp("template")
    write_template(folder / "orders.xlsx", folder / "orders.toml")
    return folder / "orders.xlsx"


def test_its_rows(path: Path, tmp_path: Path) -> None:
    """They are those of the CSV, below the help."""
    csv = tmp_path / "orders.csv"
    write_template(csv, tmp_path / "orders.toml")
    source = open_source(csv)
    table = SheetTable.open(path)
    help_row, header, *rows = table.rows()

    assert "Orders" == table.sheet
    assert [1, 2, 3, 4] == [
        help_row.number,
        *(header.number, 3, rows[1].number),
    ]
    assert source.header == header.cells
    assert [row.cells for row in source.records()] == [
        row.cells for row in rows
    ]
    assert 2 == len(orders(source))
    assert path.with_suffix(".toml").is_file()


def test_its_help(path: Path) -> None:
    """Each column is explained, in words that no header has."""
    help_row, header, *_ = SheetTable.open(path).rows()
    names = {blind(name) for name in FIELDS}

    assert all(text.endswith(".") for text in help_row.cells)
    assert not names & {blind(text) for text in help_row.cells}
    assert len(header.cells) == len(help_row.cells)


def test_its_cells(path: Path) -> None:
    """All are texts, those that are empty too; the header stays in sight."""
    sheet: Any = opened(path)["Orders"]
    formats = {it.number_format for row in sheet["A2:X4"] for it in row}
    wide = {
        each.min: each.number_format
        for each in sheet.column_dimensions.values()
    }

    assert {"@"} == formats | {*wide.values()}
    assert "B3" == sheet.freeze_panes
    assert sheet["A2"].font.bold
    assert sheet["A1"].alignment.wrap_text


def test_its_lists(path: Path) -> None:
    """Known words are chosen from lists, for as many rows as there can be."""
    sheet: Any = opened(path)["Orders"]
    rules = {
        sheet.cell(2, next(iter(rule.sqref.ranges)).min_col).value: rule
        for rule in sheet.data_validations.dataValidation
    }

    assert {
        "paymentProvider": '"KLARNA,STRIPE,BILLOGRAM,SESAMY"',
        "paymentMethod": '"BANKGIRO,EXTERNAL,INVOICE,SWISH,CARD,FREE"',
        "userData.gender": '"male,female,other"',
        "userData.birthday": None,
    } == {name: rule.formula1 for name, rule in rules.items()}
    assert "B3:B1048576" == str(rules["paymentProvider"].sqref)
    assert "1981-06-19" in rules["userData.birthday"].prompt


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("orders.ods", "can't be written as .ods. Name a file that ends in"),
        ("there.xlsx", "there.xlsx already exists"),
        ("no/orders.xlsx", "can't be written: No such file or directory"),
    ],
)
def test_it_can_not_be_written(tmp_path: Path, name: str, why: str) -> None:
    """It is said why, and nothing is written."""
    (tmp_path / "there.xlsx").touch()
    with pytest.raises(InputFileError, match=why):
        write_template(tmp_path / name, tmp_path / "orders.toml")

    assert ["there.xlsx"] == [each.name for each in tmp_path.iterdir()]


def test_extra_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra that writes it is named."""
    monkeypatch.setattr(_template, "find_spec", lambda _: None)
    with pytest.raises(InputFileError, match=r"'sesamy-async\[files\]'"):
        write_template(tmp_path / "orders.xlsx", tmp_path / "orders.toml")
