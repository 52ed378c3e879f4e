"""Reports that exist already, and rows that were edited in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from sesamy_async.bulk.journal import Reported, Rows, Written, journal_path

from ._files import Report, digest_of
from ._places import Kind, Place


@attrs.frozen(kw_only=True)
class ReportFile:
    """A name for a report, and what is there.

    Attributes:
        path: Where it is.
        digest: Of what lies there; None for nothing.
        written: What was written there, as far as is known.
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


@attrs.frozen
class ExistingReports:
    """All names for one kind of report.

    A report that somebody has changed, or imports, stays as it is; the rows
    that it was given are theirs, and come into no other one, for an order
    that is in two files would be sent twice.

    Attributes:
        spots: The last one is free.
    """

    spots: tuple[ReportFile, ...]

    @classmethod
    def look(
        cls, place: Place, kind: Kind, suffix: str, reported: Reported
    ) -> ExistingReports:
        """Look at what is there.

        Raises:
            ReportError: Something can't be read.
        """
        spots: list[ReportFile] = []
        while not spots or spots[-1] != ReportFile(path=spots[-1].path):
            path = place.of(kind, suffix, number=len(spots) + 1)
            spots.append(_report_file(path, reported))
        return cls(tuple(spots))

    @property
    def free(self) -> ReportFile:
        """Where the next report goes."""
        return next(each for each in self.spots if each.ours)

    @property
    def spare(self) -> Iterator[ReportFile]:
        """What is ours, and not needed any more."""
        return (each for each in self.spots if each.ours and each != self.free)

    @property
    def theirs(self) -> tuple[ReportFile, ...]:
        """What stays as it is."""
        return tuple(each for each in self.spots if not each.ours)

    def __contains__(self, row: int) -> bool:
        """Whether a row is in a report that is somebody's."""
        return any(row in each for each in self.theirs)


def _report_file(path: Path, reported: Reported) -> ReportFile:
    return ReportFile(
        path=path,
        digest=digest_of(path),
        written=reported.get(path.name, ()),
        imported=journal_path(path).exists(),
    )


@attrs.define
class EditableReport:
    """One that never replaces what somebody has changed.

    Attributes:
        shelf: Where such reports are.
        report: The new one.
        rows: How many rows there are of its kind, also in those of others.
    """

    shelf: ExistingReports
    report: Report
    rows: int = attrs.field(default=0, init=False)
    _has: Rows = attrs.field(factory=Rows, init=False)
    _written: Written | None = attrs.field(default=None, init=False)
    _spot: ReportFile = attrs.field(init=False)

    def takes(self, row: int) -> bool:
        """Count a row; return whether it is to be written."""
        self.rows += 1
        if row in self.shelf:
            return False
        self._has.add(row)
        return True

    def end(self) -> None:
        """Take no more rows, and choose its place.

        Raises:
            ReportError: It can't be written.
        """
        self._spot = self.shelf.free
        digest = self.report.digest()
        if digest is None:
            return
        self._written = Written(digest, self._has)
        for spot in self.shelf.theirs:
            if spot.digest == digest:
                # It is there already, whoever has put it there.
                self._spot = spot
                self.report.discard()

    def tidy(self) -> None:
        """Put away what is ours, and not needed any more."""
        for spot in self.shelf.spare:
            spot.path.unlink(missing_ok=True)

    def expected(self, reported: Reported) -> Reported:
        """Return what may lie there until it is in its place."""
        return {**reported, **self._noted(*self._spot.written)}

    def settled(self, reported: Reported) -> Reported:
        """Return what lies there once it is in its place."""
        ours = {each.path.name for each in self.shelf.spots if each.ours}
        rest = {
            name: written
            for name, written in reported.items()
            if name not in ours
        }
        return {**rest, **self._noted()}

    @property
    def path(self) -> Path | None:
        """Where its rows are; the first place where there are several."""
        if self._written is not None:
            return self._spot.path
        return self.shelf.theirs[0].path if self.rows else None

    def _noted(self, *before: Written) -> Reported:
        if self._written is None:
            return {}
        return {self._spot.path.name: (*before, self._written)}
