"""A file that takes its place only when it is whole."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import attrs

from .errors import ReportError


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
        try:
            number, name = tempfile.mkstemp(
                prefix=f".{path.name}.", dir=path.parent
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

    def keep(self) -> None:
        """Put it in its place, whatever is there.

        Raises:
            ReportError: That can't be done.
        """
        try:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            self._beside.replace(self.path)
        except OSError as error:
            raise _refusal(self.path, error) from error

    def discard(self) -> None:
        """Leave nothing of it; of one that was kept, all."""
        with suppress(OSError):
            self.file.close()
        self._beside.unlink(missing_ok=True)


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


def _refusal(path: Path, error: OSError) -> ReportError:
    return ReportError(
        f"The report {path} can't be written: {error.strerror}."
    )
