"""Reports as they were written, kept to see what somebody has changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import attrs

from .rows import Rows
from .store import Store


@attrs.frozen
class Written:
    """A report as it was written.

    Attributes:
        digest: Of all its bytes.
        rows: Which rows of the file it has.
    """

    digest: bytes
    rows: Rows


Reported: TypeAlias = Mapping[str, tuple[Written, ...]]
"""What may lie at each name; two where a crash may have come between."""


@attrs.frozen
class Memory:
    """What a journal knows of the reports of its import.

    .. versionadded:: 0.1.0
    """

    _store: Store

    def recall(self) -> Reported:
        """Return what was written.

        Raises:
            JournalError: It can't be read.
        """
        found: dict[str, tuple[Written, ...]] = {}
        query = "SELECT name, digest, rows FROM reports ORDER BY rowid"
        for name, digest, rows in self._store.read(query):
            written = Written(digest, Rows(bytearray(rows)))
            found[name] = (*found.get(name, ()), written)
        return found

    def remember(self, reported: Reported) -> None:
        """Put on disk what is, or is about to be, written, and only that.

        Raises:
            JournalError: It is not on disk.
        """
        values = [
            (name, each.digest, bytes(each.rows.bits))
            for name, all_of_it in reported.items()
            for each in all_of_it
        ]
        with self._store.transaction() as db:
            db.execute("DELETE FROM reports")
            db.executemany("INSERT INTO reports VALUES (?, ?, ?)", values)
