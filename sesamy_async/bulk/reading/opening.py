"""Open a file of orders, whatever its format."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, TypeAlias

from sesamy_async.bulk.errors import InputFileError
from sesamy_async.bulk.source import Source

from .csv_source import CsvSource
from .delimiter import checked_delimiter
from .encodings import checked_encoding
from .files import beginning
from .jsonl_source import JsonLinesSource
from .mapping import Mapped, read_mapping


Format: TypeAlias = Literal["csv", "jsonl"]

_BY_ENDING: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_BOM = b"\xef\xbb\xbf"


def open_source(
    path: str | os.PathLike[str],
    *,
    format: Format | None = None,  # noqa: A002 - what it is called everywhere
    encoding: str | None = None,
    delimiter: str | None = None,
    mapping: str | os.PathLike[str] | None = None,
    allow_unknown: bool = False,
) -> Source:
    """Open a file of orders, to be read row by row.

    Its header is checked here; its rows are not.

    Args:
        path: The file.
        format: ``"csv"`` or ``"jsonl"`` (JSON Lines: an order in Sesamy's
            JSON on each line); None to go by the ending of the name
            (.csv, .tsv, .jsonl, .ndjson), then by the first byte.
        encoding: Of the file, such as ``"cp1252"``; None for UTF-8, with or
            without a byte order mark.
        delimiter: What stands between the cells of CSV; None to find out
            whether it is a comma, a semicolon or a tab.
        mapping: A TOML file that says which column of CSV holds what; None
            where the headers are documented paths, such as
            ``userData.email``.
        allow_unknown: Whether paymentProvider, paymentMethod and gender may
            be words that the guide (S) does not name.

    Returns:
        The rows; the file is opened again whenever they are read.

    Raises:
        InputFileError: The file, the mapping, the header or an option is
            wrong; it says what to do, and nothing was sent.

    .. versionadded:: 0.1.0
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
        delimiter = checked_delimiter(delimiter)
    beginning(path)
    return CsvSource.open(
        path,
        encoding=encoding,
        delimiter=delimiter,
        mapped=mapped,
        allow_unknown=allow_unknown,
    )


def _format(path: Path) -> Format:
    known = _BY_ENDING.get(path.suffix.lower())
    if known is not None:
        return known
    start = beginning(path).removeprefix(_BOM).lstrip()
    return "jsonl" if start[:1] in {b"{", b"["} else "csv"
