"""Packed files: .gz, and .zip with one file in it."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
import zlib
from io import BufferedIOBase, BufferedReader
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, cast

from sesamy_async.bulk._states import InputFileError


if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

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


def unpacked(file: BufferedReader, path: Path) -> BufferedReader:
    """Return a stream of what is in a file: itself, if it is not packed.

    Raises:
        InputFileError: It is an archive that can't be read as one file.
    """
    magic = file.peek(_MAGIC)[:_MAGIC]
    try:
        if magic.startswith(_GZIP):
            inner: BufferedIOBase = gzip.GzipFile(fileobj=file, mode="rb")
        elif magic.startswith(_ZIP):
            archive = zipfile.ZipFile(file)
            member = archive.open(_only_member(archive, path))
            inner = cast("BufferedIOBase", member)
        else:
            return file
    except _DAMAGED:
        pass
    except (NotImplementedError, RuntimeError):
        raise InputFileError(
            f"{path.name} is packed in a way that can't be read here. "
            "Unpack it, and import what was in it."
        ) from None
    else:
        size = os.fstat(file.fileno()).st_size
        return BufferedReader(_Bounded(inner, path, size))
    raise _damaged(path)


def inner_name(path: Path) -> str:
    """Return the name of what is in a file, or its own.

    Raises:
        InputFileError: It is an archive that can't be read as one file.
        OSError: It can't be read.
    """
    with path.open("rb") as file:
        magic = file.peek(_MAGIC)[:_MAGIC]
        if magic.startswith(_GZIP):
            return path.stem if path.suffix.lower() == ".gz" else path.name
        if not magic.startswith(_ZIP):
            return path.name
        try:
            with zipfile.ZipFile(file) as archive:
                name = _only_member(archive, path).filename
                return PurePosixPath(name).name
        except _DAMAGED:
            pass
    raise _damaged(path)


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
            f"{path.name} holds {len(members)} files. Unpack it, and import "
            "them one by one."
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
        """Whether it can be read."""
        return True

    def readinto(self, into: WriteableBuffer, /) -> int:
        """Unpack some bytes.

        Raises:
            InputFileError: The archive is damaged, or unpacks to far more
                than it has.
        """
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
                "its size, as no file of orders does. Unpack it, look into "
                "it, and import what was in it."
            )
        return count

    def close(self) -> None:
        """Close what is unpacked."""
        self._inner.close()
        super().close()
