"""Where the journal of a file is."""

from __future__ import annotations

import os
from pathlib import Path

from .schema import APPLICATION_ID


SUFFIX = ".journal"
"""How the name of a journal ends by default."""

# What every SQLite file begins with, and the bytes up to those that say whose
# it is.
_MAGIC = b"SQLite format 3\0"
_HEAD = 72
_OURS = APPLICATION_ID.to_bytes(4, "big")


def journal_path(source: Path) -> Path:
    """Return where the journal of a file is by default: beside it.

    Of ``orders.csv`` it is ``orders.csv.journal``.  Of a symbolic link it
    is that of the file it leads to: with two journals, the orders of one
    file would be sent twice.

    .. versionadded:: 0.1.0
    """
    source = followed(source)
    return source.parent / f"{source.name}{SUFFIX}"


def followed(path: Path) -> Path:
    """Return the file that a symbolic link leads to; else the path itself."""
    # Not `resolve`, for which a link to itself is a `RuntimeError`.
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def find_journal(file: Path) -> Path:
    """Return the journal that somebody means.

    Args:
        file: The journal, or the file of orders that it stands beside.

    .. versionadded:: 0.1.0
    """
    beside = journal_path(file)
    if beside.exists():
        return beside
    if file.name.endswith(SUFFIX) or not file.is_file():
        return file
    return file if is_journal(file) else beside


def is_journal(file: Path) -> bool:
    """Tell a journal of any name from all other files, by what it holds."""
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEAD)
    except OSError:
        return False
    return head.startswith(_MAGIC) and head.endswith(_OURS)


def same_file(path: Path, other: Path) -> bool:
    """Whether two paths lead to one file, be it there or not."""
    # Not by name alone where both are there: a disk may take no notice of
    # upper and lower case, and a file may have two names.
    if path.exists() and other.exists():
        return path.samefile(other)
    return os.path.realpath(path) == os.path.realpath(other)
