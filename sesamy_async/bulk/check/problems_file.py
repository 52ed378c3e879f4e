"""All problems as a table."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from sesamy_async.bulk.errors import InputFileError

from .checked import Checked


_HEADER = ("row", "column", "reason")
# What begins a formula in one spreadsheet or another (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_problems(checked: Checked, path: str | os.PathLike[str]) -> None:
    """Write all problems as CSV: row, column, reason.

    It replaces what is there, and is UTF-8 with a byte order mark, as
    spreadsheets expect it.  No cell of it runs as a formula: headers are
    those of somebody else's file.

    Args:
        checked: What the check found.
        path: Where to write it.

    Raises:
        InputFileError: It can't be written.

    .. versionadded:: 0.1.0
    """
    path = Path(path)
    try:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_HEADER)
            for each in checked.problems():
                column, reason = _plain(each.column), _plain(each.reason)
                writer.writerow((each.row, column, reason))
    except OSError as error:
        said = error.strerror
    else:
        return
    raise InputFileError(f"{path} can't be written: {said}.")


def _plain(cell: str) -> str:
    """Return a cell that a spreadsheet shows as it stands."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
