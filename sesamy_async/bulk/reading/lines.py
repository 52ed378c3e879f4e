"""The lines of a text file, none of them without end."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TextIO

import attrs

from sesamy_async.bulk.errors import InputFileError

from .files import opened


LONGEST_ROW = 1_000_000
"""How many characters a row may have."""

TOO_LONG = (
    f"it has more than {LONGEST_ROW} characters, and no order is as long; "
    "look for a quotation mark that is not closed, or for a missing line break"
)


@attrs.frozen
class Text:
    """A text file.

    Attributes:
        path: Where it is.
        encoding: How its bytes are read.
        newline: As in `open`: ``""`` for every line break, kept as it is.
    """

    path: Path
    encoding: str
    newline: str

    def lines(self, errors: str = "strict") -> Iterator[str]:
        """Yield the lines with their breaks, a too long one cut.

        Args:
            errors: As in `open`: what to do with wrong bytes.

        Raises:
            InputFileError: The file can't be read (on), or was written to.
            UnicodeError: Its bytes are no text.
        """
        with (
            opened(self.path) as binary,
            io.TextIOWrapper(
                binary, self.encoding, errors, newline=self.newline
            ) as file,
        ):
            yield from iter(partial(self._next, file, _version(file)), "")

    def _next(self, file: TextIO, version: tuple[int, int]) -> str:
        # What comes next would be of another file than what was checked.
        if _version(file) != version:
            raise InputFileError(
                f"{self.path.name} changed while it was read. Put it back as "
                "it was, or let it be written to its end; then give the same "
                "command again."
            )
        # Some codecs can't be told to replace what they can't read.
        return file.readline(LONGEST_ROW + 1)


def _version(file: TextIO) -> tuple[int, int]:
    facts = os.fstat(file.fileno())
    return facts.st_size, facts.st_mtime_ns
