"""Where the journal of a file is."""

from __future__ import annotations

from pathlib import Path


_SUFFIX = ".journal"


def journal_path(source: Path) -> Path:
    """Return where the journal of a file is by default: beside it.

    Of ``orders.csv`` it is ``orders.csv.journal``.

    .. versionadded:: 0.1.0
    """
    return source.with_name(f"{source.name}{_SUFFIX}")
