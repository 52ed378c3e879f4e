"""A file that is written to is not read on as if it were the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from sesamy_async.bulk import InputFileError
from support.order_files import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return a folder of the test's own."""
    return Folder(tmp_path)


ROWS = [f"A-{number},Kim" for number in range(5)]


@pytest.mark.parametrize("rows", [ROWS[:2], [*ROWS, "A-9,Bo"]])
def test_written_to(folder: Folder, rows: list[str]) -> None:
    """What comes after it is of another file than what was checked."""
    source = folder.csv("externalOrderId,userData.fullName", *ROWS)
    records = source.records()
    first = next(records)
    folder.csv("externalOrderId,userData.fullName", *rows)
    with pytest.raises(InputFileError, match=r"orders\.csv changed while"):
        next(records)

    assert 2 == first.number


def test_replaced(folder: Folder) -> None:
    """Where another file takes the name, the first one is read on."""
    source = folder.csv("externalOrderId,userData.fullName", *ROWS)
    records = source.records()
    next(records)
    folder.write("externalOrderId\n", "other.csv").replace(
        folder.path / "orders.csv"
    )

    assert [3, 4, 5, 6] == [each.number for each in records]
