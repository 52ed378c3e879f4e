"""Files of text: encodings, lines and broken bytes."""

from __future__ import annotations

import codecs
import errno
import hashlib
import io
import json
import os
import re
import stat
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import Any, TextIO

import attrs

from sesamy_async.bulk._rows import Row
from sesamy_async.bulk._states import InputFileError


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


@contextmanager
def opened(path: Path) -> Generator[BufferedReader]:
    """Open a file that can be read again and again.

    Raises:
        InputFileError: There is none, or it can't be read.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a directory" if stat.S_ISDIR(mode) else "no regular file"
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
    """Return the first bytes of a file.

    Raises:
        InputFileError: It can't be read, is empty, or holds no text.
    """
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


def fingerprint(path: Path, meaning: Mapping[str, Any]) -> str:
    """Hash the bytes of a file, and how they are read.

    Args:
        path: The file.
        meaning: What else the meaning of a row depends on.

    Raises:
        InputFileError: It can't be read.
    """
    with opened(path) as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(json.dumps(meaning, sort_keys=True, default=str).encode())
    return digest.hexdigest()


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


DEFAULT = "utf-8-sig"
"""UTF-8, with or without a byte order mark."""

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def checked_encoding(encoding: str | None) -> str:
    """Return a codec's name.

    Args:
        encoding: What was asked for; None for UTF-8.

    Raises:
        InputFileError: Python has no such text encoding.
    """
    if encoding is None:
        return DEFAULT
    try:
        name = codecs.lookup(encoding).name
        # An encoding that is not of text, such as base64, is refused here.
        "a".encode(name)
    except (LookupError, ValueError):
        raise InputFileError(
            f"There is no encoding {encoding!r}. What spreadsheets write in "
            "Western Europe is cp1252 or utf-8; give it as --encoding."
        ) from None
    return DEFAULT if name == "utf-8" else name


def advice(encoding: str, start: bytes) -> str:
    """Say which encoding to try instead.

    Args:
        encoding: The one that it can't be read with.
        start: The first bytes of the file.
    """
    if start.startswith(_WIDE):
        return "It looks like UTF-16: give --encoding utf-16."
    if encoding == DEFAULT:
        return "If a spreadsheet wrote the file, try --encoding cp1252."
    return "Save the file as UTF-8, or give the right --encoding."


_ESCAPED = re.compile("[\udc80-\udcff]")
_FIRST = 0xDC00  # What "surrogateescape" adds to a byte.


def undecodable(
    text: Text,
    records: Callable[[Iterator[str]], Iterator[Row]],
    *,
    headed: bool,
) -> InputFileError:
    """Return the error that says where the first wrong byte is.

    The file is read once more, with its wrong bytes marked: a decoder reads
    ahead, so what it says of the place has nothing to do with rows.

    Args:
        text: The file.
        records: Makes rows of lines.
        headed: Whether the first row holds the names of the cells.
    """
    encoding = "UTF-8" if text.encoding == DEFAULT else text.encoding
    where, byte = _place(text, records, headed=headed)
    what = f"holds byte 0x{byte:02x}, which is" if byte else "is"
    said = advice(text.encoding, beginning(text.path))
    return InputFileError(
        f"{text.path.name}{where}: it {what} no {encoding}. {said}"
    )


def _place(
    text: Text,
    records: Callable[[Iterator[str]], Iterator[Row]],
    *,
    headed: bool,
) -> tuple[str, int]:
    header: Sequence[str] = ()
    try:
        for record in records(text.lines("surrogateescape")):
            for index, cell in enumerate(record.cells):
                found = _ESCAPED.search(cell)
                if found is not None:
                    column = "".join(header[index : index + 1])
                    where = f", row {record.number}, {column}"
                    byte = ord(found[0]) - _FIRST
                    return where.removesuffix(", "), byte
            if headed and not header:
                header = record.cells
    except (UnicodeError, InputFileError):
        # Not every codec can mark them.
        pass
    return "", 0
