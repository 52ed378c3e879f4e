"""Opening a file of orders, with an error that says what to do."""

from __future__ import annotations

import errno
import hashlib
import json
import stat
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

from sesamy_async.bulk.errors import InputFileError


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
