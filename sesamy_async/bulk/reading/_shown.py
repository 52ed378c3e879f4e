"""What a workbook shows where the values of its cells do not tell it.

Those come from a reader that knows neither number formats nor hidden rows,
and takes errors for empty cells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from itertools import chain
from posixpath import join
from typing import IO, TypeAlias
from xml.parsers import expat
from zipfile import ZipFile

import attrs

from ._formats import has_few_digits, matters, shown
from ._values import EXPONENT


_Start: TypeAlias = Callable[[str, dict[str, str]], None]

_CHUNK = 1 << 18
_LONGEST_MARK = 64


@attrs.define
class Shown:
    """What a sheet shows; rows are counted from 1, columns from 0.

    `texts` are the columns and texts of cells that show something else than
    their values, by row; `open_formulas` the rows of those without a result.
    """

    texts: dict[int, list[tuple[int, str]]] = attrs.field(
        factory=dict[int, list[tuple[int, str]]], repr=False
    )
    hidden: set[int] = attrs.field(factory=set[int])
    open_formulas: list[int] = attrs.field(factory=list[int])

    def add(self, row: int, column: int, text: str) -> None:
        self.texts.setdefault(row, []).append((column, text))


def shown_in_xlsx(book: ZipFile, sheet: str) -> Shown:
    """Return what a sheet of an .xlsx shows; `ExpatError` if damaged."""
    formats = _formats(book)
    path = _path_of(book, sheet)
    styles = "|".join(map(re.escape, formats)) or "none"
    marks = rf"""[ <:](?:hidden=|f[ >/]|t=["']e|s=["'](?:{styles})["'])"""
    reader = _Cells(formats)
    # A cell without a style has the first.
    if "0" in formats or _has(book, path, marks):
        _parse(book, path, reader.parser)
    return reader.found


def shown_in_ods(book: ZipFile, sheet: str) -> Shown:
    """Return what a sheet of an .ods shows; `ExpatError` if damaged."""
    reader = _Table(sheet)
    marks = (
        # A time has such digits too, in another way.
        r'min-integer-digits="(?:[2-9]|\d\d)"'
        r"|<number:text>(?![\s-])[^<]*[-+\d]"
        r"|<number:scientific-number|table:visibility=|value-type=.error"
    )
    if any(_has(book, it, marks) for it in ("styles.xml", _ODS)):
        _parse(book, _ODS, reader.parser)
    return reader.found


_ODS = "content.xml"


# The reader keeps all cells up to the last one, each in 32 bytes, and ends
# the process if there is no memory for that.
_MOST_CELLS = 50_000_000
_SIZE = re.compile(rb'<(?:\w+:)?dimension ref="[A-Z]+\d+:([A-Z]+)(\d+)"')
_FILLED = re.compile(rb'<(?:\w+:)?c r="([A-Z]+)(\d+)"[^>]*[^/>]>')


def is_too_wide(book: ZipFile, path: str) -> bool:
    """Whether a cell of a sheet is so far away that no memory holds all."""
    with book.open(path) as file:
        start = file.read(_CHUNK)
        said = _SIZE.search(start)
        if (
            said is None
            or _column(said[1].decode()) * int(said[2]) < _MOST_CELLS
        ):
            return False
        # Often cells are only formatted: those are not kept.
        column = row = 0
        before = b""
        for chunk in chain((start,), _chunks(file)):
            for found in _FILLED.finditer(before + chunk):
                column = max(column, _column(found[1].decode()))
                row = max(row, int(found[2]))
            before = chunk[-_LONGEST_MARK:]
    return column * row >= _MOST_CELLS


def _has(book: ZipFile, path: str, marks: str) -> bool:
    """Whether a file has a mark; much quicker than to parse it."""
    mark = re.compile(marks.encode())
    with book.open(path) as file:
        before = b""
        for chunk in _chunks(file):
            if mark.search(before + chunk):
                return True
            before = chunk[-_LONGEST_MARK:]
    return False


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    return iter(partial(file.read, _CHUNK), b"")


def _parser(start: _Start) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    return parser


def _parse(book: ZipFile, path: str, parser: expat.XMLParserType) -> None:
    with book.open(path) as file:
        for chunk in _without_words(_chunks(file)):
            parser.Parse(chunk, False)  # noqa: FBT003 - takes no keywords
        parser.Parse(b"", True)  # noqa: FBT003


# A cell with a text: most are, and none shows something else.
_WORDS = re.compile(
    rb'<c r="[A-Z]+\d+"[^>/]* t="(?:s|str|inlineStr)"[^>/]*>.*?</c>', re.DOTALL
)


def _without_words(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Leave out what takes most of the time to parse."""
    rest = b""
    for chunk in chunks:
        whole, end, rest = (rest + chunk).rpartition(b"</c>")
        if not end:
            # The names have prefixes, or it is another kind of file.
            whole, rest = rest, b""
        yield _WORDS.sub(b"", whole + end)
    yield rest


