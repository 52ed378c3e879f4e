"""Reports that people write in, and which of them are theirs by now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from sesamy_async.bulk.journal.place import journal_path
from sesamy_async.bulk.journal.written import Reported, Written

from .draft import digest_of
from .kind import Kind
from .place import Place


@attrs.frozen(kw_only=True)
class Spot:
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
class Shelf:
    """All names for one kind of report.

    A report that somebody has changed, or imports, stays as it is; the rows
    that it was given are theirs, and come into no other one, for an order
    that is in two files would be sent twice.

    Attributes:
        spots: The last one is free.
    """

    spots: tuple[Spot, ...]

    @classmethod
    def look(
        cls, place: Place, kind: Kind, suffix: str, reported: Reported
    ) -> Shelf:
        """Look at what is there.

        Raises:
            ReportError: Something can't be read.
        """
        spots: list[Spot] = []
        while not spots or spots[-1] != Spot(path=spots[-1].path):
            path = place.of(kind, suffix, number=len(spots) + 1)
            spots.append(_spot(path, reported))
        return cls(tuple(spots))

    @property
    def free(self) -> Spot:
        """Where the next report goes."""
        return next(each for each in self.spots if each.ours)

    @property
    def spare(self) -> Iterator[Spot]:
        """What is ours, and not needed any more."""
        return (each for each in self.spots if each.ours and each != self.free)

    @property
    def theirs(self) -> tuple[Spot, ...]:
        """What stays as it is."""
        return tuple(each for each in self.spots if not each.ours)

    def __contains__(self, row: int) -> bool:
        """Whether a row is in a report that is somebody's."""
        return any(row in each for each in self.theirs)


def _spot(path: Path, reported: Reported) -> Spot:
    return Spot(
        path=path,
        digest=digest_of(path),
        written=reported.get(path.name, ()),
        imported=journal_path(path).exists(),
    )
