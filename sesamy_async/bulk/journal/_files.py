"""Where journals are, and what is said of one that can't be used."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sesamy_async._sqlite import DAMAGED, code_of, explain, translating
from sesamy_async._wal import followed
from sesamy_async.bulk._states import (
    JournalBusyError,
    JournalError,
    JournalMismatchError,
)


SUFFIX = ".journal"
"""How the name of a journal ends by default."""

APPLICATION_ID = 0x53455359
"""Marks a SQLite file as ours ("SESY")."""

# A SQLite file begins so, and its head ends with the application id.
_MAGIC = b"SQLite format 3\0"
_HEAD = 72


def journal_path(source: Path) -> Path:
    """Return where the journal of a file is by default: beside it.

    Of ``orders.csv`` it is ``orders.csv.journal``.  For a symbolic link, it
    is that of the file that the link leads to.
    """
    # With two journals, the orders of one file would be sent twice.
    source = followed(source)
    return source.parent / f"{source.name}{SUFFIX}"


def find_journal(file: Path) -> Path:
    """Return the journal of a file of orders; the file may be a journal.

    Raises:
        JournalError: The system does not permit to look for it.
    """
    with as_journal_error(file):
        beside = journal_path(file)
        if beside.exists():
            return beside
    if file.name.endswith(SUFFIX) or not file.is_file():
        return file
    return file if _is_journal(file) else beside


def _is_journal(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEAD)
    except OSError:
        return False
    ours = APPLICATION_ID.to_bytes(4, "big")
    return head.startswith(_MAGIC) and head.endswith(ours)


@contextmanager
def as_journal_error(path: Path) -> Generator[None]:
    """Turn the errors of SQLite and of the system into a `JournalError`."""
    with translating(partial(trouble, path), partial(damaged, path)):
        yield


def trouble(path: Path, error: sqlite3.Error | OSError) -> JournalError:
    """Return the error that says what to do."""
    code = 0 if isinstance(error, OSError) else code_of(error, path)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return JournalBusyError(
            f"The journal {path} is in use by another command, such as an "
            "import of this file. Wait until it ends, or stop it, and try "
            "again."
        )
    if code == sqlite3.SQLITE_CANTOPEN and not path.exists():
        return JournalError(
            f"There is no journal {path}; an import creates it when it begins."
        )
    if code == sqlite3.SQLITE_NOTADB:
        return no_journal(path)
    reason = explain(path, error)
    return JournalError(f"The journal {path} can't be used: {reason}.")


def damaged(path: Path) -> JournalError:
    """Return the error for a journal that can't be understood."""
    return JournalError(f"The journal {path} can't be used: {DAMAGED}.")


def no_journal(path: Path) -> JournalMismatchError:
    """Return the error for a file that is something else."""
    return JournalMismatchError(
        f"{path} is not a journal of an import, or it is damaged. If it "
        "should be one, restore it from a backup: it says which orders were "
        "sent. If it is something else, move it away, or choose another "
        "place for the journal."
    )
