"""Files of spreadsheets, as they are."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter  # type: ignore[import-untyped]

from ._made import (
    AINO,
    BJORN,
    COLUMNS,
    PATHS,
    PEOPLE,
    TRIED,
    YLVA,
    OddFile,
    Outcome,
    Row,
    as_it_is,
    changed,
    csv,
    sent,
    zipped,
)


_SHOWN = "application/vnd.oasis.opendocument.spreadsheet"
_NAMESPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{urn}:1.0"'
    for name, urn in (
        ("office", "office"),
        ("table", "table"),
        ("text", "text"),
        ("style", "style"),
        ("number", "datastyle"),
    )
)
# Numbers of four digits, such as zips of Norway.
_STYLES = (
    '<office:automatic-styles><number:number-style style:name="N4">'
    '<number:number number:decimal-places="0" number:min-integer-digits="4"/>'
    '</number:number-style><style:style style:name="ce1" '
    'style:family="table-cell" style:data-style-name="N4"/>'
    "</office:automatic-styles>"
)
_MANIFEST = (
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:'
    'xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/" '
    f'manifest:media-type="{_SHOWN}"/></manifest:manifest>'
)
_NO_STYLES = f'<office:document-styles {_NAMESPACES} office:version="1.3"/>'
_BORN = dt.date(1981, 12, 1)
_BIRTHDAY = (*COLUMNS, "birthday")
_WITH_DATE = (
    {**YLVA, "birthday": "1981-12-01"},
    {**BJORN, "birthday": "1981-12-01"},
)
_NUMBERS: tuple[Row, ...] = (
    {**YLVA, "id": "20260917", "phone": "46313900601", "zip": "41304"},
    {**BJORN, "id": "20260918", "phone": "46313900602", "zip": "5003"},
)


def _grid(
    rows: Iterable[Mapping[str, Any]] = PEOPLE,
    columns: Sequence[str] = COLUMNS,
) -> list[list[Any]]:
    """Return the cells of a sheet with a header."""
    return [
        [PATHS[name] for name in columns],
        *([row.get(name) for name in columns] for row in rows),
    ]


def _as_numbers(rows: Iterable[Row], *names: str) -> list[dict[str, Any]]:
    """Return rows in which some cells are numbers."""
    return [
        {
            name: int(cell) if name in names else cell
            for name, cell in row.items()
        }
        for row in rows
    ]


def _xlsx(
    grid: Sequence[Sequence[Any]] = (),
    *,
    shown: Mapping[int, str] | None = None,
    first: Sequence[tuple[str, str]] = (),
    name: str = "Orders",
    then: Callable[[Any, Any], object] | None = None,
) -> Callable[[], bytes]:
    """Return what makes an .xlsx.

    Args:
        grid: The cells.
        shown: The number formats of columns.
        first: Other sheets before it, and how each is hidden.
        name: The name of the sheet.
        then: Called with the workbook and the sheet, to add to it.
    """

    def make() -> bytes:
        buffer = io.BytesIO()
        book = xlsxwriter.Workbook(
            buffer, {"in_memory": True, "strings_to_formulas": False}
        )
        date = book.add_format({"num_format": "yyyy-mm-dd"})
        formats = {
            number: book.add_format({"num_format": each})
            for number, each in (shown or {}).items()
        }
        for other, state in first:
            sheet = book.add_worksheet(other)
            sheet.write_row(0, 0, ["Säljare", "Antal"])
            sheet.write_row(1, 0, ["Märta", 12])
            if state:
                getattr(sheet, state)()
        sheet = book.add_worksheet(name)
        sheet.activate()
        sheet.set_first_sheet()
        for number, cells in enumerate(grid):
            for column, cell in enumerate(cells):
                if isinstance(cell, dt.date):
                    sheet.write_datetime(number, column, cell, date)
                elif isinstance(cell, int | float):
                    how = formats.get(column)
                    sheet.write_number(number, column, cell, how)
                elif cell:
                    sheet.write_string(number, column, cell)
        if then is not None:
            then(book, sheet)
        book.close()
        return buffer.getvalue()

    return make


def _formula(_: Any, sheet: Any) -> None:
    for row, each in enumerate(PEOPLE, 1):
        text = 'CONCATENATE("","' + each["email"] + '")'
        sheet.write_formula(
            row, COLUMNS.index("email"), f"={text}", None, each["email"]
        )


def _error(column: str, row: int) -> Callable[[Any, Any], object]:
    def write(_: Any, sheet: Any) -> None:
        place = COLUMNS.index(column)
        sheet.write_formula(row, place, "=NA()", None, "#N/A")

    return write


def _blank_below(book: Any, sheet: Any) -> None:
    grey = book.add_format({"bg_color": "#eeeeee"})
    for row in range(4, 60):
        for column in range(len(COLUMNS)):
            sheet.write_blank(row, column, None, grey)


def _ods_cell(cell: Any) -> str:
    if cell is None or cell == "":
        return "<table:table-cell/>"
    if isinstance(cell, dt.date):
        return (
            '<table:table-cell office:value-type="date" '
            f'office:date-value="{cell}"><text:p>{cell:%d.%m.%Y}</text:p>'
            "</table:table-cell>"
        )
    if isinstance(cell, tuple):  # A number, and how it is shown.
        number, shown = cell
        return (
            '<table:table-cell table:style-name="ce1" '
            f'office:value-type="float" office:value="{number}">'
            f"<text:p>{shown}</text:p>"
            "</table:table-cell>"
        )
    return (
        '<table:table-cell office:value-type="string"><text:p>'
        f"{escape(cell)}</text:p></table:table-cell>"
    )


def _ods(rows: Iterable[str]) -> Callable[[], bytes]:
    """Return what makes an .ods of rows in XML."""
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?>'
        f'<office:document-content {_NAMESPACES} office:version="1.3">'
        f"{_STYLES}<office:body><office:spreadsheet>"
        '<table:table table:name="Orders">'
        f"{''.join(rows)}</table:table></office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    return lambda: zipped(
        {
            "mimetype": _SHOWN,
            "content.xml": content,
            "styles.xml": _NO_STYLES,
            "META-INF/manifest.xml": _MANIFEST,
        }
    )


def _ods_rows(grid: Iterable[Iterable[Any]]) -> list[str]:
    return [
        f"<table:table-row>{''.join(map(_ods_cell, cells))}</table:table-row>"
        for cells in grid
    ]


_BLANK_ODS_ROWS = (
    '<table:table-row table:number-rows-repeated="3"><table:table-cell '
    'table:number-columns-repeated="1024"/></table:table-row>'
)
_HEADER_ODS, *_ROWS_ODS = _ods_rows(_grid())


def _html() -> bytes:
    rows = "".join(
        f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        for cells in _grid()
    )
    return f"<html><body><table>{rows}</table></body></html>".encode()


XLSX = (
    OddFile(
        "texts.xlsx",
        "a sheet with texts only",
        TRIED,
        _xlsx(_grid(_as_numbers(PEOPLE, "quantity"))),
        as_it_is(),
    ),
    OddFile(
        "macros.xlsm",
        "a sheet of a workbook that may have macros",
        TRIED,
        _xlsx(_grid(_as_numbers(PEOPLE, "quantity"))),
        as_it_is(),
    ),
    OddFile(
        "numbers.xlsx",
        "ids, phones and zips that are numbers",
        "https://github.com/mk-j/PHP_XLSXWriter/issues/19",
        _xlsx(_grid(_as_numbers(_NUMBERS, "id", "phone", "zip", "quantity"))),
        as_it_is(_NUMBERS),
    ),
    OddFile(
        "number-formats.xlsx",
        "zips that are numbers and shown as 0352, by the format 0000",
        "https://github.com/jazzband/tablib/issues/288",
        _xlsx(
            _grid(_as_numbers([BJORN], "zip", "quantity")),
            shown={COLUMNS.index("zip"): "0000"},
        ),
        as_it_is([BJORN]),
    ),
    OddFile(
        "long-numbers.xlsx",
        "an id of 17 digits as a number, of which Excel keeps 15",
        "https://github.com/MicrosoftDocs/OfficeDocs-Support/issues/622",
        _xlsx(
            _grid(
                [
                    *_as_numbers([BJORN, AINO], "quantity"),
                    {**YLVA, "id": 20260917000123456.0, "quantity": 1},
                ]
            )
        ),
        Outcome(
            orders=sent(BJORN, AINO), wrong={(4, PATHS["id"]): "digit|number"}
        ),
    ),
    OddFile(
        "decimal-quantity.xlsx",
        "a quantity that is 1.5",
        TRIED,
        _xlsx(_grid([{**YLVA, "quantity": 1.5}, {**BJORN, "quantity": 2.0}])),
        Outcome(orders=sent(BJORN), wrong={(2, "quantity"): "whole number"}),
    ),
    OddFile(
        "dates.xlsx",
        "birthdays that are dates",
        "https://github.com/OpenTreeMap/otm-core/issues/3035",
        _xlsx(
            _grid(
                [
                    {**row, "birthday": _BORN}
                    for row in _as_numbers([YLVA, BJORN], "quantity")
                ],
                _BIRTHDAY,
            )
        ),
        as_it_is(_WITH_DATE),
    ),
    OddFile(
        "formulas.xlsx",
        "addresses that are formulas, with their values",
        TRIED,
        _xlsx(
            _grid(
                {**row, "email": ""} for row in _as_numbers(PEOPLE, "quantity")
            ),
            then=_formula,
        ),
        as_it_is(),
    ),
    OddFile(
        "error-in-phone.xlsx",
        "a phone that is the error #N/A",
        "https://github.com/CartoDB/cartodb/issues/2153",
        _xlsx(
            _grid(_as_numbers(changed(BJORN, phone="x"), "quantity")),
            then=_error("phone", 2),
        ),
        Outcome(
            orders=sent(*changed(BJORN, phone="#N/A")),
            warned={PATHS["phone"]: "."},
        ),
    ),
    OddFile(
        "error-in-id.xlsx",
        "an id that is the error #N/A",
        TRIED,
        _xlsx(_grid(_as_numbers(PEOPLE, "quantity")), then=_error("id", 2)),
        Outcome(orders=sent(YLVA, AINO), wrong={(3, PATHS["id"]): "."}),
    ),
    OddFile(
        "several-sheets.xlsx",
        "several sheets, and nothing says which one is meant",
        TRIED,
        _xlsx(_grid(_as_numbers(PEOPLE, "quantity")), first=[("Säljare", "")]),
        Outcome(refused=("Säljare", "Orders", "--sheet")),
    ),
    OddFile(
        "chosen-sheet.xlsx",
        "several sheets, and one is chosen",
        "https://github.com/dfinke/ImportExcel/issues/996",
        _xlsx(_grid(_as_numbers(PEOPLE, "quantity")), first=[("Säljare", "")]),
        as_it_is(),
        options={"sheet": "Orders"},
    ),
    OddFile(
        "misnamed-sheet.xlsx",
        "a sheet is chosen that is not there",
        TRIED,
        _xlsx(_grid()),
        Outcome(refused=("Ordrar", "Orders")),
        options={"sheet": "Ordrar"},
    ),
    OddFile(
        "hidden-sheet.xlsx",
        "the first sheet is hidden",
        "https://github.com/tidyverse/readxl/issues/533",
        _xlsx(
            _grid(_as_numbers(PEOPLE, "quantity")),
            first=[("Lists", "hide")],
        ),
        as_it_is(),
    ),
    OddFile(
        "very-hidden-sheet.xlsx",
        "the first sheet is very hidden, and the other one is chosen",
        "https://github.com/awalker89/openxlsx/issues/434",
        _xlsx(
            _grid(_as_numbers(PEOPLE, "quantity")),
            first=[("modMain", "very_hidden")],
        ),
        as_it_is(),
        options={"sheet": "Orders"},
    ),
    OddFile(
        "title-rows.xlsx",
        "a title and a blank row above the header; rows are the sheet's own",
        "https://github.com/tidyverse/readxl/issues/513",
        _xlsx(
            [
                ["Beställningar vecka 48"],
                [],
                *_grid(_as_numbers(changed(BJORN, email="x"), "quantity")),
            ]
        ),
        Outcome(
            orders=sent(YLVA, AINO), wrong={(5, PATHS["email"]): "e-?mail|@"}
        ),
    ),
    OddFile(
        "formatted-rows.xlsx",
        "56 rows below the orders that have a colour and nothing else",
        "https://github.com/NHSDigital/manage-vaccinations-in-schools"
        "/pull/2186",
        _xlsx(_grid(_as_numbers(PEOPLE, "quantity")), then=_blank_below),
        as_it_is(),
    ),
)

OTHERS = (
    OddFile(
        "texts.ods",
        "a sheet of LibreOffice",
        TRIED,
        _ods([_HEADER_ODS, *_ROWS_ODS]),
        as_it_is(),
    ),
    OddFile(
        "numbers.ods",
        "zips that are numbers and shown as 0352, and dates",
        "https://github.com/f35f22fan/Ods2/issues/8",
        _ods(
            _ods_rows(
                _grid(
                    [
                        {
                            **BJORN,
                            "zip": (352, "0352"),
                            "birthday": _BORN,
                        }
                    ],
                    _BIRTHDAY,
                )
            )
        ),
        as_it_is(_WITH_DATE[1:]),
    ),
    OddFile(
        "blank-rows.ods",
        "blank rows between orders that the file writes as one; rows count",
        "https://github.com/SheetJS/sheetjs/issues/328",
        _ods(
            [
                _HEADER_ODS,
                _ROWS_ODS[0],
                _BLANK_ODS_ROWS,
                *_ods_rows(_grid(changed(BJORN, email="x"))[2:3]),
                _ROWS_ODS[2],
                _BLANK_ODS_ROWS,
            ]
        ),
        Outcome(
            orders=sent(YLVA, AINO), wrong={(6, PATHS["email"]): "e-?mail|@"}
        ),
    ),
    OddFile(
        "repeated-cells.ods",
        "equal cells beside each other, which the file writes as one",
        "https://github.com/SheetJS/sheetjs/issues/383",
        _ods(
            [
                _HEADER_ODS,
                _ods_rows([["A-1004"]])[0].replace(
                    "</table:table-row>",
                    '<table:table-cell table:number-columns-repeated="3"/>'
                    + _ods_cell(AINO["email"])
                    + '<table:table-cell table:number-columns-repeated="2" '
                    'office:value-type="string"><text:p>Aino</text:p>'
                    "</table:table-cell></table:table-row>",
                ),
            ]
        ),
        Outcome(
            orders=sent(
                {
                    "id": "A-1004",
                    "email": AINO["email"],
                    "name": "Aino",
                    "phone": "Aino",
                }
            )
        ),
    ),
    OddFile(
        "repeated-rows.ods",
        "an order that is there twice, which the file writes as one",
        "https://github.com/tafia/calamine/pull/308",
        _ods(
            [
                _HEADER_ODS,
                _ROWS_ODS[0].replace(
                    "<table:table-row>",
                    '<table:table-row table:number-rows-repeated="2">',
                ),
                _ROWS_ODS[1],
            ]
        ),
        Outcome(
            orders=sent(YLVA, BJORN),
            wrong={(3, ""): "the same row as row 2"},
        ),
    ),
    OddFile(
        "web-page.xls",
        "a web page that is called .xls, as many systems export it",
        "https://github.com/valdergallo/data-importer/pull/80",
        _html,
        Outcome(refused=("web-page.xls", "no spreadsheet")),
    ),
    OddFile(
        "broken.xlsx",
        "a download that was cut",
        TRIED,
        lambda: _xlsx(_grid())()[:2000],
        Outcome(refused=("broken.xlsx",)),
    ),
    OddFile(
        "password.xlsx",
        "a workbook with a password",
        TRIED,
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2048),
        Outcome(refused=("password.xlsx", "password")),
    ),
    OddFile(
        "orders.numbers",
        "a document of Numbers",
        TRIED,
        lambda: zipped({"Index/Document.iwa": b"\0", "preview.jpg": b"\0"}),
        Outcome(refused=("orders.numbers",)),
    ),
    OddFile(
        "text.xlsx",
        "CSV that was renamed to .xlsx",
        TRIED,
        csv(),
        Outcome(refused=("text.xlsx",)),
    ),
)

SHEETS = (*XLSX, *OTHERS)
