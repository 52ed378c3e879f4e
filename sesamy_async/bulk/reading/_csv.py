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

from sesamy_async._checks import is_text
from sesamy_async.bulk._rows import (
    REASON,
    SENT_BEFORE,
    Mistaken,
    Problem,
    Row,
    Sale,
    is_repeat,
)
from sesamy_async.bulk._states import InputFileError

from ._columns import Column, Mapped, read_header
from ._fields import (
    HOLDERS,
    ORDER_ID,
    Field,
    WrongValue,
    field_of,
    mended_id,
    sale_of,
)
from ._text import LONGEST_ROW, TOO_LONG, Text


MERGED_ROWS = (
    "some lines in a cell are rows of their own: a quotation mark is not "
    "closed, or is in the wrong place"
)
_BREAK = re.compile("\r\n|\r|\n")
_FEWEST_CELLS = 3  # Of fewer, a row can't be told from words with a comma.
_FEWEST_ROWS = 2  # A header and an order.
_DELIMITERS = (",", ";", "\t")
_QUOTED = re.compile(r'"[^"]*"?')


@attrs.frozen
class CsvSource:
    """A `Source` of the rows of a CSV file.

    Attributes:
        header: The first row.
        delimiter: The character between its cells.
    """

    header: tuple[str, ...]
    delimiter: str
    _text: Text
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
        """Read the header.

        Raises:
            InputFileError: It can't be read, or its header is wrong.
        """
        text = Text(path, encoding, newline="")
        if delimiter is None:
            delimiter = _delimiter_in(_first_line(text))
        rows = [*islice(_rows(text, delimiter), _FEWEST_ROWS)]
        header = _trimmed(rows[0].cells) if rows else ()
        columns = read_header(
            path.name, header, mapped, allow_unknown=allow_unknown
        )
        if isinstance(columns, InputFileError):
            # The rows may be orders, and an error shows its frame's locals.
            del rows, header
            raise columns
        if len(rows) < _FEWEST_ROWS:
            raise InputFileError(
                f"{path.name} has a header and no orders below it."
            )
        meaning = {
            "format": "csv",
            "encoding": encoding,
            "delimiter": delimiter,
            "columns": {each.header: each.field.name for each in columns},
            "constants": mapped.constants,
            "allow_unknown": allow_unknown,
        }
        table = Table(header, delimiter, columns, _fixed(mapped.constants))
        return cls(header, delimiter, text, table, meaning)

    @property
    def name(self) -> str:
        """The name of the file."""
        return self._text.path.name

    def fingerprint(self) -> str:
        """Hash the bytes, and how they are read."""
        return self._text.fingerprint(self._meaning)

    def records(self) -> Iterator[Row]:
        """Yield the rows below the header, without those that are blank."""
        return islice(_rows(self._text, self.delimiter), 1, None)

    def read(self, record: Row) -> Sale | Mistaken:
        """Return the order of a row, or all its problems."""
        return self._table.read(record)


def _fixed(constants: Mapping[str, Any]) -> list[tuple[Field, Any]]:
    """Return the fields of constants, and their values as an order has them.

    The mapping file was checked, with or without unknown words.
    """
    return [
        (field, field.reader(allow_unknown=True)(value))
        for name, value in constants.items()
        if (field := field_of(name))
    ]


