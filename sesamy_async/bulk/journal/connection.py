"""Open the SQLite file of a journal, for one process alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sesamy_async.bulk.errors import JournalError, JournalMismatchError

from .schema import APPLICATION_ID, OLDEST, VERSION
from .trouble import no_journal


def connect(path: Path) -> sqlite3.Connection:
    """Open a file that is there already, with our own transactions."""
    if sqlite3.sqlite_version_info < OLDEST:
        needed = ".".join(str(part) for part in OLDEST)
        raise JournalError(
            f"The journal needs SQLite {needed}, and this Python has "
            f"{sqlite3.sqlite_version}. Use a newer Python."
        )
    db = sqlite3.connect(
        # By its URI, for only so does SQLite not make the file anew.
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
    )
    # On a Mac a plain fsync does not reach the disk; elsewhere no difference.
    db.executescript("PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON")
    return db


def attach(path: Path) -> sqlite3.Connection:
    """Open a journal, and keep every other process out.

    SQLite holds the lock as long as the connection lives; the system frees
    it with the process, whatever ends that.  Nothing else here may open
    the file: closing it would free the lock too (POSIX).

    Raises:
        JournalMismatchError: It is no journal, or one of another version.
        sqlite3.Error: It can't be opened, or is in use.
    """
    db = connect(path)
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        _check(db, path)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        # It is only now that SQLite takes the lock.
        db.execute("BEGIN IMMEDIATE")
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection, path: Path) -> None:
    [[marked]] = db.execute("PRAGMA application_id")
    if marked != APPLICATION_ID:
        raise no_journal(path)
    [[version]] = db.execute("PRAGMA user_version")
    if version != VERSION:
        raise JournalMismatchError(
            f"The journal {path} was made by another version of "
            f"sesamy-async (its format is {version}, not {VERSION}). Finish "
            "its import with the version that began it."
        )
