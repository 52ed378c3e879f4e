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
    ORIGINAL,
    Mistaken,
    Problem,
    Row,
    Sale,
    changed_id,
)
from sesamy_async.bulk._states import InputFileError

from ._columns import Column, Mapped, read_header
from ._fields import (
    HOLDERS,
    ORDER_ID,
    WrongValue,
    field_of,
    mended_id,
    sale_of,
)
from ._text import LONGEST_ROW, TOO_LONG, Text, TextSource


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
class CsvSource(TextSource):
    """A `Source` of the rows of a CSV file.

    Attributes:
        header: The first row.
        delimiter: The character between its cells.
    """

    header: tuple[str, ...]
    delimiter: str
    _table: Table

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
        """Read the header, or raise `InputFileError`."""
        text = Text(path, encoding, newline="")
        if delimiter is None:
            delimiter = _delimiter_of(text)
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
        table = Table(header, delimiter, columns, mapped.constants)
        return cls(text, meaning, header, delimiter, table)

    def records(self) -> Iterator[Row]:
        """Yield the rows below the header, without those that are blank."""
        return islice(_rows(self.text, self.delimiter), 1, None)

    def read(self, record: Row) -> Sale | Mistaken:
        """Return the order of a row, or all its problems."""
        return self._table.read(record)


class Table:
    """Turns rows into sales; made once for a file."""

    def __init__(
        self,
        header: Sequence[str],
        delimiter: str,
        columns: Sequence[Column],
        constants: Mapping[str, Any],
    ) -> None:
        self._delimiter = delimiter
        self._width = len(header)
        # What a report says of its rows.
        known = ORIGINAL in header
        self._original = header.index(ORIGINAL) if known else None
        [self._order_id] = (it for it in columns if it.field.name == ORDER_ID)
        self._columns = columns
        self._texts = [
            (it.index, it.field.holder, it.field.attribute)
            for it in columns
            if it.field.is_any_text
        ]
        self._others = [it for it in columns if not it.field.is_any_text]
        fixed = [
            (field, value)
            for name, value in constants.items()
            if (field := field_of(name))
        ]
        used = {it.holder for it, _ in fixed}
        used |= {it.field.holder for it in columns}
        # The objects in the order that a row can have.
        self._holders = [
            holder
            for holder in HOLDERS
            if any(f"{it}.".startswith(f"{holder.name}.") for it in used)
        ]
        # What a row has before it is read: objects by path, "" is the order.
        self._start: dict[str, dict[str, Any]] = {
            "": {},
            **{holder.name: {} for holder in self._holders},
        }
        for field, value in fixed:
            # The mapping was checked, with or without unknown words.
            read = field.reader(allow_unknown=True)
            self._start[field.holder][field.attribute] = read(value)

    def read(self, record: Row) -> Sale | Mistaken:
        """Return the order of a row, or all its problems."""
        cells, row = record.cells, record.number
        text = self._delimiter.join(cells)
        misfit = self._misfit(cells, text)
        if misfit:
            perhaps = mended_id("".join(cells[self._order_id.index :][:1]))
            return Mistaken((Problem(row, "", misfit),), perhaps=perhaps)
        values, wrong = self._values(cells, text)
        order_id = cells[self._order_id.index]
        right = not wrong or all(
            column is not self._order_id for column, _ in wrong
        )
        if right and self._original is not None:
            changed = changed_id(cells[self._original], order_id)
            if changed:
                right = False
                wrong.append((self._order_id, changed))
        if not wrong:
            return self._sale(values)
        problems = tuple(
            Problem(row, column.header, reason) for column, reason in wrong
        )
        if right:
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
        # The first is the row itself, up to the quotation mark.
        _, *lines = _BREAK.split(text)
        rows = ((line.split(self._delimiter), line) for line in lines)
        return self._width >= _FEWEST_CELLS and any(
            len(cells) == self._width and not self._values(cells, line)[1]
            for cells, line in rows
        )

    def _values(
        self, cells: Sequence[str], text: str
    ) -> tuple[dict[str, dict[str, Any]], list[tuple[Column, str]]]:
        """Return the objects of a row by their paths, and what is wrong."""
        values = {path: {**start} for path, start in self._start.items()}
        wrong: list[tuple[Column, str]] = []
        columns = self._columns
        if "\0" not in text and is_text(text):
            # No need to look at each cell in which any text is right.
            columns = self._others
            for index, holder, attribute in self._texts:
                if cells[index]:
                    values[holder][attribute] = cells[index]
        for column in columns:
            cell, field = cells[column.index], column.field
            if "\0" in cell:
                wrong.append(
                    (column, "has a NUL character, which is not text")
                )
            elif cell:
                try:
                    read = column.read(cell)
                    values[field.holder][field.attribute] = read
                except WrongValue as error:
                    wrong.append((column, error.args[0].removeprefix(": ")))
            elif column is self._order_id:
                wrong.append((column, "required"))
        return values, wrong

    def _sale(self, values: dict[str, dict[str, Any]]) -> Sale:
        for it in self._holders:
            if values[it.name]:
                built = it.build(values[it.name])
                values[it.holder][it.attribute] = built
        return sale_of(values[""])


def csv_rows(name: str, lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    """Yield the rows that are not blank; `InputFileError` for broken CSV."""
    # The limit is one for the process; nobody else's must get lower.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_ROW + 1))
    number, length = 1, 0

    def bounded() -> Iterator[str]:
        nonlocal length
        for line in lines:
            length += len(line)
            if length > LONGEST_ROW:
                raise csv.Error(TOO_LONG)
            yield line
            # An error shows the locals of its frame: a line is personal.
            del line

    try:
        for cells in csv.reader(bounded(), delimiter=delimiter, strict=True):
            length = 0
            if cells and (cells[0].strip() or any(map(str.strip, cells))):
                yield Row(number, tuple(cells))
            number += 1
            del cells
    except csv.Error as error:
        broken = _in_words(str(error), delimiter)
    else:
        return
    raise InputFileError(f"{name}, row {number}: {broken}.")


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


def _delimiter_of(text: Text) -> str:
    """Return the delimiter that is most often in the header, outside quotes.

    `csv.Sniffer` looks at whole rows, and takes the spaces or the letters
    of an address for one.
    """
    try:
        header = next(filter(str.strip, text.lines()), "")
    except UnicodeError:
        # The reading of the rows says where.
        header = ""
    bare = _QUOTED.sub("", header)
    return max(_DELIMITERS, key=bare.count)


def _rows(text: Text, delimiter: str) -> Iterator[Row]:
    split = partial(csv_rows, text.path.name, delimiter=delimiter)
    return text.rows(split, headed=True)


def _trimmed(header: tuple[str, ...]) -> tuple[str, ...]:
    """Drop what spreadsheets leave: spaces, and cells that are empty."""
    cells = [cell.strip() for cell in header]
    while cells and not cells[-1]:
        cells.pop()
    return tuple(cells)
