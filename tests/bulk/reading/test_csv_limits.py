"""No row of a CSV file is without end."""

from __future__ import annotations

import csv

import pytest

from sesamy_async.bulk import InputFileError
from sesamy_async.bulk.reading import _text as lines
from support.order_files import Folder, wrong


LONG = "x" * (lines.LONGEST_ROW * 3 // 4)


@pytest.mark.parametrize("row", [f'A-1,"{LONG}\n{LONG}"', f"A-1,{LONG * 2}"])
def test_a_row_has_an_end(folder: Folder, row: str) -> None:
    """A quotation mark that is not closed does not eat up the memory."""
    source = folder.csv("externalOrderId,userData.fullName", "A-0,x", row)

    with pytest.raises(InputFileError, match="row 3: it has more than 1000"):
        [*source.records()]


def test_long_rows_are_rows(folder: Folder) -> None:
    """A row may be long, and another one after it."""
    source = folder.csv(
        "externalOrderId,userData.fullName", f"A-1,{LONG}", f"A-2,{LONG}"
    )

    assert [] == wrong(source)


def test_a_line_without_end_is_cut(folder: Folder) -> None:
    """A file of gigabytes without a line break is not read at once."""
    path = folder.write("x" * (3 * lines.LONGEST_ROW))
    first = next(lines.Text(path, "utf-8", "").lines())

    assert lines.LONGEST_ROW + 1 == len(first)


def test_nobody_elses_limit_gets_lower(folder: Folder) -> None:
    """The limit of the csv module is one for the process."""
    before = csv.field_size_limit(50_000_000)
    try:
        assert [] == wrong(folder.csv("externalOrderId", "A-1"))
        assert 50_000_000 == csv.field_size_limit()
    finally:
        csv.field_size_limit(before)
