"""Lines that fit a terminal: broken between words, never within a path."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any


_USUAL, _LEAST = 80, 20
_KEPT = "\0"  # Instead of a space at which no line ends.
# An id, a value or a command in quotation marks; no apostrophe.
_QUOTED = re.compile(r"(?<!\w)(['\"`])[^'\"`\n]+\1(?!\w)")
_NEXT_CELL = re.compile(r"(?<=\S)  +(?=\S)")


def width_of(stream: Any) -> int | None:
    """Return how many columns a terminal has; None if it is none."""
    # ValueError: it is closed.  AttributeError: it is None.
    with suppress(OSError, ValueError, AttributeError):
        if stream.isatty():
            asked = os.environ.get("COLUMNS", "")
            width = (
                int(asked)
                if asked.isdecimal()
                else os.get_terminal_size(stream.fileno()).columns
            )
            return max(width or _USUAL, _LEAST)
    return None


def fitted(text: str, width: int | None) -> str:
    """Return a text whose lines are no longer than the width, if given.

    Words, what is in quotation marks, and the names of files in the
    arguments of this process stay whole, even if they are longer.  The rest
    of an indented line is indented more; that of a table stands in its
    column.
    """
    if width is None:
        return text
    for name in _spaced_names(sys.argv[1:]):
        text = text.replace(name, name.replace(" ", _KEPT))
    text = _QUOTED.sub(lambda it: it[0].replace(" ", _KEPT), text)
    lines = (_broken(each, width) for each in text.split("\n"))
    return "\n".join(lines).replace(_KEPT, " ")


def _spaced_names(arguments: Iterable[str]) -> Iterator[str]:
    """Yield the parts of paths that have spaces, without the ending."""
    for argument in arguments:
        for part in Path(argument).parts:
            if " " in (stem := Path(part).stem):
                yield stem


def _broken(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    indent = len(line) - len(line.lstrip(" "))
    below = indent + 2 if indent else 0
    cell = _NEXT_CELL.search(line, indent)
    if indent and cell is not None and cell.end() <= width // 2:
        below = cell.end()
    return textwrap.fill(
        line,
        width,
        subsequent_indent=" " * below,
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )
