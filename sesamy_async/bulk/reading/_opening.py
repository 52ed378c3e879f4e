"""Open a file of orders, or write one to begin with."""

from __future__ import annotations

import codecs
import os
from importlib.resources import files
from pathlib import Path
from typing import Literal, TypeAlias

from sesamy_async.bulk._rows import Source
from sesamy_async.bulk._states import InputFileError

from ._columns import Mapped, read_mapping
from ._csv import CsvSource
from ._jsonl import JsonLinesSource
from ._text import beginning, checked_encoding


Format: TypeAlias = Literal["csv", "jsonl"]

_BY_ENDING: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


def open_source(
    path: str | os.PathLike[str],
    *,
    format: Format | None = None,  # noqa: A002 - what it is called everywhere
    encoding: str | None = None,
    delimiter: str | None = None,
    mapping: str | os.PathLike[str] | None = None,
    allow_unknown: bool = False,
) -> Source:
    """Open a file of orders, and check its header but not its rows.

    Args:
        path: The file.
        format: ``"csv"`` or ``"jsonl"`` (JSON Lines: an order in Sesamy's
            JSON on each line); None to go by the ending of the name
            (.csv, .tsv, .jsonl, .ndjson), then by the first byte.
        encoding: The encoding of the file, such as ``"cp1252"``; None for
            UTF-8, with or without a byte order mark.
        delimiter: The character between the cells of CSV; None to find out
            whether it is a comma, a semicolon or a tab.
        mapping: A TOML file that says which column of CSV holds what; None
            if the headers are documented paths, such as ``userData.email``.
        allow_unknown: Whether paymentProvider, paymentMethod and gender may
            be words that the guide does not name.

    Returns:
        The rows; the file is opened again whenever they are read.

    Raises:
        InputFileError: The file, the mapping, the header or an option is
            wrong; it says what to do, and nothing was sent.
    """
    path = Path(path)
    encoding = checked_encoding(encoding)
    found = format or _format(path)
    if found == "jsonl":
        if delimiter is not None or mapping is not None:
            raise InputFileError(
                f"{path.name} is JSON Lines, which has neither a delimiter "
                "nor a mapping; leave them out."
            )
        beginning(path)
        return JsonLinesSource.open(
            path, encoding=encoding, allow_unknown=allow_unknown
        )
    if found != "csv":
        raise InputFileError('The format must be "csv" or "jsonl".')
    mapped = Mapped()
    if mapping is not None:
        mapped = read_mapping(Path(mapping), allow_unknown=allow_unknown)
    if delimiter is not None:
        _check_delimiter(delimiter)
    beginning(path)
    return CsvSource.open(
        path,
        encoding=encoding,
        delimiter=delimiter,
        mapped=mapped,
        allow_unknown=allow_unknown,
    )


def _check_delimiter(delimiter: str) -> None:
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise InputFileError(
            "The delimiter must be one character, such as ',' or ';', and "
            "neither a quotation mark nor a line break."
        )


def _format(path: Path) -> Format:
    known = _BY_ENDING.get(path.suffix.lower())
    if known is not None:
        return known
    start = beginning(path).removeprefix(codecs.BOM_UTF8).lstrip()
    return "jsonl" if start[:1] in {b"{", b"["} else "csv"


def write_template(
    csv_path: str | os.PathLike[str], mapping_path: str | os.PathLike[str]
) -> None:
    """Write a CSV file with two example orders, and a mapping for it.

    The CSV has the documented headers, and opens in a Nordic spreadsheet:
    semicolons, UTF-8 with a byte order mark.  The mapping maps nothing yet;
    its lines are comments to choose from.

    Args:
        csv_path: Where to write the CSV.
        mapping_path: Where to write the mapping (TOML).

    Raises:
        InputFileError: One of them is there already, and neither was
            written; or one can't be written.
    """
    contents = {
        Path(csv_path): codecs.BOM_UTF8 + _shipped("template.csv"),
        Path(mapping_path): _shipped("template.toml"),
    }
    for path in contents:
        if path.exists():
            raise InputFileError(
                f"{path} already exists; move it, or give another name. No "
                "template was written."
            )
    for path, content in contents.items():
        try:
            # Somebody else's file may have appeared in the meantime.
            with path.open("xb") as file:
                file.write(content)
        except OSError as error:
            raise InputFileError(
                f"{path} can't be written: {error.strerror}."
            ) from None


def _shipped(name: str) -> bytes:
    return files("sesamy_async.bulk.reading").joinpath(name).read_bytes()
