"""Orders in a table: CSV with a header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import attrs

from sesamy_async.bulk.errors import InputFileError
from sesamy_async.bulk.record import Mistaken, Record, Sale, Skimmed
from sesamy_async.bulk.repeats import REASON

from .broken_bytes import undecodable
from .columns import columns_of, header_error
from .delimiter import delimiter_in
from .files import fingerprint
from .lines import Text
from .mapping import Mapped
from .rows import csv_rows
from .table import Table


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

    def records(self) -> Iterator[Record]:
        """Yield the rows below the header, without those that are blank."""
        return islice(_rows(self._text, self.delimiter), 1, None)

    def read(self, record: Record) -> Sale | Mistaken:
        """Return what a row says, or all that is wrong with it."""
        return self._table.read(record)

    def skim(self, record: Record) -> Skimmed | Mistaken:
        """Return whether `read` finds a sale there, without building it."""
        return self._table.skim(record)


def _rows(text: Text, delimiter: str) -> Iterator[Record]:
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
