"""The reports of an import: which there are, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from sesamy_async.bulk._states import Entry, Kind
from sesamy_async.bulk.journal._files import SUFFIX


STRAYS = "strays"
"""The additional report: its rows are in another one too."""


@attrs.frozen
class Place:
    """The folder of the reports, and the beginning of their names.

    Attributes:
        folder: Where the journal is.
        stem: Such as ``"orders"`` of ``orders.csv``.
    """

    folder: Path
    stem: str

    @classmethod
    def beside(cls, journal: Path) -> Place:
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
    """

    rows: Mapping[Kind, int]
    paths: Mapping[str, Path]
    kept: tuple[Path, ...] = ()
    rejections: tuple[tuple[str, int], ...] = ()
    unknown: tuple[Entry, ...] = ()
    strays: tuple[Entry, ...] = ()