def _elements(book: ZipFile, path: str) -> list[tuple[str, dict[str, str]]]:
    """Return the names and the attributes of a small file, in its order."""
    found: list[tuple[str, dict[str, str]]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        found.append((_local(name), attributes))

    _parse(book, path, _parser(start))
    return found


@lru_cache(maxsize=64)
def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _path_of(book: ZipFile, sheet: str) -> str:
    [key] = (
        next(it for key, it in found.items() if _local(key) == "id")
        for name, found in _elements(book, "xl/workbook.xml")
        if name == "sheet" and found["name"] == sheet
    )
    targets = {
        found["Id"]: found["Target"]
        for name, found in _elements(book, "xl/_rels/workbook.xml.rels")
        if name == "Relationship"
    }
    return join("/xl", targets[key]).removeprefix("/")


_POWERS = {"11": "0.00E+00", "48": "##0.0E+0"}  # They are in no file.


def _formats(book: ZipFile) -> dict[str, str]:
    """Return the number formats that matter, by the styles of cells."""
    codes = {**_POWERS}
    used: list[str] = []
    inside = ""
    with suppress(KeyError):  # A workbook may have no styles.
        for name, found in _elements(book, "xl/styles.xml"):
            if name == "numFmt":
                codes[found["numFmtId"]] = found["formatCode"]
            elif name == "xf" and inside == "cellXfs":
                used.append(found.get("numFmtId", "0"))
            elif name.endswith("Xfs"):
                inside = name
    named = {str(at): codes.get(key, "") for at, key in enumerate(used)}
    return {key: code for key, code in named.items() if matters(code)}


class _Cells:
    """Reads the cells of a sheet of an .xlsx.

    There may be millions, so only those are looked at that may show more
    than their value.
    """

    def __init__(self, formats: Mapping[str, str]) -> None:
        self.found = Shown()
        self.parser = _parser(self._start)
        self._formats = formats
        self._row = 0
        self._column = 0
        self._place = self._type = self._code = self._text = ""
        self._inside = False

    def _start(self, name: str, found: dict[str, str]) -> None:
        name = _local(name)
        if name == "c":
            self._place = found.get("r", "")
            self._column += 1
            self._type = found.get("t", "n")
            self._code = self._formats.get(found.get("s", "0"), "")
            if self._type == "e" or self._code:
                self._ask()
        elif name == "row":
            self._row = int(found.get("r", self._row + 1))
            self._column = -1
            if found.get("hidden") in {"1", "true"}:
                self.found.hidden.add(self._row)
        elif name == "f":
            self._ask()
        elif name == "v":
            self._inside = True

    def _ask(self) -> None:
        self._text, self._inside = "", False
        self.parser.CharacterDataHandler = self._add
        self.parser.EndElementHandler = self._end

    def _end(self, name: str) -> None:
        name = _local(name)
        self._inside = False
        if name != "c":
            return
        self.parser.CharacterDataHandler = None
        self.parser.EndElementHandler = None
        if self._type == "e":
            self._show(self._text)
        elif self._type == "n" and not self._text:
            self.found.open_formulas.append(self._row)
        elif self._type == "n" and self._code:
            self._show(shown(self._code, float(self._text)))

    def _add(self, text: str) -> None:
        if self._inside:
            self._text += text

    def _show(self, text: str) -> None:
        column = _column(self._place) if self._place else self._column
        self.found.add(self._row, column, text)


def _column(place: str) -> int:
    """Return the column of a place such as ``"AB12"``; A is 0."""
    column = 0
    for letter in place.rstrip("0123456789"):
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1


class _Table:
    """Reads the cells of a sheet of an .ods."""

    def __init__(self, sheet: str) -> None:
        self.found = Shown()
        self.parser = _parser(self._start)
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._add
        self._sheet = sheet
        self._here = False
        self._row = self._rows = 0
        self._column = self._columns = 0
        self._value: str | None = None
        self._error = False
        self._text = ""
        self._lines = self._aside = 0

    def _start(self, name: str, found: dict[str, str]) -> None:
        if name == "table:table":
            self._here = found.get("table:name") == self._sheet
        elif name == "table:table-row":
            self._row += self._rows
            self._rows = int(found.get("table:number-rows-repeated", "1"))
            if self._here and "table:visibility" in found:
                rows = range(self._row + 1, self._row + 1 + self._rows)
                self.found.hidden.update(rows)
            self._column, self._columns = 0, 0
        elif name in _CELLS:
            self._column += self._columns
            repeated = found.get("table:number-columns-repeated", "1")
            self._columns = int(repeated)
            self._value = found.get("office:value")
            if found.get("office:value-type") != "float":
                self._value = None
            self._error = found.get("calcext:value-type") == "error"
            self._text = ""
        elif name == "office:annotation":
            self._aside += 1
        elif name == "text:p":
            self._lines += 1

    def _end(self, name: str) -> None:
        if name == "text:p":
            self._lines -= 1
        elif name == "office:annotation":
            self._aside -= 1
        elif name in _CELLS and self._here:
            text, value = self._text.strip(), self._value
            if self._error or (value is not None and _is_more(text, value)):
                self._show(text)
        elif name == "table:table":
            self._here = False
            self._row = self._rows = 0

    def _add(self, text: str) -> None:
        if self._lines and not self._aside:
            self._text += text

    def _show(self, text: str) -> None:
        for row in range(self._row + 1, self._row + 1 + self._rows):
            for column in range(self._columns):
                self.found.add(row, self._column + column, text)


_CELLS = frozenset({"table:table-cell", "table:covered-table-cell"})
_DIGITS = re.compile(r"\D")


def _is_more(text: str, value: str) -> bool:
    """Whether a text shows digits, or signs of an id, that a number lacks."""
    number = float(value)
    if number != int(number) or abs(number) >= 10**15:
        return False
    if EXPONENT.fullmatch(text):
        return has_few_digits(number)
    digits, whole = _DIGITS.sub("", text), str(abs(int(number)))
    if digits == whole:
        signs = text.lstrip("-") if number < 0 else text
        return "-" in signs or "+" in signs
    amount = "," in text or "." in text or "%" in text
    return digits.endswith(whole) and not amount
