"""Write spreadsheets (.xlsx), in which no program changes a cell.

All cells are texts, except whole numbers of our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


MOST_ROWS = 1_048_576
TEXT = {"num_format": "@"}
_EVERYWHERE = f"A1:XFD{MOST_ROWS}"
_WIDE = {"#reason": 60, "reason": 60, "whatToDo": 60}
_NARROWEST = 12
# The same rows are the same bytes.
_MADE = datetime(2000, 1, 1, tzinfo=UTC)


def new_book(path: Path, **options: Any) -> Any:
    """Return a new workbook of XlsxWriter, which has no types."""
    # Here, because only those who have spreadsheets need it.
    import xlsxwriter  # type: ignore[import-untyped] # noqa: PLC0415

    book: Any = xlsxwriter.Workbook(str(path), options)
    book.set_properties({"created": _MADE})
    return book


def new_sheet(book: Any, name: str) -> Any:
    """Return a new sheet, without warnings about ids that are texts."""
    sheet = book.add_worksheet(name)
    sheet.ignore_errors({"number_stored_as_text": _EVERYWHERE})
    return sheet


def close_book(book: Any) -> None:
    """Write a workbook to its end, or raise `OSError`."""
    from xlsxwriter.exceptions import (  # type: ignore[import-untyped] # noqa: PLC0415
        FileCreateError,
    )

    try:
        book.close()
    except FileCreateError as error:
        raise error.args[0] from None


class NewTable:
    """A workbook of one sheet, which is written row by row."""

    def __init__(self, path: Path, name: str, header: Sequence[str]) -> None:
        # Rows wait there, so that memory does not grow with them.
        self._folder = TemporaryDirectory(prefix="sesamy-")
        self._book = new_book(
            path, constant_memory=True, tmpdir=self._folder.name
        )
        self._sheet = new_sheet(self._book, name)
        self._text = self._book.add_format(TEXT)
        bold = self._book.add_format({**TEXT, "bold": True})
        for column, title in enumerate(header):
            width = _WIDE.get(title, max(_NARROWEST, len(title) + 2))
            self._sheet.set_column(column, column, width, self._text)
        self._sheet.freeze_panes(1, 0)
        self._rows = 0
        self.add(header, bold)

    def add(self, cells: Sequence[str | int], form: Any = None) -> bool:
        """Write a row; return whether a spreadsheet can hold it."""
        form = form or self._text
        fits = True
        for column, cell in enumerate(cells):
            if isinstance(cell, int):
                wrong = self._sheet.write_number(self._rows, column, cell)
            else:
                # Half of a pair of characters is in no file of text.
                text = cell.encode("utf-8", "backslashreplace").decode()
                wrong = self._sheet.write_string(
                    self._rows, column, text, form
                )
            fits = fits and not wrong
        self._rows += 1
        return fits

    def close(self) -> None:
        """Write it to its end, or raise `OSError`; then do nothing."""
        book, self._book = self._book, None
        if book is not None:
            with self._folder:
                try:
                    close_book(book)
                finally:
                    # Or a disk that is full leaves it open.
                    self._sheet._opt_close()  # noqa: SLF001
