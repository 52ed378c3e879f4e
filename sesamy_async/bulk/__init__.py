"""Imports of files of orders: no order is lost, and none is sent twice.

A file is read (``reading``), checked as a whole (``check``), recorded in a
journal (``journal``), sent order by order (`Importer`), and reported
(``reports``).  Nothing here is loaded by ``import sesamy_async``.
"""

from __future__ import annotations

from sesamy_async.bulk.journal import Journal

from ._counts import Ending, ImportSummary, Progress
from ._file import FileSummary, import_file
from ._importer import Importer
from ._rows import Mistaken, Note, Problem, Remark, Row, Sale, Source
from ._states import (
    Change,
    Confirm,
    Entry,
    InputFileError,
    JournalBusyError,
    JournalError,
    JournalMismatchError,
    Planned,
    State,
    Terms,
)
from .lookup import Found, Lookup


__all__ = [
    "Change",
    "Confirm",
    "Ending",
    "Entry",
    "FileSummary",
    "Found",
    "ImportSummary",
    "Importer",
    "InputFileError",
    "Journal",
    "JournalBusyError",
    "JournalError",
    "JournalMismatchError",
    "Lookup",
    "Mistaken",
    "Note",
    "Planned",
    "Problem",
    "Progress",
    "Remark",
    "Row",
    "Sale",
    "Source",
    "State",
    "Terms",
    "import_file",
]
