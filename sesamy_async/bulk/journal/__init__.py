"""What an import intends and what came of it, on disk before and after."""

from __future__ import annotations

from sesamy_async.bulk._states import Change, Entry, Planned, Terms

from ._files import journal_path
from ._journal import Journal, Span
from ._settling import reconcile
from ._writer import Writer


__all__ = [
    "Change",
    "Entry",
    "Journal",
    "Planned",
    "Span",
    "Terms",
    "Writer",
    "journal_path",
    "reconcile",
]
