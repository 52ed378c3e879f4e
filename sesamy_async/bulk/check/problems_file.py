"""All problems as a table."""

from __future__ import annotations

import os
from pathlib import Path

from sesamy_async.bulk.errors import InputFileError
from sesamy_async.bulk.reports.errors import ReportError
from sesamy_async.bulk.reports.sheet import Sheet

from .checked import Checked


_HEADER = ("row", "column", "reason")


def write_problems(checked: Checked, path: str | os.PathLike[str]) -> None:
    """Write all problems as CSV: row, column, reason.

    It replaces what is there as a whole, has mode 0600, and is UTF-8 with
    a byte order mark, as spreadsheets expect it.  No cell of it runs as a
    formula: headers are those of somebody else's file.  Without problems
    there is none.

    Args:
        checked: What the check found.
        path: Where to write it.

    Raises:
        InputFileError: It can't be written.

    .. versionadded:: 0.1.0
    """
    sheet = Sheet(Path(path), header=_HEADER, delimiter=",")
    try:
        for each in checked.problems():
            sheet.add(each.row, each.column, each.reason)
        sheet.keep()
    except ReportError as error:
        # Not its advice: there is no journal yet.
        said = str(error.args[0])
    except OSError as error:
        said = f"{path} can't be written: {error.strerror}."
    else:
        return
    finally:
        sheet.discard()
    raise InputFileError(said)
