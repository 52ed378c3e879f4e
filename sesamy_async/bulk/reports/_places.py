"""Where the reports of an import are, and which there are."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import attrs

from sesamy_async.bulk._states import Confirm, State
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
    """Return where an order in this state belongs.

    Args:
        state: How far it has come.
        confirm: When contracts are confirmed, and so what is the goal.
    """
    if state is State.CREATED and confirm.goal is State.CREATED:
        return Kind.CREATED
    return _SETTLED.get(state, Kind.UNPROCESSED)


STRAYS = "strays"
"""The report that comes on top: its rows are in another one too."""

_USUAL = ".csv"
_REPORT = re.compile(
    rf"(?P<stem>.+)\.(?:{'|'.join((*Kind, STRAYS))})(?:\.\d+)?(?:\.jsonl)?",
    re.DOTALL | re.IGNORECASE,
)


@attrs.frozen
class Place:
    """The folder and the beginning of the names.

    Attributes:
        folder: Where the journal is.
        stem: Such as ``"orders"`` of ``orders.csv``.
    """

    folder: Path
    stem: str

    @classmethod
    def beside(cls, journal: Path) -> Place:
        """Return where the reports are of the import with this journal.

        Of ``orders.csv.journal`` their names begin with ``orders``; where
        the file is no ``.csv``, with all of its name, for ``orders.jsonl``
        may be in the same folder.
        """
        name = Path(journal.name.removesuffix(SUFFIX))
        usual = name.suffix.lower() == _USUAL
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
