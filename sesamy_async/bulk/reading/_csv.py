"""Read orders from CSV."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import attrs

from sesamy_async._models import NewContract
from sesamy_async.bulk._rows import (
    REASON,
    SENT_BEFORE,
    Mistaken,
    Problem,
    Row,
    Sale,
    Skimmed,
    is_repeat,
)
from sesamy_async.bulk._states import InputFileError

from ._columns import Column, Mapped, columns_of, header_error
from ._fields import (
    ORDER_ID,
    OVERRIDES,
    PROMO_CODE,
    VENDOR_ID,
    field_of,
    is_text,
    mended_id,
)
from ._text import LONGEST_ROW, TOO_LONG, Text, fingerprint, undecodable


_BREAK = re.compile("\r\n|\r|\n")

FEWEST = 3
"""Of how many cells a row must be, to be told from words with commas."""

MERGED_ROWS = (
    "some lines in a cell are rows of their own: a quotation mark is not "
    "closed, or stands where none belongs"
)


def merged_rows(
    cells: Sequence[str], delimiter: str
) -> Iterator[tuple[str, ...]]:
    """Yield the rows that there would be without quotation marks.

    The first one is left out: it is the row itself, up to the mark.
    """
    _, *lines = _BREAK.split(delimiter.join(cells))
    for line in lines:
        yield tuple(line.split(delimiter))


class Table:
    """Turns rows into sales; made once from a header.

    Args:
        width: How many cells a row has.
        columns: Those that are read.
        constants: What every row says, by path.
        delimiter: What stands between them.
        reason: Which of the cells says why a row was rejected, if any.
    """

    def __init__(
        self,
        width: int,
        columns: Sequence[Column],
        constants: Mapping[str, Any],
        delimiter: str,
        reason: int | None,
    ) -> None:
        self._delimiter = delimiter
        self._reason = reason
        self._width = width
        self._columns = columns
        self._ruled = [each for each in columns if not each.field.any_text]
        self._at = {each.field.name: each for each in columns}
        self._constants = constants

    def skim(self, record: Row) -> Skimmed | Mistaken:
        """Return whether a row holds a sale, at little cost.

        Where a row as a whole is text, a cell that may be any text needs no
        look of its own.
        """
        cells = record.cells
        row = "".join(cells)
        if len(cells) != self._width or "\0" in row or not is_text(row):
            return self._look(record)
        if "\n" in row or "\r" in row:
            return self._look(record)
        for column in self._ruled:
            cell = cells[column.index]
            if cell and column.wrong(cell):
                return self._look(record)
        order_id = cells[self._at[ORDER_ID].index]
        if not order_id or self._repeats(cells):
            return self._look(record)
        return Skimmed(order_id, self._override(PROMO_CODE, cells))

    def read(self, record: Row) -> Sale | Mistaken:
        """Return the sale that a row holds, or all that is wrong with it."""
        found = self._look(record)
        if isinstance(found, Mistaken):
            return found
        return Sale(
            order=NewContract.from_dict(self._data(record.cells)),
            promo_code=found.promo_code,
            vendor_id=self._override(VENDOR_ID, record.cells),
        )

    def _look(self, record: Row) -> Skimmed | Mistaken:
        cells, row = record.cells, record.number
        misfit = self._misfit(cells)
        if misfit:
            there = cells[self._at[ORDER_ID].index :][:1]
            perhaps = mended_id("".join(there))
            return Mistaken((Problem(row, "", misfit),), perhaps=perhaps)
        if self._repeats(cells):
            return Mistaken((Problem(row, "", SENT_BEFORE),))
        problems = tuple(
            Problem(row, column.header, wrong)
            for column, wrong in self._wrong_cells(cells)
        )
        column = self._at[ORDER_ID]
        order_id = cells[column.index]
        if not problems:
            return Skimmed(order_id, self._override(PROMO_CODE, cells))
        if all(each.column != column.header for each in problems):
            return Mistaken(problems, order_id)
        return Mistaken(problems, perhaps=mended_id(order_id))

    def _repeats(self, cells: Sequence[str]) -> bool:
        return self._reason is not None and is_repeat(cells[self._reason])

    def _misfit(self, cells: Sequence[str]) -> str:
        why = ""
        if len(cells) < self._width:
            why = "the row is cut, or delimiters are missing"
        elif any(cells[self._width :]):
            why = "a cell that holds the delimiter needs quotation marks"
        elif self._swallows(cells):
            return MERGED_ROWS
        each = f"has {len(cells)} cells, and the header {self._width}"
        return why and f"{each}: {why}"

    def _swallows(self, cells: Sequence[str]) -> bool:
        if self._width < FEWEST:
            return False
        return any(
            len(row) == self._width and not any(self._wrong_cells(row))
            for row in merged_rows(cells, self._delimiter)
        )

    def _wrong_cells(
        self, cells: Sequence[str]
    ) -> Iterator[tuple[Column, str]]:
        for column in self._columns:
            cell = cells[column.index]
            wrong: str | None = None
            if "\0" in cell:
                wrong = "has a NUL character, which is no text"
            elif cell:
                wrong = column.wrong(cell)
            elif column.field.name == ORDER_ID:
                wrong = "required"
            if wrong:
                yield column, wrong

    def _override(self, name: str, cells: Sequence[str]) -> str | None:
        column = self._at.get(name)
        given = self._constants.get(name) if column is None else None
        return given if column is None else cells[column.index] or None

    def _data(self, cells: Sequence[str]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for name, value in self._constants.items():
            field = field_of(name)
            if field is not None and name not in OVERRIDES:
                _put(data, field.path, value)
        for column in self._columns:
            cell = cells[column.index]
            if cell and column.field.name not in OVERRIDES:
                _put(data, column.field.path, column.value(cell))
        return data


def _put(data: dict[str, Any], path: Sequence[str], value: Any) -> None:
    *above, last = path
    for name in above:
        data = data.setdefault(name, {})
    data[last] = value


def csv_rows(name: str, lines: Iterable[str], delimiter: str) -> Iterator[Row]:
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
                yield Row(bounded.row - 1, tuple(cells))
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


_KNOWN = (",", ";", "\t")
_QUOTED = re.compile(r'"[^"]*"?')


def delimiter_in(header: str) -> str:
    """Find out the delimiter from the first line of a file.

    `csv.Sniffer` looks at whole rows, and takes the spaces or the letters
    of an address for one.

    Returns:
        The one of comma, semicolon and tab that is there most often outside
        of quotation marks; a comma where there is none.
    """
    bare = _QUOTED.sub("", header)
    return max(_KNOWN, key=bare.count)


def checked_delimiter(delimiter: str) -> str:
    """Return a delimiter that was asked for.

    Raises:
        InputFileError: It can't be one.
    """
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise InputFileError(
            "The delimiter must be one character, such as ',' or ';', and "
            "neither a quotation mark nor a line break."
        )
    return delimiter


_FEWEST = 2  # A header, and an order.


@attrs.frozen
class CsvSource:
    """A `Source` of the rows of a CSV file.

    Attributes:
        header: The first row.
        delimiter: What stands between its cells.
    """

    header: tuple[str, ...]
    _text: Text
    delimiter: str
    _table: Table
    _meaning: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        encoding: str,
        delimiter: str | None,
        mapped: Mapped,
        allow_unknown: bool,
    ) -> CsvSource:
        """Find out what the columns are.

        Args:
            path: The file.
            encoding: How its bytes are read.
            delimiter: What stands between cells; None to find it out.
            mapped: What its headers mean.
            allow_unknown: Whether a word may be none that the guide names.

        Raises:
            InputFileError: It can't be read, or its header is wrong.
        """
        text = Text(path, encoding, newline="")
        if delimiter is None:
            delimiter = delimiter_in(_first_line(text))
        rows = [*islice(_rows(text, delimiter), 2)]
        header = _trimmed(rows[0].cells) if rows else ()
        wrong = header_error(path.name, header, mapped)
        if wrong is not None:
            # It may be an order, and an error shows the locals of its frame.
            del header
            raise wrong
        columns = columns_of(header, mapped, allow_unknown=allow_unknown)
        if len(rows) < _FEWEST:
            raise InputFileError(
                f"{path.name} has a header and no orders below it."
            )
        return cls(
            header,
            text,
            delimiter,
            Table(
                len(header),
                columns,
                mapped.constants,
                delimiter,
                header.index(REASON) if REASON in header else None,
            ),
            {
                "format": "csv",
                "encoding": encoding,
                "delimiter": delimiter,
                "columns": {c.header: c.field.name for c in columns},
                "constants": mapped.constants,
                "allow_unknown": allow_unknown,
            },
        )

    @property
    def name(self) -> str:
        """The name of the file."""
        return self._text.path.name

    def fingerprint(self) -> str:
        """Hash the bytes, and how they are read."""
        return fingerprint(self._text.path, self._meaning)

    def records(self) -> Iterator[Row]:
        """Yield the rows below the header, without those that are blank."""
        return islice(_rows(self._text, self.delimiter), 1, None)

    def read(self, record: Row) -> Sale | Mistaken:
        """Return what a row says, or all that is wrong with it."""
        return self._table.read(record)

    def skim(self, record: Row) -> Skimmed | Mistaken:
        """Return whether `read` finds a sale there, without building it."""
        return self._table.skim(record)


def _rows(text: Text, delimiter: str) -> Iterator[Row]:
    rows = partial(csv_rows, text.path.name, delimiter=delimiter)
    try:
        yield from rows(text.lines())
    except UnicodeError:
        pass
    else:
        return
    raise undecodable(text, rows, headed=True)


def _first_line(text: Text) -> str:
    try:
        return next(filter(str.strip, text.lines()), "")
    except UnicodeError:
        # Whoever reads the rows says where.
        return ""


def _trimmed(header: tuple[str, ...]) -> tuple[str, ...]:
    """Drop what spreadsheets leave: spaces, and cells that are empty."""
    cells = [cell.strip() for cell in header]
    while cells and not cells[-1]:
        cells.pop()
    return tuple(cells)
