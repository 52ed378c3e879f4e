"""What is wrong with the file of a `SQLiteStore`, and what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sesamy_async._links import TooLate
from sesamy_async._sqlite import DAMAGED, KEPT, code_of, explain, translating

from ._store import StoreUnavailable, unusable


_WAITING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
}
_PASSES = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM}


def is_busy(error: sqlite3.Error) -> bool:
    return code_of(error) in _WAITING


def trouble(path: Path, error: sqlite3.Error | OSError) -> StoreUnavailable:
    code = 0 if isinstance(error, OSError) else code_of(error, path)
    if code in _WAITING:
        return busy(path)
    if code == sqlite3.SQLITE_NOTADB:
        return no_store(path)
    return unusable(path, explain(path, error), retryable=code in _PASSES)


def busy(path: Path) -> StoreUnavailable:
    return StoreUnavailable(
        f"The store of orders {path} is busy: another thread or process "
        "locked it for too long. Try again; if this persists, check which "
        "program has the file open."
    )


def no_store(path: Path) -> StoreUnavailable:
    return unusable(
        path,
        "it is not a store of orders, or it is damaged. If it should be a "
        f"store, restore it from a backup: {KEPT}. Otherwise choose another "
        "path for the store",
    )


def lost(path: Path) -> StoreUnavailable:
    return unusable(
        path,
        "it was deleted, moved or replaced while it was open, so nothing "
        f"was written. Put it back before you continue: {KEPT}",
    )


@contextmanager
def as_unavailable(path: Path) -> Generator[None]:
    """Turn the errors of SQLite and the system into `StoreUnavailable`."""
    damaged = partial(unusable, path, DAMAGED)
    try:
        with translating(partial(trouble, path), damaged):
            yield
    except TooLate:
        raise busy(path) from None
