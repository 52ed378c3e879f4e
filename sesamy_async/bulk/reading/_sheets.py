"""Read the rows of a spreadsheet."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeAlias
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

import attrs

from sesamy_async.bulk._rows import Note, Remark, Row
from sesamy_async.bulk._states import InputFileError

from ._fields import blind
from ._files import opened
from ._formats import plain
from ._shown import Shown, is_too_wide, shown_in_ods, shown_in_xlsx


if TYPE_CHECKING:
    from _hashlib import HASH

    from python_calamine import CalamineSheet, CalamineWorkbook


Kind: TypeAlias = Literal["xlsx", "xls", "ods"]

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_LONGEST_TYPE = 256
_NO_BOOK = (
    "is damaged, protected with a password, or no spreadsheet. Open it in a "
    "spreadsheet program, save it as .xlsx without a password, and import "
    "that."
)
_TOO_WIDE = (
    "has a cell that is far away from the others. Delete the rows and columns "
    "behind the orders, save it, and import that."
)
_NEEDED = ("python_calamine", "xlsxwriter")  # The reports are written, too.

_SHOWN = {"xlsx": shown_in_xlsx, "ods": shown_in_ods}
_OLD = Remark(
    "it is not known which numbers this kind of file shows with zeros in "
    "front, and its errors are read as empty cells; better save it as .xlsx",
    warning=True,
)
_NO_RESULT = (
    "has no result in the file, so its cell is read as empty; open the file "
    "in a spreadsheet program, and save it there"
)
_UNCLEAR = (
    "has a format that is not understood here, so its digits are read without "
    "zeros in front; save the file as CSV, which has what is shown"
)


def kind_of(file: BinaryIO) -> Kind | None:
    """Return what spreadsheet a file is, if it is one."""
    start = file.read(len(_ZIP))
    if start.startswith(_OLE):
        return "xls"
    if not start.startswith(_ZIP):
        return None
    with suppress(BadZipFile), ZipFile(file) as archive:
        names = {*archive.namelist()}
        if "xl/workbook.xml" in names:
            return "xlsx"
        if "xl/workbook.bin" in names:
            # It is read as an .xls is.
            return "xls"
        if "mimetype" in names:
            with archive.open("mimetype") as said:
                # Not all: it may unpack to more than there is memory.
                if b"opendocument.spreadsheet" in said.read(_LONGEST_TYPE):
                    return "ods"
    return None


def _hours(value: timedelta) -> str:
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


_TEXT: Mapping[type[Any], Callable[[Any], str]] = {
    str: str,
    float: plain,
    int: plain,
    bool: lambda value: str(value).upper(),
    date: date.isoformat,
    datetime: datetime.isoformat,
    time: time.isoformat,
    timedelta: _hours,
}


@attrs.frozen
class SheetTable:
    """The rows of a sheet, which is parsed once, and kept."""

    name: str
    sheet: str
    _kind: Kind
    _content: HASH = attrs.field(repr=False)
    _cells: CalamineSheet = attrs.field(repr=False)
    _shown: Shown = attrs.field(repr=False)

    @classmethod
    def open(cls, path: Path, sheet: str | None = None) -> SheetTable:
        """Read the only sheet with cells, or that of this name.

        Raises:
            InputFileError: It can't be read, or there are several.
        """
        content = _read(path)
        kind = kind_of(io.BytesIO(content))
        if kind is None:
            raise InputFileError(f"{path.name} {_NO_BOOK}")
        missing = [each for each in _NEEDED if find_spec(each) is None]
        if missing:
            raise InputFileError(
                f"{path.name} is a spreadsheet, which needs the extra "
                "\"files\": pip install 'sesamy-async[files]'"
            )
        found = _opened(content, kind, sheet)
        if isinstance(found, str):
            # The frames of the other errors have the content.
            del content
            raise InputFileError(f"{path.name} {found}")
        chosen, shown = found
        digest = hashlib.sha256(content)
        return cls(path.name, chosen.name, kind, digest, chosen, shown)

    @property
    def delimiter(self) -> str:
        """Empty: only CSV has one."""
        return ""

    @property
    def notes(self) -> Sequence[Note]:
        notes: list[Note] = []
        if self._kind == "xls":
            notes.append(Note(0, "", _OLD))
        if self._shown.hidden:
            # Some of the hidden rows may be empty.
            rows = sum(it.number in self._shown.hidden for it in self.rows())
            are = "row is" if rows == 1 else "rows are"
            said = Remark(f"{rows} hidden {are} read too", warning=True)
            notes += [Note(0, "", said)] * bool(rows)
        for what, found, why in (
            ("a formula", self._shown.open_formulas, _NO_RESULT),
            ("a number", self._shown.unclear, _UNCLEAR),
        ):
            if found:
                others = f", and {len(found) - 1} more," * (len(found) > 1)
                remark = Remark(f"{what}{others} {why}", warning=True)
                notes.append(Note(found[0], "", remark))
        return notes

    @property
    def meaning(self) -> Mapping[str, Any]:
        """How the file is read, for its fingerprint."""
        return {"format": self._kind, "sheet": self.sheet}

    def first(self, count: int) -> list[Row]:
        return [*islice(self.rows(), count)]

    def rows(self, _: Sequence[str] = ()) -> Iterator[Row]:
        """Yield the rows that are not blank, numbered as in the sheet."""
        if not self._cells.height:
            # Of such a sheet, some versions of the reader have no rows.
            return
        first = (self._cells.start or (0, 0))[1]
        for number, values in enumerate(self._cells.iter_rows(), start=1):
            cells = [_TEXT[type(value)](value) for value in values]
            for column, text in self._shown.texts.get(number, ()):
                cells[column - first] = text
            if any(map(str.strip, cells)):
                yield Row(number, tuple(cells))

    def digest(self) -> HASH:
        return self._content.copy()


def _read(path: Path) -> bytes:
    with opened(path) as file:
        before = os.fstat(file.fileno())
        content = file.read()
        after = os.fstat(file.fileno())
    versions = [(each.st_size, each.st_mtime_ns) for each in (before, after)]
    if versions[0] != versions[1]:
        del content
        raise InputFileError(
            f"{path.name} changed while it was read. Wait until it is "
            "completely saved; then run the same command again."
        )
    return content


def _opened(
    content: bytes, kind: Kind, wanted: str | None
) -> tuple[CalamineSheet, Shown] | str:
    """Return a sheet, or what is wrong with the file."""
    # Here, because only spreadsheets need it.
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415

    try:
        if kind == "xlsx":
            with ZipFile(io.BytesIO(content)) as archive:
                if any(
                    is_too_wide(archive, name)
                    for name in archive.namelist()
                    if name.startswith("xl/worksheets/")
                    and name.endswith(".xml")
                ):
                    return _TOO_WIDE
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheet = _chosen(book, wanted)
        if isinstance(sheet, str):
            return sheet
        shown = Shown()
        if kind in _SHOWN:
            with ZipFile(io.BytesIO(content)) as archive:
                shown = _SHOWN[kind](archive, sheet.name)
    except (CalamineError, BadZipFile, ParseError, LookupError, ValueError):
        return _NO_BOOK
    return sheet, shown


def _chosen(book: CalamineWorkbook, wanted: str | None) -> CalamineSheet | str:
    """Return the sheet of a name or the only one; or what is wrong."""
    usual = [
        each
        for each in book.sheets_metadata
        if str(each.typ).endswith(".WorkSheet")
    ]
    if wanted is not None:
        names = [each.name for each in usual]
        alike = [it for it in names if blind(it) == blind(wanted)]
        exact = wanted in names
        if exact or len(alike) == 1:
            return book.get_sheet_by_name(wanted if exact else alike[0])
        named = ", ".join(map(repr, names))
        return f"has no sheet {wanted!r}; its sheets are {named}."
    sheets = [
        book.get_sheet_by_name(each.name)
        for each in usual
        if str(each.visible).endswith(".Visible")
    ]
    filled = [each for each in sheets if each.height]
    # One column holds words about the others, as in our template.
    tables = [each for each in filled if each.width > 1] or filled
    if len(tables) > 1:
        named = ", ".join(repr(each.name) for each in tables)
        return (
            f"has several sheets: {named}. Say which one has the orders: "
            f'--sheet "{tables[0].name}".'
        )
    if not tables:
        return "is empty. Write a template with sesamy import --template."
    return tables[0]
