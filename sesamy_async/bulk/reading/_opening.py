"""Open a file of orders."""

from __future__ import annotations

import codecs
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from sesamy_async.bulk._rows import Source
from sesamy_async.bulk._states import InputFileError

from ._columns import Names
from ._csv import CsvTable, instructed
from ._encodings import encoding_of
from ._files import beginning, opened, unpacked
from ._json import JsonSource
from ._mapping import Mapped, read_mapping
from ._sheets import SheetTable, kind_of
from ._table import RawTable, TableSource


Format: TypeAlias = Literal["csv", "jsonl", "sheet"]

_BY_ENDING: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".xlsx": "sheet",
    ".xlsm": "sheet",
    ".xls": "sheet",
    ".ods": "sheet",
}


def open_source(
    path: str | os.PathLike[str],
    *,
    format: Format | None = None,  # noqa: A002 - what it is called everywhere
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    mapping: str | os.PathLike[str] | None = None,
    allow_unknown: bool = False,
) -> Source:
    """Open a file of orders, and check its header but not its rows.

    Args:
        path: The file: CSV, JSON Lines, a JSON array, or a spreadsheet
            (.xlsx, .xlsm, .xls, .ods; with the extra ``files``).  Text may
            be compressed (.gz, or .zip with one file).
        format: ``"csv"``, ``"jsonl"`` (orders in Sesamy's JSON: on a line
            each, or as an array) or ``"sheet"``; None to go by the ending of
            the name, then by the first bytes.
        encoding: The encoding of text, such as ``"cp1252"``; None to find
            it out.
        delimiter: The character between the cells of CSV; None to find out
            whether it is a comma, a semicolon, a tab or a bar.
        sheet: The name of the sheet of a spreadsheet; None if only one has
            cells.
        mapping: A TOML file that says which column holds what; None if the
            headers are documented paths, such as ``userData.email``.
        allow_unknown: Whether paymentProvider, paymentMethod and gender may
            be words that the guide does not name.

    Returns:
        The orders; the file is opened again whenever they are read.

    Raises:
        InputFileError: The file, the mapping, the header or an option is
            wrong; it says what to do, and nothing was sent.
    """
    path = Path(path)
    mapped = Mapped()
    if mapping is not None:
        mapped = read_mapping(Path(mapping), allow_unknown=allow_unknown)
    found = format or _format(path)
    if found == "jsonl":
        if not delimiter is mapping is sheet is None:
            raise InputFileError(
                f"{path.name} is JSON, which has no delimiter, no sheets and "
                "no mapping; leave them out."
            )
        return JsonSource.open(
            path,
            encoding=encoding_of(path, encoding),
            allow_unknown=allow_unknown,
        )
    raw = open_table(
        path,
        format=found,
        encoding=encoding,
        delimiter=delimiter,
        sheet=sheet,
        mapped=mapped,
    )
    return TableSource.open(raw, mapped=mapped, allow_unknown=allow_unknown)


def open_table(
    path: Path,
    *,
    format: Format | None = None,  # noqa: A002 - what it is called everywhere
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    mapped: Mapped = Mapped(),  # noqa: B008 - it is frozen
) -> RawTable:
    """Open a table of which it is not known yet which row is the header.

    The arguments, and what it raises, are as in `open_source`.
    """
    found = format or _format(path)
    if found == "sheet":
        if not encoding is delimiter is None:
            raise InputFileError(
                f"{path.name} is a spreadsheet, which has neither an encoding "
                "nor a delimiter; leave them out."
            )
        return SheetTable.open(path, sheet)
    if found == "jsonl":
        raise InputFileError(
            f"{path.name} is JSON, which has no columns and needs no mapping."
        )
    if found != "csv":
        raise InputFileError('The format must be "csv", "jsonl" or "sheet".')
    if sheet is not None:
        raise InputFileError(
            f"{path.name} is text, which has no sheets; leave the sheet out."
        )
    bad = delimiter is not None and (
        len(delimiter) != 1 or delimiter in '"\r\n\0'
    )
    if bad:
        raise InputFileError(
            "The delimiter must be one character, such as ',' or ';', and "
            "neither a quotation mark nor a line break."
        )
    known = encoding_of(path, encoding)
    delimiter = delimiter or instructed(path, known)
    tables = [
        CsvTable(path, known.encoding or "", it)
        for it in ([delimiter] if delimiter else _DELIMITERS)
    ]
    table = _fitting(tables, Names(mapped))
    if known.rival is not None:
        raise table.unclear(known)
    return table


_DELIMITERS = (",", ";", "\t", "|")
_FIRST = 10


def _fitting(tables: Sequence[CsvTable], names: Names) -> CsvTable:
    """Return the table whose delimiter finds the most names of columns.

    A title, an address or a number may have more commas than a header has
    semicolons.
    """
    found = [
        (table, [row.cells for row in table.first(_FIRST)]) for table in tables
    ]
    # The most costly of these are asked last, and seldom.
    for most in (names.score, names.likely):
        scores = [max(map(most, rows), default=0) for _, rows in found]
        found = [
            each
            for each, score in zip(found, scores, strict=True)
            if score == max(scores)
        ]
        if len(found) == 1:
            break
    table, _ = max(found, key=lambda it: _evenness(it[1]))
    return table


def _evenness(rows: Sequence[tuple[str, ...]]) -> int:
    """Return how many cells are in the rows that have as many as most."""
    widths = Counter(map(len, rows))
    width, often = max(
        widths.items(), key=lambda it: (it[1], it[0]), default=(0, 0)
    )
    return often * width if width > 1 else 0


def _format(path: Path) -> Format:
    with opened(path) as file:
        if kind_of(file) is not None:
            # Whatever its name says.
            return "sheet"
    with unpacked(path) as (_, name, _):
        known = _BY_ENDING.get(Path(name).suffix.lower())
    if known is not None:
        return known
    start = beginning(path).removeprefix(codecs.BOM_UTF8).lstrip()
    return "jsonl" if start[:1] in {b"{", b"["} else "csv"
