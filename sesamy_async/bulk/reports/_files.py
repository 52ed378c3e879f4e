"""Report files that appear only when they are complete."""

from __future__ import annotations

import csv
import glob
import hashlib
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import attrs

from sesamy_async.bulk._rows import harmless
from sesamy_async.errors import SesamyError


class ReportError(SesamyError):
    """A report can't be read or written, or all of them would be wrong.

    Each one that is in its place is whole: of this run, if it was reached,
    and of an earlier one otherwise.  The journal holds what became of every
    order all the same.
    """

    def __str__(self) -> str:
        # What became of the orders is not for this error to say.
        return (
            f"{self.args[0]} The journal holds what became of every order: "
            "mend that and give the same command again, which sends nothing "
            "twice and writes the reports."
        )


_SUFFIX = ".new"


@attrs.define
class AtomicFile:
    """A text beside the place where it belongs, for this user only.

    Attributes:
        path: Where it belongs.
        file: What is written to.
    """

    path: Path
    file: TextIO
    _beside: Path

    @classmethod
    def begin(cls, path: Path, encoding: str = "utf-8") -> AtomicFile:
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
    draft = AtomicFile.begin(path)
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


# With a byte order mark, or a spreadsheet takes it for another encoding.
_ENCODING = "utf-8-sig"


@attrs.define
class Report:
    """A text file of one line for each row.

    Attributes:
        path: Where it belongs.
        rows: How many it has, a header left out.
    """

    path: Path
    rows: int = attrs.field(default=0, init=False)
    _draft: AtomicFile | None = attrs.field(default=None, init=False)
    _encoding: str = attrs.field(default="utf-8", init=False)

    def line(self, text: str) -> None:
        """Write a row as it is."""
        self._opened().file.write(f"{text}\n")
        self._count()

    def digest(self) -> bytes | None:
        """Write it to its end; return its digest, None without rows.

        Raises:
            ReportError: It can't be written.
        """
        return None if self._draft is None else self._draft.digest()

    def keep(self) -> None:
        """Put it in its place; without rows, nothing is there.

        Raises:
            ReportError: That can't be done.
        """
        if self._draft is None:
            sweep(self.path)
            self.path.unlink(missing_ok=True)
        else:
            self._draft.keep()

    def discard(self) -> None:
        """Leave nothing that is not in its place."""
        if self._draft is not None:
            self._draft.discard()
            self._draft = None

    def _count(self) -> None:
        self.rows += 1

    def _opened(self) -> AtomicFile:
        if self._draft is None:
            self._draft = AtomicFile.begin(self.path, self._encoding)
        return self._draft


@attrs.define
class Sheet(Report):
    """A table that a spreadsheet opens.

    Attributes:
        header: Its first line.
        delimiter: Between its cells.
    """

    header: Sequence[str] = attrs.field(kw_only=True)
    delimiter: str = attrs.field(kw_only=True)
    _encoding: str = attrs.field(default=_ENCODING, init=False)

    def add(self, *values: object) -> None:
        """Write a row, of which no cell runs as a formula."""
        self.add_as_is([harmless(value) for value in values])

    def add_as_is(self, cells: Sequence[str]) -> None:
        """Write a row exactly as it is."""
        writer = csv.writer(self._opened().file, delimiter=self.delimiter)
        if not self.rows:
            writer.writerow(self.header)
        writer.writerow(cells)
        self._count()
