"""Reports that people edit: one that is theirs is never replaced."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import attrs

from sesamy_async.bulk.journal import Reported, Rows, Written, journal_path

from ._files import Report, digest_of
from ._places import Kind, Place


_R = TypeVar("_R", bound=Report)


@attrs.frozen(kw_only=True)
class ReportFile:
    """A name for a report, and what is there.

    Attributes:
        path: Its path.
        digest: Of the file that is there; None if there is none.
        written: What this import is known to have written there.
        imported: Whether it is imported itself.
    """

    path: Path
    digest: bytes | None = None
    written: tuple[Written, ...] = ()
    imported: bool = False

    @property
    def ours(self) -> bool:
        """Whether nobody's work is lost if it is replaced."""
        known = {None, *(each.digest for each in self.written)}
        return not self.imported and self.digest in known

    def __contains__(self, row: int) -> bool:
        return any(row in each.rows for each in self.written)


def report_files(
    place: Place, kind: Kind, suffix: str, reported: Reported
) -> tuple[ReportFile, ...]:
    """Return all files of a kind of report; the last one is free."""
    files: list[ReportFile] = []
    while not files or files[-1] != ReportFile(path=files[-1].path):
        path = place.of(kind, suffix, number=len(files) + 1)
        files.append(
            ReportFile(
                path=path,
                digest=digest_of(path),
                written=reported.get(path.name, ()),
                imported=journal_path(path).exists(),
            )
        )
    return tuple(files)


class EditableReport(Generic[_R]):
    """A new report that never replaces what somebody has changed.

    A report that somebody has changed, or imports, is kept as it is.  Its
    rows come into no other one: an order in two files would be sent twice.

    Args:
        files: What `report_files` returns.
        new: Makes the new report of its path.
    """

    def __init__(
        self, files: tuple[ReportFile, ...], new: Callable[[Path], _R]
    ) -> None:
        self.kept = tuple(each for each in files if not each.ours)
        self._file, *self._spare = [each for each in files if each.ours]
        self._names = {each.path.name for each in files if each.ours}
        self.report = new(self._file.path)
        self._rows = Rows()
        self._written: Written | None = None

    def takes(self, row: int) -> bool:
        """Whether a row is to be written; note it if so."""
        if any(row in each for each in self.kept):
            return False
        self._rows.add(row)
        return True

    def end(self) -> None:
        """Take no more rows, and choose its place."""
        digest = self.report.digest()
        if digest is None:
            return
        self._written = Written(digest, self._rows)
        for file in self.kept:
            if file.digest == digest:
                # It is there already, even if we did not put it there.
                self._file = file
                self.report.discard()

    def remove_spare(self) -> None:
        """Remove the reports that are not needed any more."""
        for file in self._spare:
            file.path.unlink(missing_ok=True)

    def expected(self, reported: Reported) -> Reported:
        """Return what may be there until the report is in its place."""
        return {**reported, **self._noted(*self._file.written)}

    def settled(self, reported: Reported) -> Reported:
        """Return what is there once the report is in its place."""
        rest = {it: reported[it] for it in reported if it not in self._names}
        return {**rest, **self._noted()}

    @property
    def path(self) -> Path:
        """Where its rows are; the first place if there are several."""
        return (self.kept[0] if self._written is None else self._file).path

    def _noted(self, *before: Written) -> Reported:
        if self._written is None:
            return {}
        return {self._file.path.name: (*before, self._written)}
