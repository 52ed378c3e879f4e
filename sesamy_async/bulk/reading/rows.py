"""The rows of a CSV file, as they stand there."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from sesamy_async.bulk.errors import InputFileError
from sesamy_async.bulk.record import Record

from .lines import LONGEST_ROW, TOO_LONG


def csv_rows(
    name: str, lines: Iterable[str], delimiter: str
) -> Iterator[Record]:
    """Yield the rows that are not blank, the header first.

    Args:
        name: Of the file, for messages.
        lines: Its lines, with their breaks.
        delimiter: What stands between the cells.

    Raises:
        InputFileError: A row has no end, or can't be told from the next.
    """
    # It is one limit for the process; nobody else's must get lower.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_ROW + 1))
    bounded = _Bounded(lines)
    try:
        for cells in csv.reader(bounded, delimiter=delimiter, strict=True):
            bounded.row += 1
            bounded.length = 0
            if cells and (cells[0].strip() or any(map(str.strip, cells))):
                yield Record(bounded.row - 1, tuple(cells))
            # An error shows the locals of its frame, and a row is personal.
            del cells
    except csv.Error as error:
        broken = _in_words(str(error), delimiter)
    else:
        return
    raise InputFileError(f"{name}, row {bounded.row}: {broken}.")


class _Bounded:
    """Lines, until too many of them make one row.

    Attributes:
        row: The one that is being read.
        length: How long it is so far.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self.row: int = 1
        self.length: int = 0
        self._lines = iter(lines)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.length += len(line)
        if self.length > LONGEST_ROW:
            raise csv.Error(TOO_LONG)
        return line


def _in_words(said: str, delimiter: str) -> str:
    if said == TOO_LONG:
        return said
    if "expected after" in said:
        return (
            "after a closing quotation mark, something else than "
            f"{delimiter!r} follows; a quotation mark inside of quoted text "
            'is written twice: ""'
        )
    return (
        "a quotation mark opens a cell that is not closed until the end of "
        "the file"
    )
