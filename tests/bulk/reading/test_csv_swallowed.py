"""No order is lost in a cell of another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from sesamy_async.bulk.reading._csv import MERGED_ROWS
from support.order_files import Folder, sales, wrong


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return a folder of the test's own."""
    return Folder(tmp_path)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize(
    "rows",
    [
        ('A-1,"Kim,1', 'A-2,Bo",1'),
        ('A-1,"Kim,1', "A-2,Bo,1", 'A-3,Nisse",1'),
        ('A-1,"Kim,x', "A-2,Bo,1", "A-3,Bo,x", 'A-4,Nisse",1'),
    ],
)
def test_marks_that_do_not_belong(
    folder: Folder, rows: tuple[str, ...], delimiter: str, end: str
) -> None:
    """Rows between two stray quotation marks are told, not left out."""
    lines = ["externalOrderId,userData.fullName,quantity", *rows, "A-9,Bo,1"]
    text = end.join(lines).replace(",", delimiter)
    source = folder.csv(text)

    assert [f"row 2: {MERGED_ROWS}"] == wrong(source)


@pytest.mark.parametrize(
    "cell",
    ["Storgatan 1\nc/o Bo", "a, b\n\nc, d, e", "a,b\nA-2,Bo,x", "x\n,c,1"],
)
def test_lines_that_are_no_rows(folder: Folder, cell: str) -> None:
    """A cell may have lines, and delimiters, as it likes."""
    source = folder.csv(
        "externalOrderId,userData.fullName,quantity", f'A-1,"{cell}",1'
    )
    [sale] = sales(source)

    assert sale.order.user_data is not None
    assert cell == sale.order.user_data.full_name


def test_narrow_tables(folder: Folder) -> None:
    """Two cells are too few to tell a row from words with a comma."""
    source = folder.csv(
        "externalOrderId,userData.fullName", 'A-1,"Hello\nKim, dear"'
    )

    assert 1 == len(sales(source))
