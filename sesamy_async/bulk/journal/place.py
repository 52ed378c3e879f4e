"""Where the journal of a file is."""

from __future__ import annotations

import os
from pathlib import Path


SUFFIX = ".journal"
"""How the name of a journal ends by default."""

# What every SQLite file begins with.
_MAGIC = b"SQLite format 3\0"


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
    return file if file.name.endswith(SUFFIX) else _by_content(file, beside)


def _by_content(file: Path, beside: Path) -> Path:
    """Tell a journal of another name from a file of orders."""
    try:
        with file.open("rb") as opened:
            is_database = opened.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return file
    return file if is_database else beside
