"""The state of an import on disk, written before and after each call."""

from __future__ import annotations

from sesamy_async.bulk._states import Change, Entry, Planned, Terms

from ._files import find_journal, journal_path
from ._journal import Journal, Memory, Span
from ._settling import (
    Finding,
    Reconciled,
    read_findings,
    reconcile,
    resolve,
)


__all__ = [
    "Change",
    "Entry",
    "Finding",
    "Journal",
    "Memory",
    "Planned",
    "Reconciled",
    "Span",
    "Terms",
    "find_journal",
    "journal_path",
    "read_findings",
    "reconcile",
    "resolve",
]
