"""A file that takes its place only when it is whole."""

from __future__ import annotations

import glob
import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import attrs

from .errors import ReportError


_SUFFIX = ".new"


@attrs.define
class Draft:
    """A text beside the place where it belongs, for this user only.

    Attributes:
        path: Where it belongs.
        file: What is written to.
    """

    path: Path
    file: TextIO
    _beside: Path

    @classmethod
    def begin(cls, path: Path, encoding: str = "utf-8") -> Draft:
        """Make an empty one, of mode 0600.

        Raises:
            ReportError: The folder takes no files.
        """
        sweep(path)
        try:
            number, name = tempfile.mkstemp(
                prefix=f".{path.name}.", suffix=_SUFFIX, dir=path.parent
            )
        except OSError as error:
            raise _refusal(path, error) from error
        file = os.fdopen(
            number,
            "w",
            encoding=encoding,
            errors="backslashreplace",
            newline="",
        )
        return cls(path, file, Path(name))

    def digest(self) -> bytes:
        """Write it to its end, and return what tells it from others.

        Raises:
            ReportError: It can't be written.
        """
        try:
            self._end()
            return _digest(self._beside)
        except OSError as error:
            raise _refusal(self.path, error) from error

    def keep(self) -> None:
        """Put it in its place, whatever is there.

        Raises:
            ReportError: That can't be done.
        """
        try:
            self._end()
            self._beside.replace(self.path)
        except OSError as error:
            raise _refusal(self.path, error) from error

    def discard(self) -> None:
        """Leave nothing of it; of one that was kept, all."""
        with suppress(OSError):
            self.file.close()
        self._beside.unlink(missing_ok=True)

    def _end(self) -> None:
        if not self.file.closed:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()


def write_text(path: Path, text: str) -> None:
    """Write a whole file, of mode 0600, or nothing.

    Raises:
        ReportError: It can't be written.
    """
    draft = Draft.begin(path)
    try:
        try:
            draft.file.write(text)
        except OSError as error:
            raise _refusal(path, error) from error
        draft.keep()
    finally:
        draft.discard()


def sweep(path: Path) -> None:
    """Remove what a crash has left half written."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{_SUFFIX}"):
        with suppress(OSError):
            left.unlink()


def digest_of(path: Path) -> bytes | None:
    """Return what tells a report from others; None where there is none.

    Raises:
        ReportError: It can't be read.
    """
    try:
        return _digest(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReportError(
            f"The report {path} can't be read: {error.strerror}."
        ) from error


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _refusal(path: Path, error: OSError) -> ReportError:
    return ReportError(
        f"The report {path} can't be written: {error.strerror}."
    )
