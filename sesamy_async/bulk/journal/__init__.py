"""What an import intends and what came of it, on disk before and after."""

from __future__ import annotations

from .entry import Change, Entry, Planned
from .journal import Journal
from .place import journal_path
from .terms import Terms
from .timeline import Span
from .writer import Writer


__all__ = [
    "Change",
    "Entry",
    "Journal",
    "Planned",
    "Span",
    "Terms",
    "Writer",
    "journal_path",
]
