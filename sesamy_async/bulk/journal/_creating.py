"""Make a journal of a plan, and read its rows back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import attrs

from sesamy_async._files import AtomicFile
from sesamy_async.bulk._states import JournalError, Planned, State, Terms

from ._database import Store, connect
from ._files import Mark, leftovers
from ._schema import (
    APPLICATION_ID,
    INDEXES,
    INSERT,
    TABLES,
    VERSION,
    dump,
    storable,
)


def draft(path: Path, terms: Terms, rows: Iterable[Planned]) -> None:
    """Write a journal beside its place, then put it there.

    Raises:
        JournalError: There is a file already, or what SQLite kept beside
            one that is gone.
        sqlite3.Error: It can't be written.
        OSError: It can't be written.
    """
    if os.path.lexists(path):
        raise _exists(path)
    for left in leftovers(path):
        raise _orphaned(left, path)
    with AtomicFile.begin(path) as new:
        _fill(new.beside, terms, rows)
        try:
            new.place()
        except OSError:
            # Another process may have removed our file as a leftover.
            if os.path.lexists(path):
                raise _exists(path) from None
            raise


def _fill(path: Path, terms: Terms, rows: Iterable[Planned]) -> None:
    with closing(connect(path)) as db:
        # What is half written is thrown away, so it needs no way back.
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = FULL")
        db.executescript(TABLES)
        db.execute("BEGIN")
        db.execute("INSERT INTO terms VALUES (?)", (dump(terms),))
        db.executemany(INSERT, map(_values, rows))
        db.execute("INSERT INTO wal VALUES (?)", (Mark().dump(),))
        for each in INDEXES:
            db.execute(each)
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("COMMIT")


def _values(row: Planned) -> tuple[int, str | None, str, str | None]:
    state = State.PENDING if row.reason is None else State.REJECTED
    return row.row, storable(row.order_id), state, storable(row.reason)


def _exists(path: Path) -> JournalError:
    return JournalError(
        f"There is a file {path} already. If it is the journal of this "
        "import, go on with it; it says which orders were sent."
    )


def _orphaned(left: Path, path: Path) -> JournalError:
    # SQLite would take it for the latest changes of the new journal, and
    # orders that were never sent would count as confirmed.
    return JournalError(
        f"{left} belongs to a journal {path} that is not there any more. If "
        "it was moved, put it back: it says which orders were sent. If you "
        f"removed it to begin anew, remove {left.name} too."
    )


@attrs.frozen
class Rows:
    """Numbers of rows, a bit for each: a million take 125 KB."""

    bits: bytearray = attrs.field(factory=bytearray)

    def add(self, row: int) -> None:
        """Put one in."""
        at, bit = divmod(row, 8)
        if at >= len(self.bits):
            self.bits.extend(bytes(at + 1 - len(self.bits)))
        self.bits[at] |= 1 << bit

    def __contains__(self, row: int) -> bool:
        at, bit = divmod(row, 8)
        return at < len(self.bits) and bool(self.bits[at] >> bit & 1)


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
    """What a journal knows of the reports of its import."""

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
