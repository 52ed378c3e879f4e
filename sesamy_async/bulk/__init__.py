"""A file of orders, none lost, none doubled.

A file is read (``reading``), checked as a whole (``check``), written down
as a plan (``journal``), sent order by order (``importer``), and reported
(``reports``).  Nothing here is loaded by ``import sesamy_async``.
"""

from __future__ import annotations

from .claim import Claim
from .confirm import Confirm
from .errors import (
    InputFileError,
    JournalBusyError,
    JournalError,
    JournalMismatchError,
)
from .importer import Importer
from .journal import Change, Entry, Journal, Planned, Terms, Writer
from .lookup import Found, Lookup
from .problem import Problem
from .progress import Progress
from .record import Mistaken, Record, Sale
from .source import Source
from .state import State
from .steps import Steps
from .summary import Ending, ImportSummary
from .verdict import Cause, Trouble, Verdict


__all__ = [
    "Cause",
    "Change",
    "Claim",
    "Confirm",
    "Ending",
    "Entry",
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
    "Planned",
    "Problem",
    "Progress",
    "Record",
    "Sale",
    "Source",
    "State",
    "Steps",
    "Terms",
    "Trouble",
    "Verdict",
    "Writer",
]
