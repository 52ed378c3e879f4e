"""The reports of an import: which there are, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

import attrs

from sesamy_async.bulk._states import Confirm, Entry, State
from sesamy_async.bulk.journal._files import SUFFIX


class Kind(StrEnum):
    """The reports; each row is in exactly one of them.

    The value is a part of the file's name: ``orders.rejected.csv``.
    """

    CONFIRMED = "confirmed"
    """The buyer has access."""

    CREATED = "created"
    """The contract is made, and that was the goal (``Confirm.NO``)."""

    REJECTED = "rejected"
    """It can't be sent as it is, or Sesamy refused it."""

    UNKNOWN = "unknown"
    """A person has to look."""

    UNPROCESSED = "unprocessed"
    """It is not finished; the same command goes on."""


_SETTLED = {
    State.CONFIRMED: Kind.CONFIRMED,
    State.REJECTED: Kind.REJECTED,
    State.UNKNOWN: Kind.UNKNOWN,
}


def kind_of(state: State, confirm: Confirm) -> Kind:
    """Return the report of an order in this state."""
    if state is confirm.goal is State.CREATED:
        return Kind.CREATED
    return _SETTLED.get(state, Kind.UNPROCESSED)


STRAYS = "strays"
"""The additional report: its rows are in another one too."""

NAMES = (*Kind, STRAYS)
_REPORT = re.compile(
    rf"(?P<stem>.+)\.(?:{'|'.join(NAMES)})(?:\.\d+)?(?:\.jsonl)?",
    re.DOTALL | re.IGNORECASE,
)


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

    @property
    def root(self) -> Place:
        """Where the reports are of the first import of a chain.

        Its reports may be imported, and the reports of these imports too.
        """
        stem = self.stem
        while report := _REPORT.fullmatch(stem):
            stem = report["stem"]
        return attrs.evolve(self, stem=stem)

    def of(
        self, kind: Kind | str, suffix: str = ".csv", *, number: int = 1
    ) -> Path:
        """Return the path of a report; from the second on, with a number."""
        counted = "" if number == 1 else f".{number}"
        return self.folder / f"{self.stem}.{kind}{counted}{suffix}"

    def every(self) -> Iterator[Path]:
        """Yield where a report may be, those with a number left out."""
        yield from map(self.of, NAMES)
        yield self.of(Kind.REJECTED, ".jsonl")


@attrs.frozen(kw_only=True)
class Reports:
    """The reports that were written.

    Attributes:
        rows: How many rows each kind has; they add up to those of the file.
        paths: Where each report is, by the word in its name, such as
            ``"rejected"``; a report without rows is not there.
        kept: Reports that were left as they are, because somebody has
            changed them or imports them; their rows are in no new one.
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
