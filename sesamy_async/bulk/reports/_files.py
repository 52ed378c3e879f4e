"""Report files that appear only when they are complete."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import attrs

from sesamy_async._files import AtomicFile, sweep
from sesamy_async.bulk._rows import harmless
from sesamy_async.errors import SesamyError


class ReportError(SesamyError):
    """A report can't be read or written, or all of them would be wrong.

    Each report in its place is whole: it is of this run, or of an earlier
    one.  The journal holds what became of every order all the same.
    """

    def __str__(self) -> str:
        # What became of the orders is not for this error to say.
        return (
            f"{self.args[0]} The journal holds what became of every order: "
            "solve this, and give the same command again; it sends nothing "
            "twice and writes the reports."
        )


@contextmanager
def naming(path: Path) -> Generator[None]:
    """Turn what the disk says into a `ReportError` that names the report."""
    try:
        yield
    except OSError as error:
        raise ReportError(
            f"The report {path} can't be written: {error.strerror}."
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a whole file, of mode 0600, or nothing.

    Raises:
        ReportError: It can't be written.
    """
    with naming(path), AtomicFile.begin(path) as new:
        with new.open() as file:
            file.write(text)
        new.replace()


def digest_of(path: Path) -> bytes | None:
    """Return the digest of a report; None if it is not there.

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


@attrs.define
class Report:
    """A text file of one line for each row; without rows there is none.

    Attributes:
        path: Its place.
        rows: How many it has, a header left out.
    """

    path: Path
    rows: int = attrs.field(default=0, init=False)
    _encoding: str = attrs.field(default="utf-8", init=False)
    _open: tuple[AtomicFile, TextIO] | None = attrs.field(
        default=None, init=False
    )

    def line(self, text: str) -> None:
        """Write a row as it is."""
        self._opened().write(f"{text}\n")
        self.rows += 1

    def digest(self) -> bytes | None:
        """Write it to its end; return its digest, None without rows.

        Raises:
            ReportError: It can't be written.
        """
        if self._open is None:
            return None
        new, file = self._open
        with naming(self.path):
            file.close()
            return _digest(new.beside)

    def keep(self) -> None:
        """Put it in its place; without rows, remove what is there.

        Raises:
            ReportError: That can't be done.
        """
        with naming(self.path):
            if self._open is None:
                sweep(self.path)
                self.path.unlink(missing_ok=True)
            else:
                new, file = self._open
                file.close()
                new.replace()

    def discard(self) -> None:
        """Remove it, if it is not in its place."""
        if self._open is not None:
            new, file = self._open
            with suppress(OSError):
                file.close()
            new.discard()
            self._open = None

    def _opened(self) -> TextIO:
        if self._open is None:
            with naming(self.path):
                new = AtomicFile.begin(self.path)
                file = new.open(self._encoding, "backslashreplace")
                self._open = new, file
        return self._open[1]


@attrs.define
class Sheet(Report):
    """A table that a spreadsheet opens.

    Attributes:
        header: Its first line.
        delimiter: The character between its cells.
    """

    header: Sequence[str] = attrs.field(kw_only=True)
    delimiter: str = attrs.field(kw_only=True)
    # With a byte order mark, or a spreadsheet takes it for another encoding.
    _encoding: str = attrs.field(default="utf-8-sig", init=False)

    def add(self, *values: object) -> None:
        """Write a row, of which no cell runs as a formula."""
        self.add_as_is([harmless(value) for value in values])

    def add_as_is(self, cells: Sequence[str]) -> None:
        """Write a row exactly as it is."""
        writer = csv.writer(self._opened(), delimiter=self.delimiter)
        if not self.rows:
            writer.writerow(self.header)
        writer.writerow(cells)
        self.rows += 1
