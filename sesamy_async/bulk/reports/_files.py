"""The files of reports: where they are, and how they are written.

A report appears only when it is complete, and one that somebody has changed
is never replaced.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs

from sesamy_async._files import AtomicFile, sweep
from sesamy_async.bulk._rows import harmless
from sesamy_async.bulk._states import Entry, JournalError, Kind
from sesamy_async.bulk._workbooks import NewTable
from sesamy_async.bulk.journal import Memory, journal_path
from sesamy_async.bulk.journal._files import SUFFIX
from sesamy_async.errors import SesamyError


STRAYS = "strays"
"""The additional report: its rows are in another one too."""


@attrs.frozen
class ReportPaths:
    """The folder of the reports, and the beginning of their names.

    Attributes:
        folder: Where the journal is.
        stem: Such as ``"orders"`` of ``orders.csv``.
    """

    folder: Path
    stem: str

    @classmethod
    def beside(cls, journal: Path) -> ReportPaths:
        """Return the place of the reports of an import with this journal.

        Beside ``orders.csv.journal`` their names begin with ``orders``.  If
        the file is not a ``.csv``, they begin with its whole name, because
        an ``orders.csv`` may be in the same folder.
        """
        name = Path(journal.name.removesuffix(SUFFIX))
        usual = name.suffix.lower() == ".csv"
        return cls(journal.parent, name.stem if usual else name.name)

    def of(
        self, kind: Kind | str, suffix: str = ".csv", *, number: int = 1
    ) -> Path:
        """Return the path of a report; from the second on, with a number."""
        counted = "" if number == 1 else f".{number}"
        return self.folder / f"{self.stem}.{kind}{counted}{suffix}"

    def every(self) -> Iterator[Path]:
        """Yield where a report may be, those with a number left out."""
        for suffix in (".csv", ".xlsx"):
            yield from (self.of(kind, suffix) for kind in (*Kind, STRAYS))
        yield self.of(Kind.REJECTED, ".jsonl")


@attrs.frozen(kw_only=True)
class Reports:
    """The reports that were written.

    Attributes:
        rows: How many rows each kind has; they add up to those of the file.
        paths: Where each report is, by the word in its name, such as
            ``"rejected"``; a report without rows is not there.
        kept: Reports that were left as they are, because somebody has
            changed them or imports them.
        rejections: Reasons of the rejected rows with their counts, the most
            frequent first.
        unknown: The first orders that a person has to look at.
        strays: The first orders that may have left unconfirmed contracts.
        left_out: Rows that the filter of the mapping leaves out; they are
            in no report.
    """

    rows: Mapping[Kind, int]
    paths: Mapping[str, Path]
    kept: tuple[Path, ...] = ()
    rejections: tuple[tuple[str, int], ...] = ()
    unknown: tuple[Entry, ...] = ()
    strays: tuple[Entry, ...] = ()
    left_out: int = 0


class ReportError(SesamyError):
    """A report can't be read or written, or all of them would be wrong.

    Each report that is there is complete: it is of this run, or of an
    earlier one.  The journal has what became of every order.
    """

    def __str__(self) -> str:
        # What became of the orders is not for this error to say.
        return (
            f"{self.args[0]} The journal has what became of every order: "
            "fix this, and run the same command again; it sends nothing "
            "twice and writes the reports."
        )


@contextmanager
def _naming(path: Path, what: str = "written") -> Generator[None]:
    """Turn an `OSError` into a `ReportError` that names the report."""
    try:
        yield
    except OSError as error:
        raise ReportError(
            f"The report {path} can't be {what}: {error.strerror}."
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a whole file, of mode 0600, or nothing: then `ReportError`."""
    with _naming(path), AtomicFile.begin(path) as new:
        with new.open() as file:
            file.write(text)
        new.replace()


def digest_of(path: Path) -> bytes | None:
    """Return the digest of a report; None if it is not there.

    Raises:
        ReportError: It can't be read.
    """
    with _naming(path, "read"), suppress(FileNotFoundError):
        return _digest(path)
    return None


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


