"""Small spreadsheets, written by another program than ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl  # type: ignore[import-untyped]


Rows = Sequence[Sequence[Any]]
ODS_MIME = "application/vnd.oasis.opendocument.spreadsheet"
_SPACES = " ".join(
    f'xmlns:{key}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for key, name in {
        "office": "office",
        "table": "table",
        "text": "text",
        "number": "datastyle",
        "style": "style",
    }.items()
)
_CALC = (
    'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns'
    ':calcext:1.0"'
)


def xlsx(
    path: Path,
    rows: Rows,
    *,
    formats: Mapping[str, str] | None = None,
    hidden: Sequence[int] = (),
    more: Mapping[str, Rows] | None = None,
    hide: Sequence[str] = (),
) -> Path:
    """Write a workbook.

    Args:
        path: Where to write it.
        rows: The rows of its first sheet, "Orders".
        formats: Number formats, by the places of cells.
        hidden: The numbers of hidden rows.
        more: Further sheets.
        hide: The names of hidden sheets.
    """
    book = openpyxl.Workbook()
    book.remove(book["Sheet"])
    for name, lines in {"Orders": rows, **(more or {})}.items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append(line)
        if name in hide:
            sheet.sheet_state = "hidden"
    orders = book["Orders"]
    for place, code in (formats or {}).items():
        orders[place].number_format = code
    for row in hidden:
        orders.row_dimensions[row].hidden = True
    book.save(path)
    return path


def opened(path: Path) -> Any:
    """Open a workbook in that program."""
    return openpyxl.load_workbook(path)


def rewritten(path: Path, part: str, edit: Callable[[str], str]) -> Path:
    """Change the text of a part of a workbook."""
    with ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts[part] = edit(parts[part].decode()).encode()
    with ZipFile(path, "w") as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return path


def ods(
    path: Path, table: str, *, locked: bool = False, digits: int = 4
) -> Path:
    """Write an .ods with the sheet "Orders", of these XML elements.

    Some of its numbers are shown with so many `digits`.
    """
    key = "<manifest:encryption-data/>" if locked else ""
    with ZipFile(path, "w") as book:
        book.writestr("mimetype", ODS_MIME)
        book.writestr("styles.xml", "<s/>")
        book.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:'
            'opendocument:xmlns:manifest:1.0"><manifest:file-entry '
            f'manifest:full-path="content.xml">{key}</manifest:file-entry>'
            "</manifest:manifest>",
        )
        book.writestr(
            "content.xml",
            f"<office:document-content {_SPACES} {_CALC}><office:automatic-"
            'styles><number:number min-integer-digits="'
            f'{digits}"/></office:automatic-styles><office:body>'
            "<office:spreadsheet><table:table "
            f'table:name="Orders">{table}</table:table><table:table '
            'table:name="Other"><table:table-row table:visibility="filter">'
            '<table:table-cell office:value-type="float" office:value="1">'
            "<text:p>0001</text:p></table:table-cell></table:table-row>"
            "</table:table></office:spreadsheet></office:body>"
            "</office:document-content>",
        )
    return path
