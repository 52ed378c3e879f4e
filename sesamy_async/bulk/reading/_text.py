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
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader
from itertools import filterfalse, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from sesamy_async.bulk._rows import Note, Remark, Row
from sesamy_async.bulk._states import InputFileError

from ._encodings import UTF_8, Found, find_out, is_utf_8, marked, wide
from ._packed import inner_name, unpacked


if TYPE_CHECKING:
    from _hashlib import HASH

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
_CHUNK = 1024 * 1024
_EXAMPLES = 2
_LOOKED_AT = 100_000  # Rows.
_NO_TEXT = {
    b"PK\x03\x04": "a spreadsheet or an archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet",
    b"\x1f\x8b": "compressed",
    b"%PDF": "a PDF",
}
_WIDE = ("utf-16", "utf-32")
_ESCAPED = re.compile("[\udc80-\udcff]")
_REPLACED = re.compile("\ufffd")
_FIRST_ESCAPED = 0xDC00  # What "surrogateescape" adds to a byte.
_PADDING = "\x1a\0"  # The first ended a text in DOS.

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


@contextmanager
def _content(
    path: Path,
) -> Generator[tuple[BufferedReader, BufferedReader]]:
    """Open a file, and what is in it if it is packed."""
    with opened(path) as file, unpacked(file, path) as content:
        yield file, content


def name_of(path: Path) -> str:
    """Return the name of a file, or of what is packed in it.

    Raises:
        InputFileError: It can't be read.
    """
    with opened(path):
        return inner_name(path)


def beginning(path: Path) -> bytes:
    """Return the first bytes of a file; `InputFileError` if it is no text."""
    with _content(path) as (file, content):
        start = content.read(_START)
        packed = content is not file
    if not start.strip(b"\0\x1a \t\r\n"):
        raise InputFileError(
            f"{path.name} is empty. Write a starting file with "
            "sesamy import --template."
        )
    for magic, what in _NO_TEXT.items():
        if start.startswith(magic):
            raise InputFileError(
                f"{path.name} holds {what}: unpack it, and import that."
                if packed
                else f"{path.name} is {what}, not a text file. Import a "
                "spreadsheet, or CSV (UTF-8)."
            )
    return start


def checked_encoding(encoding: str) -> str:
    """Return the name of a text encoding that Python has."""
    try:
        name = codecs.lookup(encoding).name
        # An encoding that is not of text, such as base64, is refused here.
        "a".encode(name)
    except (LookupError, ValueError):
        raise InputFileError(
            f"The encoding {encoding!r} is unknown. Spreadsheets in Western "
            "Europe write cp1252 or utf-8; give it as --encoding."
        ) from None
    return UTF_8 if name == "utf-8" else name


def encoding_of(path: Path, given: str | None = None) -> Found:
    """Return the encoding of a file: the given one, if it is not wrong.

    Raises:
        InputFileError: The file can't be read, its encoding can't be found
            out, or the given one contradicts the file.
    """
    name = None if given is None else checked_encoding(given)
    start = beginning(path)
    found = marked(start) or wide(start)
    if found is not None:
        # UTF-16 is told with and without its order of bytes.
        return _agreed(path, name, given, found, same=found[:6])
    with _content(path) as (_, content):
        right, only_ascii = is_utf_8(_chunks(content))
    if only_ascii and (name is None or not name.startswith(_WIDE)):
        # The encodings that are left have the same ASCII, or say its place.
        return Found(name or UTF_8)
    if right:
        return _agreed(path, name, given, UTF_8, same="utf-8")
    if name is not None:
        return Found(name)
    with _content(path) as (_, content):
        legacy = find_out(_chunks(content))
    if legacy.encoding is None:
        raise InputFileError(
            f"The encoding of {path.name} can't be found out. Save the file "
            "as UTF-8, or give the right --encoding."
        )
    return legacy


def _agreed(
    path: Path, name: str | None, given: str | None, found: str, *, same: str
) -> Found:
    if name is None or name.replace("_", "-").startswith(same):
        return Found(found)
    is_in = "UTF-8" if found == UTF_8 else found.upper()
    raise InputFileError(
        f"{path.name} is {is_in}, and not {given}. Leave --encoding out."
    )