@attrs.define
class Report:
    """A text file of one line for each row; without rows there is none."""

    path: Path
    # What the rows are written with has a `close`, for once and again.
    _open: tuple[AtomicFile, Any] | None = attrs.field(
        default=None, init=False
    )

    def line(self, text: str) -> None:
        """Write a row as it is."""
        self._opened().write(f"{text}\n")

    def digest(self) -> bytes | None:
        """Write it to its end; return its digest, None without rows."""
        if self._open is None:
            return None
        new, file = self._open
        with _naming(self.path):
            file.close()
            return _digest(new.beside)

    def keep(self) -> None:
        """Put it in its place; without rows, remove what is there."""
        with _naming(self.path):
            if self._open is None:
                sweep(self.path)
                self.path.unlink(missing_ok=True)
            else:
                new, file = self._open
                file.close()
                new.replace()

    def discard(self) -> None:
        if self._open is not None:
            new, file = self._open
            with suppress(OSError):
                file.close()
            new.discard()
            self._open = None

    def _opened(self) -> Any:
        if self._open is None:
            with _naming(self.path):
                new = AtomicFile.begin(self.path)
                self._open = new, self._begin(new)
        return self._open[1]

    def _begin(self, new: AtomicFile) -> Any:
        return new.open("utf-8", "backslashreplace")


@attrs.define
class Sheet(Report):
    """A table that a spreadsheet opens, as CSV."""

    header: Sequence[str] = attrs.field(kw_only=True)
    delimiter: str = attrs.field(kw_only=True, default=",")

    def cell(self, value: object) -> str | int:
        return harmless(value)

    def add(self, *values: object) -> None:
        """Write a row of such cells."""
        self.add_as_is([self.cell(value) for value in values])

    def add_as_is(self, cells: Sequence[str | int]) -> None:
        csv.writer(self._opened(), delimiter=self.delimiter).writerow(cells)

    def _begin(self, new: AtomicFile) -> Any:
        # With a byte order mark, or a spreadsheet takes it for another
        # encoding.
        file = new.open("utf-8-sig", "backslashreplace")
        csv.writer(file, delimiter=self.delimiter).writerow(self.header)
        return file


@attrs.define
class Book(Sheet):
    """Such a table as .xlsx, in which cells are texts and nothing else."""

    def cell(self, value: object) -> str | int:
        if isinstance(value, int):
            return value
        return "" if value is None else str(value)

    def add_as_is(self, cells: Sequence[str | int]) -> None:
        table: NewTable = self._opened()
        if not table.add(cells):
            raise ReportError(
                f"The report {self.path} would have more rows, or longer "
                "cells, than a spreadsheet can hold."
            )

    def _begin(self, new: AtomicFile) -> Any:
        name = self.path.suffixes[-2].removeprefix(".")
        return NewTable(new.beside, name, self.header)


class EditableReport:
    """Where a report goes that people edit.

    One that somebody has changed, or imports, stays as it is, and the new
    one gets a number in its name.
    """

    def __init__(
        self,
        place: ReportPaths,
        kind: Kind,
        suffix: str,
        memory: Memory | None,
    ) -> None:
        known: Mapping[str, set[bytes]] = memory.recall() if memory else {}
        ours: list[Path] = []
        self.kept: dict[Path, bytes | None] = {}
        number = 0
        while True:
            number += 1
            path = place.of(kind, suffix, number=number)
            digest, before = digest_of(path), known.get(path.name, set())
            if journal_path(path).exists() or digest not in {None, *before}:
                self.kept[path] = digest
                continue
            ours.append(path)
            if digest is None and not before:
                break
        self.path, *self._spare = ours
        self.before = [each for each in ours if each.exists()]
        self._memory = memory

    def end(self, report: Report) -> None:
        """Let a report take no more rows, and have the journal know it."""
        digest = report.digest()
        if digest is None:
            return
        for path, theirs in self.kept.items():
            if theirs == digest:
                # It is there already, even if we did not put it there.
                self.path = path
                report.discard()
        if self._memory is not None:
            # A journal that can't be written must not prevent a report: at
            # worst the next run takes it for edited, and leaves it alone.
            with suppress(JournalError):
                self._memory.add(self.path.name, digest)

    def remove_spare(self) -> None:
        for path in self._spare:
            path.unlink(missing_ok=True)
