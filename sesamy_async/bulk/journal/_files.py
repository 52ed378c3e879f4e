"""The files of a journal: where they are, and which belong together."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

from sesamy_async._wal import followed

from ._schema import APPLICATION_ID
from ._trouble import as_journal_error


SUFFIX = ".journal"
"""How the name of a journal ends by default."""

# A SQLite file begins so, and its head ends with the application id.
_MAGIC = b"SQLite format 3\0"
_HEAD = 72
_OURS = APPLICATION_ID.to_bytes(4, "big")


def journal_path(source: Path) -> Path:
    """Return where the journal of a file is by default: beside it.

    Of ``orders.csv`` it is ``orders.csv.journal``.  For a symbolic link, it
    is that of the file that the link leads to.
    """
    # With two journals, the orders of one file would be sent twice.
    source = followed(source)
    return source.parent / f"{source.name}{SUFFIX}"


def find_journal(file: Path) -> Path:
    """Return the journal of a file of orders; that may be itself one.

    Raises:
        JournalError: The system refuses to look for it.
    """
    with as_journal_error(file):
        beside = journal_path(file)
        if beside.exists():
            return beside
    if file.name.endswith(SUFFIX) or not file.is_file():
        return file
    return file if is_journal(file) else beside


def is_journal(file: Path) -> bool:
    """Whether a file of any name holds a journal."""
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEAD)
    except OSError:
        return False
    return head.startswith(_MAGIC) and head.endswith(_OURS)


def set_aside(path: Path) -> None:
    """Rename a file, if it is there, to a name that is free."""
    if os.path.lexists(path):
        names = (path.with_name(f"{path.name}.{n}.aside") for n in count(1))
        path.rename(next(n for n in names if not os.path.lexists(n)))
