"""Say what is wrong with the file of a `SQLiteStore`, and what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sesamy_async._links import TooLate
from sesamy_async._sqlite import DAMAGED, KEPT, NO_TEXT, code_of, explain

from ._store import StoreUnavailable, unusable


_WAITING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
}
_PASSES = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM}


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another process holds a lock that it will give back."""
    return code_of(error) in _WAITING


def trouble(path: Path, error: sqlite3.Error | OSError) -> StoreUnavailable:
    """Return the error that says what to do."""
    code = 0 if isinstance(error, OSError) else code_of(error, path)
    if code in _WAITING:
        return busy(path)
    if code == sqlite3.SQLITE_NOTADB:
        return no_store(path)
    return unusable(path, explain(path, error), retryable=code in _PASSES)


def busy(path: Path) -> StoreUnavailable:
    """Return the error for a file that others hold for too long."""
    return StoreUnavailable(
        f"The store of orders {path} is busy: another thread or process kept "
        "it locked for too long. Try again; if this persists, check which "
        "program has the file open."
    )


def damaged(path: Path) -> StoreUnavailable:
    """Return the error for a file that can't be understood."""
    return unusable(path, DAMAGED)


def no_store(path: Path) -> StoreUnavailable:
    """Return the error for a file that is something else."""
    return unusable(
        path,
        "it is not a store of orders, or it is damaged. If it should be one, "
        f"restore it from a backup: {KEPT}. If it is something else, choose "
        "another place for the store",
    )


def later(path: Path, version: int, own: int) -> StoreUnavailable:
    """Return the error for a file of another version of the SDK."""
    return unusable(
        path,
        "it was made by another version of sesamy-async (its format is "
        f"{version}, not {own}). Use that version for all programs that "
        "share it",
    )


def orphaned(left: Path, path: Path) -> StoreUnavailable:
    """Return the error for what SQLite kept of a file that is gone."""
    return unusable(
        path,
        f"it is missing, but {left.name}, which belongs to it, is there. If "
        f"it was moved, put it back: {KEPT}. If you removed it to start over, "
        f"remove {left.name} too",
    )


def unfit(path: Path, wal: Path) -> StoreUnavailable:
    """Return the error for a file without the WAL that belongs to it."""
    what = (
        "is from another time or of another file"
        if wal.exists() and wal.stat().st_size
        else "is not beside it"
    )
    return unusable(
        path,
        "a crash has left its latest changes in a file of their own, "
        f"{wal.name}, and that {what}. Orders would be sent twice without it. "
        "Find the one that was beside it, and put it back. Only if it is "
        "lost for good, move this file away, and start a new one from what "
        "else you know: `sesamy orders import`",
    )


def lost(path: Path) -> StoreUnavailable:
    """Return the error for a file that is not in its place any more."""
    return unusable(
        path,
        "it was deleted, moved or replaced while it was open, so nothing is "
        f"written. Put it back before you continue: {KEPT}",
    )


def forked(path: Path) -> StoreUnavailable:
    """Return the error for a file that was in use at a fork."""
    return unusable(
        path,
        "another thread used it for too long while this process was forked, "
        "so its locks do not work here. Start the process again; if you can, "
        "fork before the first order, or use the start method spawn",
    )


@contextmanager
def as_unavailable(path: Path) -> Generator[None]:
    """Turn the errors of SQLite and the system into `StoreUnavailable`."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        if not str(error).startswith(NO_TEXT):
            raise trouble(path, error) from error
    except TooLate:
        raise busy(path) from None
    except UnicodeDecodeError:
        pass  # Of a name or message of SQLite.
    else:
        return
    # Without its cause, which shows what the file holds.
    raise damaged(path) from None
