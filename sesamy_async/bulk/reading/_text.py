"""Text files: opening, encodings, lines and wrong bytes."""

from __future__ import annotations

import codecs
import errno
import hashlib
import io
import json
import os
import re
import stat
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, TextIO, TypeAlias

import attrs

from sesamy_async.bulk._rows import Row
from sesamy_async.bulk._states import InputFileError


LONGEST_ROW = 1_000_000  # In characters.
TOO_LONG = (
    f"it has more than {LONGEST_ROW} characters, and no order is as long; "
    "look for a quotation mark that is not closed, or for a missing line break"
)

_START = 4096
_WORDS = {
    errno.ENOENT: "there is no such file",
    errno.EACCES: "you may not read it",
}
_NO_TEXT = {
    b"PK\x03\x04": "a spreadsheet or an archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet",
    b"\x1f\x8b": "compressed",
    b"%PDF": "a PDF",
}
_DEFAULT = "utf-8-sig"  # With or without a byte order mark.
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ESCAPED = re.compile("[\udc80-\udcff]")
_FIRST_ESCAPED = 0xDC00  # What "surrogateescape" adds to a byte.

_Split: TypeAlias = Callable[[Iterator[str]], Iterator[Row]]


@contextmanager
def opened(path: Path) -> Generator[BufferedReader]:
    """Open a file that can be read again and again, or `InputFileError`."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            what = (
                "a directory" if stat.S_ISDIR(mode) else "not a regular file"
            )
            raise InputFileError(
                f"{path} can't be read: it is {what}. An import reads its "
                "file more than once: give the path of a file."
            )
        with path.open("rb") as file:
            yield file
    except OSError as error:
        reason = _WORDS.get(error.errno or 0, error.strerror)
        raise InputFileError(f"{path} can't be read: {reason}.") from None


def beginning(path: Path) -> bytes:
    """Return the first bytes of a file; `InputFileError` if it is no text."""
    with opened(path) as file:
        start = file.read(_START)
    if not start.strip():
        raise InputFileError(
            f"{path.name} is empty. Write a starting file with "
            "sesamy import --template."
        )
    for magic, what in _NO_TEXT.items():
        if start.startswith(magic):
            raise InputFileError(
                f"{path.name} is {what}, not a text file. Save it as CSV "
                "(UTF-8), and import that."
            )
    return start


def checked_encoding(encoding: str | None) -> str:
    """Return the name of a text encoding that Python has; or UTF-8."""
    if encoding is None:
        return _DEFAULT
    try:
        name = codecs.lookup(encoding).name
        # An encoding that is not of text, such as base64, is refused here.
        "a".encode(name)
    except (LookupError, ValueError):
        raise InputFileError(
            f"The encoding {encoding!r} is unknown. Spreadsheets in Western "
            "Europe write cp1252 or utf-8; give it as --encoding."
        ) from None
    return _DEFAULT if name == "utf-8" else name


@attrs.frozen
class Text:
    """A text file; `newline` is as in `open`."""

    path: Path
    encoding: str
    newline: str

    def lines(self, errors: str = "strict") -> Iterator[str]:
        """Yield the lines with their breaks; one that is too long is cut.

        Raises:
            InputFileError: The file can't be read (on), or was written to.
            UnicodeError: Its bytes are no text, and `errors` is "strict".
        """
        with (
            opened(self.path) as binary,
            io.TextIOWrapper(
                binary, self.encoding, errors, newline=self.newline
            ) as file,
        ):
            version = _version(file)
            while line := self._next(file, version):
                yield line
                # An error shows the locals of its frame: a line is personal.
                del line

    def rows(self, split: _Split, *, headed: bool) -> Iterator[Row]:
        """Yield the rows; the first is a header if it is `headed`.

        Raises:
            InputFileError: The file can't be read (on), was written to, or
                holds bytes that are no text; it says where.
        """
        try:
            yield from split(self.lines())
        except UnicodeError:
            pass
        else:
            return
        encoding = "UTF-8" if self.encoding == _DEFAULT else self.encoding
        where, byte = self._wrong_byte(split, headed=headed)
        what = f"holds byte 0x{byte:02x}, which is" if byte else "is"
        raise InputFileError(
            f"{self.path.name}{where}: it {what} not {encoding}. "
            f"{self._advice()}"
        )

    def _next(self, file: TextIO, version: tuple[int, int]) -> str:
        # The rest would be of another file than the one that was checked.
        if _version(file) != version:
            raise InputFileError(
                f"{self.path.name} changed while it was read. Put it back as "
                "it was, or wait until it is completely written; then run "
                "the same command again."
            )
        return file.readline(LONGEST_ROW + 1)

    def _wrong_byte(self, split: _Split, *, headed: bool) -> tuple[str, int]:
        """Return where the first wrong byte is, and the byte.

        A decoder reads ahead, so its error does not tell the row: the file
        is read once more with its wrong bytes marked.
        """
        header: tuple[str, ...] = ()
        try:
            for row in split(self.lines("surrogateescape")):
                for index, cell in enumerate(row.cells):
                    found = _ESCAPED.search(cell)
                    if found is not None:
                        column = "".join(header[index : index + 1])
                        where = f", row {row.number}, {column}"
                        byte = ord(found[0]) - _FIRST_ESCAPED
                        return where.removesuffix(", "), byte
                if headed and not header:
                    header = row.cells
        except (UnicodeError, InputFileError):
            # Not every codec can mark them.
            pass
        return "", 0

    def _advice(self) -> str:
        if beginning(self.path).startswith(_WIDE):
            return "It looks like UTF-16: give --encoding utf-16."
        if self.encoding == _DEFAULT:
            return "If a spreadsheet wrote the file, try --encoding cp1252."
        return "Save the file as UTF-8, or give the right --encoding."


@attrs.frozen
class TextSource:
    """What the sources of both formats have in common.

    Attributes:
        text: The file.
    """

    text: Text
    _meaning: Mapping[str, Any] = attrs.field(repr=False)

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.text.path.name

    def fingerprint(self) -> str:
        """Hash the bytes, and how they are read.

        Raises:
            InputFileError: The file can't be read.
        """
        with opened(self.text.path) as file:
            digest = hashlib.file_digest(file, "sha256")
        meaning = json.dumps(self._meaning, sort_keys=True, default=str)
        digest.update(meaning.encode())
        return digest.hexdigest()


def _version(file: TextIO) -> tuple[int, int]:
    facts = os.fstat(file.fileno())
    return facts.st_size, facts.st_mtime_ns
