"""What our SQLite files have in common: how they are opened, and fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path


OLDEST = (3, 33, 0)
"""The first SQLite that has all we use (2020)."""

STRICT = " STRICT" if sqlite3.sqlite_version_info >= (3, 37) else ""

# How Python's own error begins where SQLite holds bytes for a text.
_NO_TEXT = "Could not decode to UTF-8"

KEPT = "it says which orders were sent"
DAMAGED = f"it is damaged. Keep it, and restore it from a backup: {KEPT}"

_SEE = "Check that its folder exists, and that you may read and write both"
_READ_ONLY = (
    "it can't be written. Make sure that you may write the file and its folder"
)

_ADVICE = {
    sqlite3.SQLITE_FULL: "its disk is full. Free some space, and try again",
    sqlite3.SQLITE_IOERR_LOCK: (
        "it can't be locked. Make sure that you may write the file, and that "
        "it is on a local disk"
    ),
    sqlite3.SQLITE_IOERR: (
        "its disk fails, or is full. Check that there is space, and that the "
        "file is on a local disk; then try again"
    ),
    sqlite3.SQLITE_NOMEM: (
        "there is not enough memory. Free some, and try again"
    ),
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: f"it can't be opened. {_SEE}",
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    # The statements are ours: it is the names in the file that are not.
    sqlite3.SQLITE_ERROR: DAMAGED,
    sqlite3.SQLITE_CONSTRAINT: (
        "it was given an invalid value. That is a bug in sesamy-async: please "
        "report it"
    ),
}


def connect(path: Path, mode: str = "mode=rw") -> sqlite3.Connection:
    """Open a file that is there; transactions are begun by us only."""
    if sqlite3.sqlite_version_info < OLDEST:
        needed = ".".join(str(part) for part in OLDEST)
        raise sqlite3.NotSupportedError(
            f"it needs SQLite {needed}, and this Python has "
            f"{sqlite3.sqlite_version}. Use a newer Python"
        )
    db = sqlite3.connect(
        # As a URI, or SQLite would make a file that is missing.
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
    )
    # On a Mac a plain fsync does not reach the disk; elsewhere no difference.
    db.executescript("PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON")
    return db


@contextmanager
def committing(
    db: sqlite3.Connection, check: Callable[[], object]
) -> Generator[None]:
    """Commit the transaction that has begun, after a last check.

    If the block or the check raises, nothing of it is kept.
    """
    try:
        yield
        check()
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


@contextmanager
def translating(
    trouble: Callable[[sqlite3.Error | OSError], Exception],
    damaged: Callable[[], Exception],
) -> Generator[None]:
    """Turn the errors of SQLite and of the system into others."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        if not str(error).startswith(_NO_TEXT):
            raise trouble(error) from error
    except UnicodeDecodeError:
        pass  # Of a name or message of SQLite.
    else:
        return
    # Without its cause, which shows what the file holds.
    raise damaged() from None


def code_of(error: sqlite3.Error, path: Path | None = None) -> int:
    """Return what SQLite says, of a file, without the particulars."""
    # Python's own errors, such as of a closed connection, have no code.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    # To read a folder fails otherwise than to open it.
    folder = path is not None and path.is_dir()
    return sqlite3.SQLITE_CANTOPEN if folder else int(code) & 0xFF


def explain(path: Path, error: sqlite3.Error | OSError) -> str:
    """Return why a file can't be used, and what to do."""
    if isinstance(error, OSError):
        return f"{error.strerror or type(error).__name__}. {_SEE}"
    if isinstance(error, sqlite3.NotSupportedError):
        return str(error)
    # Not SQLite's message, which may show what the file holds.
    name = getattr(error, "sqlite_errorname", error)
    exactly = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    known = _ADVICE.get(code_of(error, path), f"SQLite says: {name}")
    return _ADVICE.get(exactly, known)
