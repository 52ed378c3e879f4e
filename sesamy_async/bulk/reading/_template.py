"""Write files to begin with: orders to fill in, and a mapping."""

from __future__ import annotations

import codecs
import csv
import os
from collections.abc import Sequence
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
    """Write a file with two example orders, and a mapping if you want one.

    It has the documented headers.  As CSV, it opens in a Nordic spreadsheet:
    semicolons, UTF-8 with a byte order mark.  As .xlsx, its cells are texts,
    and it explains its columns.  The mapping maps nothing yet; its lines are
    comments to choose from.

    Args:
        path: Where to write the file: .xlsx for a spreadsheet, else CSV.
        mapping_path: Where to write a mapping (TOML); none if not given.

    Raises:
        InputFileError: One of them is there already, and neither was
            written; or one can't be written.
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


_HELP = {
    "externalOrderId": (
        "Your own id of the order. Required, and each order needs another."
    ),
    "paymentProvider": "Who handles the payment. Choose from the list.",
    "paymentMethod": "How the order is paid. Choose from the list.",
    "quantity": "How many subscriptions. A whole number, usually 1.",
    "userData.email": (
        "The e-mail address of the one who pays, who is usually the reader, "
        "and logs in with it."
    ),
    "userData.fullName": "The name of the one who pays.",
    "userData.phone": "With the country: +46 70 174 06 05.",
    "userData.invoiceEmail": "Where invoices go, if not to the reader.",
    "userData.gender": "Choose from the list, or leave it empty.",
    "userData.birthday": "Year, month and day: 1981-06-19.",
    "userData.address.country": "Two letters, such as SE, NO, DK or FI.",
    "userData.address.zip": "The postal code, with its zeros: 0352.",
    "userData.address.city": "The town of the address.",
    "userData.address.street": "The street with the number.",
    "userData.address.co": "The name on the door, if it is another one.",
    "userData.address.lastName": "The last name in the address.",
    "userData.address.firstName": "The first name in the address.",
    "userData.businessDetails.vatNr": "Only companies: the VAT number.",
    "userData.businessDetails.companyName": "Only companies: their name.",
    "userData.extraData.customerNumber": (
        "Your number of this customer. Rename or remove this column freely."
    ),
    "vendorData.campaign": (
        "Something of your own about the sale. Rename what is behind the dot."
    ),
    "providerData.invoiceNumber": (
        "What the payment provider knows. Rename what is behind the dot."
    ),
    "ownerData.email": (
        "Only if somebody else pays: the e-mail address of the one who gets "
        "the subscription."
    ),
    "ownerData.fullName": (
        "Only if somebody else pays: the name of the one who gets the "
        "subscription."
    ),
}
# All in one column: a sheet of one column is not taken for orders.
_GUIDE = """\
How to use this file
1. On the sheet Orders, replace the two examples with your orders, one in \
each row. Keep the row with the names of the columns.
2. Columns that you do not need can stay empty, or be removed.
3. Save the file as .xlsx, and close it.
4. Try it, without sending anything: \
sesamy import orders.xlsx --promo YOUR-PROMO-CODE --dry-run
5. When no mistakes are left, send it: \
sesamy import orders.xlsx --promo YOUR-PROMO-CODE
6. If it stops, run the same command again: no order is sent twice. The \
reports stand beside the file."""
_HELP_ROW, _HEADER_ROW, _FIRST_ROW = 0, 1, 2
_WIDTH, _HEIGHT = 24, 60  # In characters, and in points.


def _write_book(path: Path) -> None:
    text = _shipped("template.csv").decode()
    header, *rows = csv.reader(text.splitlines(), delimiter=";")
    try:
        with AtomicFile.begin(path) as new:
            book = new_book(new.beside)
            _add_orders(book, header, rows)
            _add_guide(book)
            close_book(book)
            new.place()
    except OSError as error:
        raise _unwritable(path, error) from None


def _add_orders(
    book: Any, header: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    cell = book.add_format(TEXT)
    title = book.add_format({**TEXT, "bold": True, "bottom": 1})
    said = {"text_wrap": True, "valign": "top", "font_color": "#666666"}
    words = book.add_format({**TEXT, **said, "italic": True})
    sheet = new_sheet(book, "Orders")
    sheet.set_row(_HELP_ROW, _HEIGHT)
    sheet.freeze_panes(_FIRST_ROW, 1)
    for column, name in enumerate(header):
        sheet.set_column(column, column, max(_WIDTH, len(name) + 2), cell)
        sheet.write_string(_HELP_ROW, column, _HELP[name], words)
        sheet.write_string(_HEADER_ROW, column, name, title)
        for number, row in enumerate(rows, start=_FIRST_ROW):
            sheet.write_string(number, column, row[column], cell)
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
            # The import knows an option for words of one's own.
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


def _add_guide(book: Any) -> None:
    sheet = new_sheet(book, "Help")
    sheet.set_column(0, 0, 100, book.add_format({"text_wrap": True}))
    for row, line in enumerate(_GUIDE.splitlines()):
        sheet.write_string(row, 0, line)
