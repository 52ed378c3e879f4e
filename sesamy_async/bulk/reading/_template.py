"""Write files to begin with: orders to fill in, and a mapping."""

from __future__ import annotations

import codecs
import csv
import os
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sesamy_async._files import AtomicFile
from sesamy_async.bulk._states import InputFileError
from sesamy_async.bulk._workbooks import (
    MOST_ROWS,
    TEXT,
    close_book,
    new_book,
    new_sheet,
)

from ._fields import field_of


def write_template(
    path: str | os.PathLike[str],
    mapping_path: str | os.PathLike[str] | None = None,
) -> None:
    """Write a file with two example orders, and a mapping if wanted.

    It has the documented headers.  As CSV, it opens in a Nordic spreadsheet:
    semicolons, UTF-8 with a byte order mark.  As .xlsx, its cells are texts,
    and it explains its columns.  The mapping maps nothing yet; its lines are
    comments to choose from.

    Args:
        path: Where to write the file: .xlsx for a spreadsheet, else CSV.
        mapping_path: Where to write a mapping (TOML); None for no mapping.

    Raises:
        InputFileError: One of them already exists, and neither was written;
            or one can't be written.
    """
    path = Path(path)
    mapping_path = None if mapping_path is None else Path(mapping_path)
    kind = path.suffix.lower()
    if kind in _OTHERS:
        raise InputFileError(
            f"A template can't be written as {kind}. Name a file that ends in "
            ".xlsx, which every spreadsheet program opens, or in .csv."
        )
    if kind == ".xlsx" and find_spec("xlsxwriter") is None:
        raise InputFileError(
            'A template as a spreadsheet needs the extra "files": '
            "pip install 'sesamy-async[files]'. Or name a .csv."
        )
    for each in (path, mapping_path):
        if each is not None and each.exists():
            raise InputFileError(
                f"{each} already exists; move it, or give another name. No "
                "template was written."
            )
    if kind == ".xlsx":
        _write_book(path)
    else:
        _write(path, codecs.BOM_UTF8 + _shipped("template.csv"))
    if mapping_path is not None:
        _write(mapping_path, _shipped("template.toml"))


_OTHERS = (".xls", ".xlsm", ".xlsb", ".ods", ".numbers", ".json", ".jsonl")


def _shipped(name: str) -> bytes:
    return files("sesamy_async.bulk.reading").joinpath(name).read_bytes()


def _write(path: Path, content: bytes) -> None:
    try:
        # Somebody else's file may have appeared in the meantime.
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> InputFileError:
    return InputFileError(f"{path} can't be written: {error.strerror}.")


_HELP_ROW, _HEADER_ROW, _FIRST_ROW = 0, 1, 2
_WIDTH, _HEIGHT = 24, 60  # In characters, and in points.


def _write_book(path: Path) -> None:
    text = _shipped("template.csv").decode()
    table = [*csv.reader(text.splitlines(), delimiter=";")]
    words = tomllib.loads(_shipped("template-help.toml").decode())
    try:
        with AtomicFile.begin(path) as new:
            book = new_book(new.beside)
            _add_orders(book, table, words["columns"])
            guide = new_sheet(book, "Help")
            guide.set_column(0, 0, 100, book.add_format({"text_wrap": True}))
            for row, line in enumerate(words["guide"].splitlines()):
                guide.write_string(row, 0, line)
            close_book(book)
            new.place()
    except OSError as error:
        raise _unwritable(path, error) from None


def _add_orders(
    book: Any, table: Sequence[Sequence[str]], helps: Mapping[str, str]
) -> None:
    cell = book.add_format(TEXT)
    title = book.add_format({**TEXT, "bold": True, "bottom": 1})
    said = {"text_wrap": True, "valign": "top", "font_color": "#666666"}
    words = book.add_format({**TEXT, **said, "italic": True})
    sheet = new_sheet(book, "Orders")
    sheet.set_row(_HELP_ROW, _HEIGHT)
    sheet.freeze_panes(_FIRST_ROW, 1)
    for column, name in enumerate(table[0]):
        sheet.set_column(column, column, max(_WIDTH, len(name) + 2), cell)
        sheet.write_string(_HELP_ROW, column, helps[name], words)
        for number, row in enumerate(table, start=_HEADER_ROW):
            style = title if number == _HEADER_ROW else cell
            sheet.write_string(number, column, row[column], style)
        if rule := _rule(name):
            last = MOST_ROWS - 1
            sheet.data_validation(_FIRST_ROW, column, last, column, rule)


def _rule(name: str) -> dict[str, Any]:
    """Return what a spreadsheet says of the cells of a column."""
    field = field_of(name)
    if field is not None and field.rule.words is not None:
        return {
            "validate": "list",
            "source": [*map(str, field.rule.words)],
            # With --allow-unknown, other words are imported, too.
            "error_type": "warning",
            "error_title": "Another word?",
            "error_message": "The import knows only the words of the list.",
        }
    if name == "userData.birthday":
        return {
            "validate": "any",
            "input_title": "Year-month-day",
            "input_message": "Such as 1981-06-19",
        }
    return {}
