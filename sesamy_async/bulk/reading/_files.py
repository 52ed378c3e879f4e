"""Open files: as they are, and what is packed in a .gz or a .zip."""

from __future__ import annotations

import errno
import gzip
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from io import BufferedIOBase, BufferedReader
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, cast

from sesamy_async.bulk._states import InputFileError


if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_WORDS = {
    errno.ENOENT: "there is no such file",
    errno.EACCES: "you are not allowed to read it",
}
_START = 4096
_NO_TEXT = {
    b"PK\x03\x04": "a spreadsheet or an archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet",
    b"\x1f\x8b": "compressed",
    b"%PDF": "a PDF",
}
_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_MAGIC = 4
_ENCRYPTED = 0x1
_BESIDES = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_OF_SPREADSHEETS = {"[Content_Types].xml", "mimetype"}
_DAMAGED = (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error)
# Orders are packed to a tenth or a thirtieth.  What unpacks to far more was
# made to fill a disk or a memory.
_MOST_TIMES = 200
_ALWAYS = 64 * 1024 * 1024


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
def unpacked(
    path: Path,
) -> Generator[tuple[BufferedReader, str, BufferedReader]]:
    """Open a file, and what is in it, with its name; itself if not packed.

    Raises:
        InputFileError: It can't be read, or not as one file.
    """
    with opened(path) as file:
        name, content = _content(file, path)
        with content:
            yield file, name, content


def _content(file: BufferedReader, path: Path) -> tuple[str, BufferedReader]:
    magic, name = file.peek(_MAGIC)[:_MAGIC], path.name
    inner: BufferedIOBase
    try:
        if magic.startswith(_GZIP):
            inner = gzip.GzipFile(fileobj=file, mode="rb")
            name = path.stem if path.suffix.lower() == ".gz" else name
        elif magic.startswith(_ZIP):
            archive = zipfile.ZipFile(file)
            member = _only_member(archive, path)
            inner = cast("BufferedIOBase", archive.open(member))
            name = PurePosixPath(member.filename).name
        else:
            return name, file
    except _DAMAGED:
        pass
    except (NotImplementedError, RuntimeError):
        raise InputFileError(
            f"{path.name} is packed in a way that can't be read here. "
            "Unpack it, and import what was in it."
        ) from None
    else:
        size = os.fstat(file.fileno()).st_size
        return name, BufferedReader(_Bounded(inner, path, size))
    raise _damaged(path)


def beginning(path: Path) -> bytes:
    """Return the first bytes of a text; `InputFileError` if it is none."""
    with unpacked(path) as (file, _, content):
        start = content.read(_START)
        packed = content is not file
    if not start.strip(b"\0\x1a \t\r\n"):
        raise InputFileError(
            f"{path.name} is empty. Write a template with "
            "sesamy import --template."
        )
    for magic, what in _NO_TEXT.items():
        if start.startswith(magic):
            raise InputFileError(
                f"{path.name} contains {what}: unpack it, and import that."
                if packed
                else f"{path.name} is {what}, not a text file. Import a "
                "spreadsheet, or CSV (UTF-8)."
            )
    return start


def _only_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    if not _OF_SPREADSHEETS.isdisjoint(archive.namelist()):
        raise InputFileError(
            f"{path.name} is a spreadsheet, not a text file. Save it as CSV "
            "(UTF-8), and import that."
        )
    members = [
        each
        for each in archive.infolist()
        if not each.is_dir()
        and not each.filename.startswith(_BESIDES[0])
        and not each.filename.endswith(_BESIDES[1:])
    ]
    if len(members) != 1:
        raise InputFileError(
            f"{path.name} contains {len(members)} files. Unpack it, and "
            "import them one by one."
            if members
            else f"{path.name} is an empty archive: there is no file in it."
        )
    if members[0].flag_bits & _ENCRYPTED:
        raise InputFileError(
            f"{path.name} is protected by a password. Unpack it, and import "
            "what was in it."
        )
    return members[0]


def _damaged(path: Path) -> InputFileError:
    return InputFileError(
        f"{path.name} is a damaged archive, or was not completely copied. "
        "Get it again, or unpack it, and import what was in it."
    )


class _Bounded(io.RawIOBase):
    """What is unpacked, as long as it is not far too much."""

    def __init__(self, inner: BufferedIOBase, path: Path, size: int) -> None:
        self._inner = inner
        self._path = path
        self._left = max(size * _MOST_TIMES, _ALWAYS)

    def readable(self) -> bool:
        return True

    def readinto(self, into: WriteableBuffer, /) -> int:
        try:
            count = self._inner.readinto(into)
        except _DAMAGED:
            count = -1
        if count < 0:
            raise _damaged(self._path)
        self._left -= count
        if self._left < 0:
            raise InputFileError(
                f"{self._path.name} unpacks to more than {_MOST_TIMES} times "
                "its size, which no file of orders does. Unpack it, look at "
                "it, and import what was in it."
            )
        return count

    def close(self) -> None:
        self._inner.close()
        super().close()
