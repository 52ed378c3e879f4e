"""Files of orders as people have them, and what must come of each.

They are made of people whom nobody is.  At least half of them are like the
files of public reports, whose addresses stand beside them.
"""

from __future__ import annotations

from collections.abc import Iterator

from ._made import TRIED, OddFile, Outcome, flat
from .cells import CELLS
from .containers import CONTAINERS
from .dialects import DIALECTS
from .emails import EMAILS
from .headers import HEADERS
from .rows import ROWS
from .sheets import SHEETS


__all__ = ["ODD_FILES", "TRIED", "OddFile", "Outcome", "flat", "table"]

ODD_FILES: tuple[OddFile, ...] = (
    *DIALECTS,
    *HEADERS,
    *CELLS,
    *EMAILS,
    *ROWS,
    *SHEETS,
    *CONTAINERS,
)


def table() -> str:
    """Return the table of the documentation, in Markdown."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    yield "| file | what it is | like | what comes of it |"
    yield "|---|---|---|---|"
    for each in ODD_FILES:
        like = "" if each.source == TRIED else f"[report]({each.source})"
        cells = (f"`{each.name}`", each.what, like, str(each.outcome))
        escaped = (cell.replace("|", "\\|") for cell in cells)
        yield f"| {' | '.join(escaped)} |"
