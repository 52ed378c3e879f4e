"""The lines of a text file, none of them without end."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import attrs

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
            InputFileError: The file can't be read (on).
            UnicodeError: Its bytes are no text.
        """
        with (
            opened(self.path) as binary,
            io.TextIOWrapper(
                binary, self.encoding, errors, newline=self.newline
            ) as file,
        ):
            # Some codecs can't be told to replace what they can't read.
            yield from iter(lambda: file.readline(LONGEST_ROW + 1), "")
