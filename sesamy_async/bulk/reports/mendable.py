"""A report that people write in, while it is written anew."""

from __future__ import annotations

from pathlib import Path

import attrs

from sesamy_async.bulk.journal.rows import Rows
from sesamy_async.bulk.journal.written import Reported, Written

from .sheet import Report
from .shelf import Shelf, Spot


@attrs.define
class Mendable:
    """One that never replaces what somebody has changed.

    Attributes:
        shelf: Where such reports are.
        report: The new one.
        rows: How many rows there are of its kind, also in those of others.
    """

    shelf: Shelf
    report: Report
    rows: int = attrs.field(default=0, init=False)
    _has: Rows = attrs.field(factory=Rows, init=False)
    _written: Written | None = attrs.field(default=None, init=False)
    _spot: Spot = attrs.field(init=False)

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
