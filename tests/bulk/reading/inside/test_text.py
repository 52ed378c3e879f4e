"""The reading of text, where it has to be seen from inside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sesamy_async.bulk import InputFileError
from sesamy_async.bulk._rows import Row
from sesamy_async.bulk.reading._csv import csv_rows
from sesamy_async.bulk.reading._text import LONGEST_ROW, Text
from support.order_files import Folder


def test_corrected_meanwhile(folder: Folder) -> None:
    """If the wrong bytes are gone, the error names no place."""
    right = "externalOrderId,userData.fullName\nÅ-1,Öberg\n"
    path = folder.write(right.encode("cp1252"))

    def split(lines: Iterator[str]) -> Iterator[Row]:
        try:
            yield from csv_rows("x", lines, ",")
        finally:
            folder.write(right)

    rows = Text(path, "utf-8-sig", "").rows(split, headed=True)
    with pytest.raises(InputFileError, match=r"^orders.csv: it is not UTF-8"):
        list(rows)


def test_line_without_end(folder: Folder) -> None:
    """A file of gigabytes without a line break is not read at once."""
    path = folder.write("x" * (3 * LONGEST_ROW))
    first = next(Text(path, "utf-8", "").lines())

    assert LONGEST_ROW + 1 == len(first)
