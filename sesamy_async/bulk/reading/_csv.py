"""Split CSV into rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any

import attrs

from sesamy_async.bulk._rows import Row
from sesamy_async.bulk._states import InputFileError

from ._encodings import FoundEncoding
from ._text import LONGEST_ROW, TOO_LONG, Lines, Text


LONGEST_CELL = 32_767  # In characters; no spreadsheet has a longer one.
_QUOTED = re.compile(r'"[^"]*"?')
# A spreadsheet takes this first line for an instruction: it shows the next
# one as row 1.
_INSTRUCTION = re.compile('"?sep=(.)"?\\s*', re.IGNORECASE)
_END = "\x1a"  # What DOS puts behind a text.
_MARK = "\ufeff"
FEWEST_CELLS = 3  # Of fewer, a row can't be told from words with a comma.

JOINED = (
    "it begins with a byte order mark: another file was added to the end of "
    "this one; remove the mark, and the header if it is one"
)
DOUBTFUL = (
    "may be a part of the cell that is opened by a quotation mark in row {}, "
    "and not an order; correct that row"
)


@attrs.frozen
class CsvTable(Text):
    delimiter: str

    @property
    def meaning(self) -> Mapping[str, Any]:
        """How the file is read, for its fingerprint."""
        return {
            "format": "csv",
            "encoding": self.encoding,
            "delimiter": self.delimiter,
        }

    def first(self, count: int) -> list[Row]:
        """Return the first rows, whatever is wrong with their bytes."""
        rows: list[Row] = []
        # What else is wrong is said when they are read.
        with suppress(InputFileError, UnicodeError):
            rows += islice(self.split(self.lines("replace")), count)
        return rows

    def split(self, lines: Iterator[str]) -> Iterator[Row]:
        """Yield the rows of lines that are not blank."""
        return csv_rows(self.name, lines, self.delimiter)


class _Upcoming:
    """The lines that are to be read; some can be put back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._ahead = Lines()
        self._lines = iter(lines)
        first = next(self._lines, "")
        if first and not _INSTRUCTION.fullmatch(first):
            self._ahead.append(first)

    def __iter__(self) -> Iterator[str]:
        # The lines that were put back are soon read: then this costs nothing.
        return chain(self._from_ahead(), self._lines)

    def put_back(self, lines: Iterable[str]) -> None:
        self._ahead.extendleft(reversed([*lines]))

    def _from_ahead(self) -> Iterator[str]:
        while self._ahead:
            yield self._ahead.popleft()


def csv_rows(  # noqa: C901 - a call for each row would cost too much
    name: str, lines: Iterable[str], delimiter: str
) -> Iterator[Row]:
    """Yield the rows that are not blank.

    A row that can't be split is `Row.broken`, and so is each line after it
    that may belong to it.  What `_Shape` can't tell is not an order.

    Raises:
        InputFileError: The first row, or a line that is far too long.
    """
    # The limit is one for the process; nobody else's must get lower.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_ROW + 1))
    held, upcoming = Lines(), _Upcoming(lines)
    number, width, length = 1, 0, 0

    def bounded() -> Iterator[str]:
        nonlocal length
        for line in upcoming:
            held.append(line)
            length += len(line)
            if length > LONGEST_ROW:
                raise csv.Error(TOO_LONG)
            yield line
            # An error shows the locals of its frame: a line is personal.
            del line

    while True:
        try:
            for cells in csv.reader(
                bounded(), delimiter=delimiter, strict=True
            ):
                length = 0
                held.clear()
                if (
                    cells
                    and cells != [_END]
                    and (cells[0].strip() or any(map(str.strip, cells)))
                ):
                    # Nearly nothing is, and a comparison costs less.
                    if cells[0] >= _MARK and cells[0].startswith(_MARK):
                        cells = [delimiter.join(cells)]  # noqa: PLW2901
                        yield Row(number, tuple(cells), broken=JOINED)
                    else:
                        width = len(cells)
                        yield Row(number, tuple(cells))
                number += 1
                del cells
        except csv.Error as error:
            broken = _in_words(str(error), delimiter)
        else:
            return
        if not width or len(held[-1]) > LONGEST_ROW:
            break
        shape = _Shape(delimiter, width)
        number = yield from _mistaken(number, broken, shape, held, upcoming)
        length = 0
    raise InputFileError(f"{name}, row {number}: {broken}.")


