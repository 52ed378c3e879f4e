"""Rows that a stray quotation mark has made a part of another one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence


_BREAK = re.compile("\r\n|\r|\n")

FEWEST = 3
"""Of how many cells a row must be, to be told from words with commas."""

REASON = (
    "some lines in a cell are rows of their own: a quotation mark is not "
    "closed, or stands where none belongs"
)


def swallowed(
    cells: Sequence[str], delimiter: str
) -> Iterator[tuple[str, ...]]:
    """Yield the rows that there would be without quotation marks.

    The first one is left out: it is the row itself, up to the mark.
    """
    _, *lines = _BREAK.split(delimiter.join(cells))
    for line in lines:
        yield tuple(line.split(delimiter))
