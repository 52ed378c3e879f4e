"""Text files: lines, rows, and where wrong bytes are."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import filterfalse, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from sesamy_async.bulk._rows import Note, Remark, Row
from sesamy_async.bulk._states import InputFileError

from ._encodings import UTF_8, FoundEncoding, encoding_of
from ._files import opened, unpacked


if TYPE_CHECKING:
    from _hashlib import HASH

LONGEST_ROW = 1_000_000  # In characters.
TOO_LONG = (
    f"it has more than {LONGEST_ROW} characters, and no order is as long; "
    "look for a quotation mark that is not closed, or for a missing line break"
)

_EXAMPLES = 2
_LOOKED_AT = 100_000  # Rows.
_ESCAPED = re.compile("[\udc80-\udcff]")
_REPLACED = re.compile("\ufffd")
_FIRST_ESCAPED = 0xDC00  # What "surrogateescape" adds to a byte.
_PADDING = "\x1a\0"  # The first ended a text in DOS.


def fingerprint(content: HASH, meaning: Mapping[str, Any]) -> str:
    """Return a hash of what a file holds, and of how it is read."""
    how = json.dumps(meaning, sort_keys=True, default=_as_json)
    content.update(how.encode())
    return content.hexdigest()


def _as_json(value: Any) -> Any:
    words: Any = value
    if isinstance(value, frozenset):
        # It has another order in each process.
        return sorted(map(str, words))
    return str(value)


class Lines(deque[str]):
    """Lines; they are personal, and an error shows the locals of a frame."""

    __repr__ = object.__repr__


@attrs.frozen
class Text(ABC):
    """A file of text; what is derived from it splits it into rows."""

    path: Path
    encoding: str

    @property
    def name(self) -> str:
        return self.path.name

    @abstractmethod
    def split(self, lines: Iterator[str]) -> Iterator[Row]:
        """Yield the rows of lines that are not blank."""

    def lines(self, errors: str = "strict") -> Iterator[str]:
        """Yield the lines with their breaks; one that is too long is cut.

        What pads the end of the file is left out, and so is a second byte
        order mark at its start.

        Raises:
            InputFileError: The file can't be read (on), or was written to.
            UnicodeError: Its bytes are no text, and `errors` is "strict".
        """
        with (
            unpacked(self.path) as (raw, _, content),
            io.TextIOWrapper(
                content, self.encoding, errors, newline=""
            ) as file,
        ):
            number, fstat, readline = raw.fileno(), os.fstat, file.readline
            version = fstat(number)
            size, changed = version.st_size, version.st_mtime_ns
            # A spreadsheet may have put a second mark before the first.
            line = readline(LONGEST_ROW + 1).lstrip("\ufeff")
            while line:
                # Else it was cut, is the last one, or ends as on old Macs.
                if line[-1] == "\n" or (line := line.rstrip(_PADDING)):
                    yield line
                # An error shows the locals of its frame: a line is personal.
                del line
                version = fstat(number)
                if version.st_size != size or version.st_mtime_ns != changed:
                    # The rest would be of another file than was checked.
                    raise InputFileError(
                        f"{self.name} changed while it was read. Put it back "
                        "as it was, or wait until it is completely written; "
                        "then run the same command again."
                    )
                line = readline(LONGEST_ROW + 1)

    def rows(self, header: Sequence[str] = ()) -> Iterator[Row]:
        """Yield the rows; an error names a column as the header does.

        Raises:
            InputFileError: The file can't be read (on), was written to, or
                has bytes that are no text; it says where.
        """
        try:
            yield from self.split(self.lines())
        except UnicodeError:
            pass
        else:
            return
        encoding = "UTF-8" if self.encoding == UTF_8 else self.encoding
        # A decoder reads ahead, so its error does not tell the row: the file
        # is read once more with its wrong bytes marked.
        where, char = self._place(_ESCAPED, header, "surrogateescape")
        what = "is"
        if char:
            byte = ord(char) - _FIRST_ESCAPED
            what = f"has byte 0x{byte:02x}, which is"
        else:
            # Not every codec can mark single bytes.
            where, _ = self._place(_REPLACED, header, "replace")
        raise InputFileError(
            f"{self.name}{where}: it {what} not {encoding}. {self._advice()}"
        )

    def unclear(self, found: FoundEncoding) -> InputFileError:
        """Return that two encodings are as good, and where that is seen."""
        # In this encoding, a byte is the character with its number.
        bare = attrs.evolve(self, encoding="latin-1")
        where, _ = bare._place(re.compile(re.escape(chr(found.byte))))  # noqa: SLF001
        one, other = (
            bytes([found.byte]).decode(each or "latin-1", "replace")
            for each in (found.encoding, found.rival)
        )
        return InputFileError(
            f"{self.name}{where}: a letter is {one!r} if the file is "
            f"{found.encoding}, and {other!r} if it is {found.rival}. Look "
            "which one is right, and give that as --encoding."
        )

    def _place(
        self,
        pattern: re.Pattern[str],
        header: Sequence[str] = (),
        errors: str = "strict",
    ) -> tuple[str, str]:
        """Return where a character is, and the character; else empty."""
        with suppress(UnicodeError, InputFileError):
            for row in self.split(self.lines(errors)):
                for index, cell in enumerate(row.cells):
                    found = pattern.search(cell)
                    if found is None:
                        continue
                    where = f", row {row.number}"
                    # Not in JSON, nor in what could not be split.
                    if len(row.cells) > 1:
                        names = header[index : index + 1]
                        where += f", {''.join(names) or f'column {index + 1}'}"
                    return where, found[0]
        return "", ""

    @property
    def notes(self) -> tuple[Note, ...]:
        """Which encoding it is, with two cells; nothing of UTF-8."""
        if self.encoding == UTF_8:
            return ()
        remark = Remark(f"the file is read as {self.encoding}")
        # The reading of the rows says what is wrong with them.
        with suppress(UnicodeError, InputFileError):
            found = (
                Note(row.number, "", remark, cell, cell)
                for row in islice(self.split(self.lines()), _LOOKED_AT)
                if (cell := next(filterfalse(str.isascii, row.cells), ""))
            )
            if notes := tuple(islice(found, _EXAMPLES)):
                return notes
        return (Note(0, "", remark),)

    def digest(self) -> HASH:
        """Return a hash of the bytes, to which more may be added.

        Raises:
            InputFileError: The file can't be read.
        """
        with opened(self.path) as file:
            return hashlib.file_digest(file, "sha256")

    def _advice(self) -> str:
        try:
            found = encoding_of(self.path)
        except InputFileError:
            found = FoundEncoding(None)
        if found.rival is None and found.encoding not in {None, self.encoding}:
            looks = "UTF-8" if found.encoding == UTF_8 else found.encoding
            return f"It looks like {looks}: leave --encoding out."
        if self.encoding == UTF_8:
            return (
                "Most of the file is UTF-8: correct that cell, or save the "
                "file again as UTF-8."
            )
        return "Save the file as UTF-8, or give the right --encoding."
