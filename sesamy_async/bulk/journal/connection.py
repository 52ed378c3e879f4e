"""Open the SQLite file of a journal, for one process alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sesamy_async.bulk.errors import JournalError, JournalMismatchError

from .presence import wal_of
from .schema import APPLICATION_ID, MARK, MARK_PAGE, OLDEST, VERSION
from .trouble import damaged, no_journal, unfit
from .wal import Mark, fits, read_wal, torn


def connect(path: Path, mode: str = "mode=rw") -> sqlite3.Connection:
    """Open a file that is there already, with our own transactions."""
    if sqlite3.sqlite_version_info < OLDEST:
        needed = ".".join(str(part) for part in OLDEST)
        raise JournalError(
            f"The journal needs SQLite {needed}, and this Python has "
            f"{sqlite3.sqlite_version}. Use a newer Python."
        )
    db = sqlite3.connect(
        # By its URI, for only so does SQLite not make the file anew.
        f"{path.absolute().as_uri()}?{mode}",
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
        JournalError: It is damaged.
        sqlite3.Error: It can't be opened, or is in use.
    """
    db = connect(path)
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        # It would spoil what the main file says of its WAL.
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("PRAGMA synchronous = FULL")
        # It is only now that SQLite takes the lock.
        db.execute("BEGIN IMMEDIATE")
        db.execute("COMMIT")
        # It takes less than half a second for 100,000 rows.
        _check_pages(db, path)
    except BaseException:
        db.close()
        raise
    return db


def is_whole(path: Path) -> bool:
    """Whether a journal is complete with the WAL beside it, or without.

    To be asked before SQLite sees both, which would mix them for good.

    Raises:
        JournalMismatchError: It is no journal, or one of another version.
        sqlite3.Error: It can't be opened.
        OSError: Its WAL can't be read.
    """
    # Twice, for another process may close it between the two files.
    return _fits(path) or _fits(path)


def check_whole(path: Path) -> None:
    """Make sure that it is.

    Raises:
        JournalError: It is not; nothing is touched.
    """
    if not is_whole(path):
        raise unfit(path, wal_of(path))


def _fits(path: Path) -> bool:
    wal = read_wal(wal_of(path))
    # SQLite then looks at this file alone.  It knows that the file may be
    # open in this process, and keeps the lock.
    with closing(connect(path, "mode=ro&immutable=1")) as db:
        _check(db, path)
        found = db.execute(MARK).fetchall() + db.execute(MARK_PAGE).fetchall()
    try:
        [[mark], [page]] = found
        its = Mark.parse(mark)
        if wal is None and its.needed:
            return torn(its, wal_of(path))
        return fits(its, wal, page)
    except (ValueError, TypeError, AttributeError):
        raise damaged(path) from None


def _check_pages(db: sqlite3.Connection, path: Path) -> None:
    if db.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
        raise damaged(path)


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
