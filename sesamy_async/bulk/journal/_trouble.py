"""Say what is wrong with a journal, and what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sesamy_async._sqlite import DAMAGED, NO_TEXT, code_of, explain
from sesamy_async.bulk._states import (
    JournalBusyError,
    JournalError,
    JournalMismatchError,
)


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
            f"There is no journal {path}; an import makes it when it begins."
        )
    if code == sqlite3.SQLITE_NOTADB:
        return no_journal(path)
    if str(error).startswith(NO_TEXT):
        # The error shows the text that Python can't decode.
        return damaged(path)
    said = explain(path, error)
    return JournalError(f"The journal {path} can't be used: {said}.")


def exists(path: Path) -> JournalError:
    """Return the error for a new journal whose place is taken."""
    return JournalError(
        f"There is a file {path} already. If it is the journal of this "
        "import, continue with it; it says which orders were sent."
    )


def orphaned(left: Path, path: Path) -> JournalError:
    """Return the error for what SQLite kept beside a journal that is gone."""
    # SQLite would take it for changes of the new journal, and orders that
    # were never sent would count as confirmed.
    return JournalError(
        f"{left} belongs to a journal {path} that is no longer there. If it "
        "was moved, put it back: it says which orders were sent. If you "
        f"removed it to start over, remove {left.name} too."
    )


def unfit(path: Path, wal: Path) -> JournalError:
    """Return the error for a journal without the WAL that belongs to it."""
    what = (
        f"{wal.name} beside it is from another time or of another journal"
        if wal.exists() and wal.stat().st_size
        else f"{wal.name} is not beside it"
    )
    return JournalError(
        f"The journal {path} is incomplete: a crash has left its latest "
        f"changes in a file of their own, and {what}. They say which orders "
        f"were sent. Find the {wal.name} that was beside this journal when "
        "the import ended, and put it back. Only if it is lost for good, run "
        f"`sesamy journal recover {path} --yes`: orders that may have been "
        "sent become unknown.",
        unsent=True,
    )


def whole(path: Path) -> JournalError:
    """Return the error for a journal that need not be recovered."""
    return JournalError(
        f"The journal {path} is complete: none of its changes are missing, so "
        "there is nothing to recover.",
        unsent=True,
    )


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


@contextmanager
def as_journal_error(path: Path) -> Generator[None]:
    """Turn the errors of SQLite and of the system into a `JournalError`."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise trouble(path, error) from error
    except UnicodeDecodeError:
        # Of a name or message of SQLite; it shows what the file holds.
        raise damaged(path) from None