class Table:
    """Turns rows into sales; made once for a file."""

    def __init__(
        self,
        header: Sequence[str],
        delimiter: str,
        columns: Sequence[Column],
        constants: Sequence[tuple[Field, Any]],
    ) -> None:
        self._delimiter = delimiter
        self._width = len(header)
        self._reason = header.index(REASON) if REASON in header else None
        [self._order_id] = (it for it in columns if it.field.name == ORDER_ID)
        # The order, and the objects in it that a row can have.
        fields = [
            *(each.field for each in columns),
            *(it for it, _ in constants),
        ]
        used = [it for it in HOLDERS if any(map(it.holds, fields))]
        places = {(): 0, **{it.path: at for at, it in enumerate(used, 1)}}
        self._holders = [
            (places[it.path], places[it.path[:-1]], it) for it in used
        ]
        self._constants: list[dict[str, Any]] = [{} for _ in places]
        for field, value in constants:
            self._constants[places[field.holder]][field.attribute] = value
        self._all = [
            (each, each.index, places[each.field.holder]) for each in columns
        ]
        self._texts = [it for it in self._all if it[0].field.is_any_text]
        self._others = [it for it in self._all if it not in self._texts]

    def read(self, record: Row) -> Sale | Mistaken:
        """Return the order of a row, or all its problems."""
        cells, row = record.cells, record.number
        text = self._delimiter.join(cells)
        misfit = self._misfit(cells, text)
        if misfit:
            there = cells[self._order_id.index :][:1]
            perhaps = mended_id("".join(there))
            return Mistaken((Problem(row, "", misfit),), perhaps=perhaps)
        if self._reason is not None and is_repeat(cells[self._reason]):
            return Mistaken((Problem(row, "", SENT_BEFORE),))
        values, wrong = self._values(cells, text)
        if not wrong:
            return self._sale(values)
        problems = tuple(
            Problem(row, column.header, reason) for column, reason in wrong
        )
        order_id = cells[self._order_id.index]
        if all(column is not self._order_id for column, _ in wrong):
            return Mistaken(problems, order_id)
        return Mistaken(problems, perhaps=mended_id(order_id))

    def _misfit(self, cells: Sequence[str], text: str) -> str:
        if len(cells) < self._width:
            why = "the row is cut, or delimiters are missing"
        elif any(cells[self._width :]):
            why = "a cell that holds the delimiter needs quotation marks"
        else:
            lines = "\n" in text or "\r" in text
            return MERGED_ROWS if lines and self._swallows(text) else ""
        return f"has {len(cells)} cells, and the header {self._width}: {why}"

    def _swallows(self, text: str) -> bool:
        """Whether lines inside the cells would be rows without quotes."""
        # The first one is the row itself, up to the quotation mark.
        _, *lines = _BREAK.split(text)
        rows = ((line.split(self._delimiter), line) for line in lines)
        return self._width >= _FEWEST_CELLS and any(
            len(cells) == self._width and not self._values(cells, line)[1]
            for cells, line in rows
        )

    def _values(
        self, cells: Sequence[str], text: str
    ) -> tuple[list[dict[str, Any]], list[tuple[Column, str]]]:
        """Return the values of a row by their places, and what is wrong."""
        values = [each.copy() for each in self._constants]
        wrong: list[tuple[Column, str]] = []
        columns = self._all
        if "\0" not in text and is_text(text):
            # No need to look at each cell in which any text is right.
            columns = self._others
            for column, index, place in self._texts:
                if cells[index]:
                    values[place][column.attribute] = cells[index]
        for column, index, place in columns:
            cell = cells[index]
            if "\0" in cell:
                wrong.append((column, "has a NUL character, which is no text"))
            elif cell:
                try:
                    values[place][column.attribute] = column.read(cell)
                except WrongValue as error:
                    wrong.append((column, error.args[0].removeprefix(": ")))
            elif column is self._order_id:
                wrong.append((column, "required"))
        return values, wrong

    def _sale(self, values: list[dict[str, Any]]) -> Sale:
        for place, above, holder in self._holders:
            if values[place]:
                built = holder.build(values[place])
                values[above][holder.attribute] = built
        return sale_of(values[0])


def csv_rows(name: str, lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    """Yield the rows that are not blank, the header first.

    Raises:
        InputFileError: A row has no end, or can't be told from the next.
    """
    # The limit is one for the process; nobody else's must get lower.
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
            "a closing quotation mark is not followed by "
            f"{delimiter!r}; inside quoted text, write a quotation mark "
            'twice: ""'
        )
    return (
        "a quotation mark opens a cell that is not closed until the end of "
        "the file"
    )


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


def _delimiter_in(header: str) -> str:
    """Return the delimiter that is most often outside of quotation marks.

    `csv.Sniffer` looks at whole rows, and takes the spaces or the letters
    of an address for one.
    """
    bare = _QUOTED.sub("", header)
    return max(_DELIMITERS, key=bare.count)


def _rows(text: Text, delimiter: str) -> Iterator[Row]:
    split = partial(csv_rows, text.path.name, delimiter=delimiter)
    return text.rows(split, headed=True)


def _first_line(text: Text) -> str:
    try:
        return next(filter(str.strip, text.lines()), "")
    except UnicodeError:
        # The reading of the rows says where.
        return ""


def _trimmed(header: tuple[str, ...]) -> tuple[str, ...]:
    """Drop what spreadsheets leave: spaces, and cells that are empty."""
    cells = [cell.strip() for cell in header]
    while cells and not cells[-1]:
        cells.pop()
    return tuple(cells)
