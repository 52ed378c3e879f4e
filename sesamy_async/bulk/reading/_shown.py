"""What a workbook shows where the values of its cells do not tell it.

Those come from a reader that knows neither number formats nor hidden rows,
and takes errors for empty cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from itertools import chain
from posixpath import join
from typing import IO, Any, Literal, cast
from xml.etree.ElementTree import Element, XMLPullParser
from zipfile import ZipFile

import attrs

from ._formats import has_few_digits, matters, shown
from ._values import EXPONENT


_CHUNK = 1 << 18
_LONGEST_MARK = 64
_POWERS = {"11": "0.00E+00", "48": "##0.0E+0"}  # They are in no file.
_NAMES = "{urn:oasis:names:tc:opendocument:xmlns:"
_OFFICE, _TABLE, _TEXT = (
    f"{_NAMES}{it}:1.0}}" for it in ("office", "table", "text")
)
_EXTENDED = (
    "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
)
_ODS = "content.xml"


@attrs.define
class Shown:
    """What a sheet shows; rows are counted from 1, columns from 0.

    `texts` are the columns and texts of cells that show something else than
    their values, by row; `open_formulas` the rows of those without a result,
    and `unclear` those of numbers in a format that is not understood.
    """

    texts: dict[int, list[tuple[int, str]]] = attrs.field(
        factory=dict[int, list[tuple[int, str]]], repr=False
    )
    hidden: set[int] = attrs.field(factory=set[int])
    open_formulas: list[int] = attrs.field(factory=list[int])
    unclear: list[int] = attrs.field(factory=list[int])

    def add(self, row: int, column: int, text: str) -> None:
        self.texts.setdefault(row, []).append((column, text))


def shown_in_xlsx(book: ZipFile, sheet: str) -> Shown:
    """Return what a sheet of an .xlsx shows; `ParseError` if damaged."""
    formats = _formats(book)
    path = _path_of(book, sheet)
    styles = "|".join(formats) or "none"
    marks = rf"""[ <:](?:hidden=|f[ >/]|t=["']e|s=["'](?:{styles})["'])"""
    found, number = Shown(), 0
    # A cell without a style has the first.
    if "0" not in formats and not _has(book, path, marks):
        return found
    for _, name, row in _elements(book, path, leave_out=_plain(formats)):
        if name == "row":
            space = row.tag.removesuffix("row")
            number = int(row.get("r", number + 1))
            if row.get("hidden") in {"1", "true"}:
                found.hidden.add(number)
            for at, cell in enumerate(row):
                kind = cell.get("t", "n")
                value = cell.findtext(f"{space}v", "")
                text = value if kind == "e" else ""
                if kind == "n" and not value:
                    if cell.find(f"{space}f") is not None:
                        found.open_formulas.append(number)
                elif kind == "n" and (code := formats.get(cell.get("s", "0"))):
                    text = shown(code, float(value))
                    found.unclear += [number] * (not text)
                if text:
                    place = cell.get("r")
                    column = _column(place) if place else at
                    found.add(number, column, text)
            row.clear()
    return found


def shown_in_ods(book: ZipFile, sheet: str) -> Shown:
    """Return what a sheet of an .ods shows; `ParseError` if damaged."""
    marks = (
        # A time has such digits too, in another way.
        r'min-integer-digits="(?:[2-9]|\d\d)"'
        r"|<number:text>(?![\s-])[^<]*[-+\d]"
        r"|<number:scientific-number|table:visibility=|value-type=.error"
    )
    found, first = Shown(), 1
    if not any(_has(book, it, marks) for it in ("styles.xml", _ODS)):
        return found
    here = False
    for event, name, element in _elements(book, _ODS, ("start", "end")):
        if name == "table":
            here = event == "start" and element.get(f"{_TABLE}name") == sheet
        elif name == "table-row" and event == "end" and here:
            repeated = element.get(f"{_TABLE}number-rows-repeated", "1")
            rows = range(first, first + int(repeated))
            first = rows.stop
            if f"{_TABLE}visibility" in element.keys():  # noqa: SIM118
                found.hidden.update(rows)
            _add_row(found, rows, element)
        if name == "table-row" and event == "end":
            element.clear()
    return found


def _add_row(found: Shown, rows: range, row: Element) -> None:
    column = 0
    for cell in row:
        count = int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
        # Not those of an annotation.
        lines = cell.findall(f"{_TEXT}p")
        text = "".join(chain.from_iterable(it.itertext() for it in lines))
        text = text.strip()
        value = None
        if cell.get(f"{_OFFICE}value-type") == "float":
            value = cell.get(f"{_OFFICE}value")
        error = cell.get(f"{_EXTENDED}value-type") == "error"
        if error or (value is not None and _is_more(text, value)):
            for number in rows:
                for at in range(column, column + count):
                    found.add(number, at, text)
        column += count


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


def _plain(formats: Mapping[str, str]) -> re.Pattern[bytes]:
    """Return what most cells are, which take most of the time to parse.

    They are a text, or a number that shows nothing else by its style.
    """
    styles, unstyled = "|".join(formats), "" if "0" in formats else "?"
    words = r'[^>/]* t="(?:s|str|inlineStr)"[^>/]*>.*?'
    number = rf'(?: s="(?!(?:{styles})")\d+"){unstyled}><v>[^<]*</v>'
    return re.compile(
        rf'<c r="[A-Z]+\d+"(?:{words}|{number})</c>'.encode(), re.DOTALL
    )


def _elements(
    book: ZipFile,
    path: str,
    events: tuple[Literal["start", "end"], ...] = ("end",),
    leave_out: re.Pattern[bytes] | None = None,
) -> Iterator[tuple[str, str, Element]]:
    """Yield elements with their local names, each when it is complete."""
    parser: XMLPullParser[Element] = XMLPullParser(events)
    with book.open(path) as file:
        rest = b""
        for chunk in chain(_chunks(file), (b"",)):
            whole, end, rest = (rest + chunk).rpartition(b"</c>")
            if not end or not chunk:
                # The names have prefixes, or it is the end, or another file.
                whole, end, rest = whole + end + rest, b"", b""
            whole += end
            parser.feed(leave_out.sub(b"", whole) if leave_out else whole)
            read = cast("Iterator[Any]", parser.read_events())
            for event, element in read:
                yield event, _local(element.tag), element
    parser.close()


@lru_cache(maxsize=64)
def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _path_of(book: ZipFile, sheet: str) -> str:
    [key] = (
        next(it for key, it in found.items() if _local(key) == "id")
        for _, name, found in _elements(book, "xl/workbook.xml")
        if name == "sheet" and found.get("name") == sheet
    )
    targets = {
        found.get("Id"): found.get("Target", "")
        for _, name, found in _elements(book, "xl/_rels/workbook.xml.rels")
        if name == "Relationship"
    }
    return join("/xl", targets[key]).removeprefix("/")


def _formats(book: ZipFile) -> dict[str, str]:
    """Return the number formats that matter, by the styles of cells."""
    codes = {**_POWERS}
    used: list[str] = []
    with suppress(KeyError):  # A workbook may have no styles.
        for _, name, found in _elements(book, "xl/styles.xml"):
            if name == "numFmt":
                codes[found.attrib["numFmtId"]] = found.attrib["formatCode"]
            elif name == "cellXfs":
                used = [it.get("numFmtId", "0") for it in found]
    named = {str(at): codes.get(key, "") for at, key in enumerate(used)}
    return {key: code for key, code in named.items() if matters(code)}


def _column(place: str) -> int:
    """Return the column of a place such as ``"AB12"``; A is 0."""
    column = 0
    for letter in place.rstrip("0123456789"):
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1


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