def _mistaken(
    number: int,
    broken: str,
    shape: _Shape,
    held: Lines,
    upcoming: _Upcoming,
) -> Generator[Row, None, int]:
    """Yield a row that is broken, and those that may belong to it.

    Other lines are put back; it returns the number of the next row.
    """
    if shape.is_closed("".join(held)):
        yield Row(number, ("".join(held).rstrip(),), broken=broken)
        held.clear()
        return number + 1
    doubtful = DOUBTFUL.format(number)
    upcoming.put_back(islice(held, 1, None))
    yield Row(number, (held[0].rstrip(),), broken=broken)
    number += 1
    if not shape.are_rows_after(held[0], upcoming):
        for line in shape.doubtful(upcoming):
            if line.strip():
                yield Row(number, (line.rstrip(),), broken=doubtful)
            number += 1
            # An error shows the locals of its frame: a line is personal.
            del line
    held.clear()
    return number


class _Shape:
    """Tells which lines after a broken row are rows of their own.

    A quotation mark may be one too many: then each line after it is a row.
    Or another one is missing: then the lines after it are the text of a
    cell, in which an old order may stand, which must not be sent.  Nobody
    can tell these two apart for certain, but:

    - If each opening mark has its closing one before the next delimiter,
      the mistake is between them, and the next line is a row.
    - A cell with lines cuts its row into a first and a last line.  Both
      have too few cells, unless their text has delimiters.  So if the
      broken line, and each line after it, has all cells of a row, none is
      cut, and all are rows.  Text has a space after a comma, so no cell may
      begin with one.  A cell in the last column does not cut the first
      line, so that is never certain.
    - No cell is longer than `LONGEST_CELL`: what is further away belongs to
      another row.

    All other lines up to there are doubtful: they are mistakes.
    """

    def __init__(self, delimiter: str, width: int) -> None:
        self._delimiter = delimiter
        self._width = width
        mark = re.escape(delimiter)
        end = rf"(?={mark}|\Z)"
        self._cell = re.compile(
            rf'(?:"(?:[^"]++|"(?!{mark}|\Z))*+"{end}|[^"{mark}\r\n][^{mark}\r\n]*'
            rf"|){end}"
        )

    def is_closed(self, text: str) -> bool:
        """Whether all its cells end, though marks inside are not doubled."""
        text = text.rstrip("\r\n")
        cells, at = 0, 0
        while found := self._cell.match(text, at):
            cells += 1
            at = found.end() + 1
            if at > len(text):
                marks = text.count('"')
                return cells == self._width and marks > 0 == marks % 2
        return False

    def are_rows_after(self, first: str, upcoming: _Upcoming) -> bool:
        """Whether the lines after a broken one are certainly rows."""
        cells = first.rstrip("\r\n").split(self._delimiter)
        if (
            len(cells) != self._width
            or len(cells) < FEWEST_CELLS
            or '"' in _QUOTED.sub("", cells[-1])
            or cells[-1].count('"') % 2
            or any(cell.startswith(" ") for cell in cells)
        ):
            return False
        looked, size, right = Lines(), 0, True
        for line in upcoming:
            looked.append(line)
            size += len(line)
            right = (
                self._is_row(line) or self.is_closed(line) or not line.strip()
            )
            del line
            if size > LONGEST_CELL or not right:
                break
        upcoming.put_back(looked)
        return right

    def doubtful(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield lines, until one is certainly the end of a row."""
        size = quiet = 0
        for line in lines:
            yield line
            size += len(line)
            quiet = 0 if '"' in line else quiet + len(line)
            # Inside a cell, the mark before its letter would end that cell.
            opens = line.partition('"')[2][:1].strip(f'"{self._delimiter}')
            certain = quiet > LONGEST_CELL or (
                size > LONGEST_CELL and bool(opens) and self._is_row(line)
            )
            del line, opens
            if certain:
                return

    def _is_row(self, line: str) -> bool:
        try:
            [cells] = csv.reader(
                (line,), delimiter=self._delimiter, strict=True
            )
        except (csv.Error, ValueError):
            return False
        return len(cells) == self._width and not any(
            cell.startswith(" ") for cell in cells
        )


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


def instructed(path: Path, found: FoundEncoding) -> str | None:
    """Return the delimiter that the first line says, such as ``sep=;``."""
    text = CsvTable(path, found.encoding or "", ",")
    said = _INSTRUCTION.fullmatch(next(text.lines("replace"), ""))
    return said[1] if said else None