def _chunks(content: BufferedReader) -> Iterator[bytes]:
    while chunk := content.read(_CHUNK):
        yield chunk
        del chunk


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
class Text:
    """A text file; `newline` is as in `open`."""

    path: Path
    encoding: str
    newline: str

    def lines(self, errors: str = "strict") -> Iterator[str]:
        """Yield the lines with their breaks; one that is too long is cut.

        What pads the end of the file is left out, and so is a second byte
        order mark at its start.

        Raises:
            InputFileError: The file can't be read (on), or was written to.
            UnicodeError: Its bytes are no text, and `errors` is "strict".
        """
        with (
            _content(self.path) as (raw, content),
            io.TextIOWrapper(
                content, self.encoding, errors, newline=self.newline
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
                    raise self._changed()
                line = readline(LONGEST_ROW + 1)

    def rows(
        self, split: _Split, *, header: Sequence[str] = ()
    ) -> Iterator[Row]:
        """Yield the rows; an error names a column as the header does.

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
        encoding = "UTF-8" if self.encoding == UTF_8 else self.encoding
        where, byte = self._wrong_byte(split, header)
        what = f"holds byte 0x{byte:02x}, which is" if byte else "is"
        raise InputFileError(
            f"{self.path.name}{where}: it {what} not {encoding}. "
            f"{self._advice()}"
        )

    def unclear(self, split: _Split, found: Found) -> InputFileError:
        """Return that two encodings are as good, and where that is seen."""
        # In this encoding, a byte is the character with its number.
        bare = Text(self.path, "latin-1", self.newline)
        where, _ = bare.place(split, re.compile(re.escape(chr(found.byte))))
        one, other = found.letters()
        return InputFileError(
            f"{self.path.name}{where}: a letter is {one!r} if the file is "
            f"{found.encoding}, and {other!r} if it is {found.rival}. Look "
            "which one is right, and give that as --encoding."
        )

    def place(
        self,
        split: _Split,
        pattern: re.Pattern[str],
        *,
        header: Sequence[str] = (),
        errors: str = "strict",
    ) -> tuple[str, str]:
        """Return where a character is, and the character; else empty."""
        with suppress(UnicodeError, InputFileError):
            for row in split(self.lines(errors)):
                for index, cell in enumerate(row.cells):
                    found = pattern.search(cell)
                    if found is None:
                        continue
                    column = ""
                    # Not in JSON, nor in what could not be split.
                    if len(row.cells) > 1:
                        names = header[index : index + 1]
                        column = "".join(names) or f"column {index + 1}"
                    where = f", row {row.number}, {column}"
                    return where.removesuffix(", "), found[0]
        return "", ""

    def notes(self, split: _Split) -> tuple[Note, ...]:
        """Say which encoding it is, with two cells; nothing of UTF-8."""
        if self.encoding == UTF_8:
            return ()
        remark = Remark(f"the file is read as {self.encoding}")
        found: list[Note] = []
        # The reading of the rows says what is wrong with them.
        with suppress(UnicodeError, InputFileError):
            for row in islice(split(self.lines()), _LOOKED_AT):
                cell = next(filterfalse(str.isascii, row.cells), "")
                if cell:
                    found.append(Note(row.number, "", remark, cell, cell))
                if len(found) == _EXAMPLES:
                    break
        return tuple(found) or (Note(0, "", remark),)

    def digest(self) -> HASH:
        """Return a hash of the bytes, to which more may be added.

        Raises:
            InputFileError: The file can't be read.
        """
        with opened(self.path) as file:
            return hashlib.file_digest(file, "sha256")

    def _changed(self) -> InputFileError:
        # The rest would be of another file than the one that was checked.
        return InputFileError(
            f"{self.path.name} changed while it was read. Put it back as it "
            "was, or wait until it is completely written; then run the same "
            "command again."
        )

    def _wrong_byte(
        self, split: _Split, header: Sequence[str]
    ) -> tuple[str, int]:
        """Return where the first wrong byte is, and the byte.

        A decoder reads ahead, so its error does not tell the row: the file
        is read once more with its wrong bytes marked.
        """
        where, char = self.place(
            split, _ESCAPED, header=header, errors="surrogateescape"
        )
        if char:
            return where, ord(char) - _FIRST_ESCAPED
        # Not every codec can mark single bytes.
        where, _ = self.place(
            split, _REPLACED, header=header, errors="replace"
        )
        return where, 0

    def _advice(self) -> str:
        try:
            found = encoding_of(self.path)
        except InputFileError:
            found = Found(None)
        if found.rival is None and found.encoding not in {None, self.encoding}:
            looks = "UTF-8" if found.encoding == UTF_8 else found.encoding
            return f"It looks like {looks}: leave --encoding out."
        if self.encoding == UTF_8:
            return (
                "Most of the file is UTF-8: correct that cell, or save the "
                "file again as UTF-8."
            )
        return "Save the file as UTF-8, or give the right --encoding."
