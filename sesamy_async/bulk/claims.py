"""The orders that are still to be processed, as the file has them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from .claim import Claim
from .errors import InputFileError
from .journal.journal import Journal
from .record import Mistaken, Record
from .source import Source
from .state import State


class Claims:
    """Walks through the file and the journal side by side.

    Blocks: it reads from disk.

    Args:
        source: The file.
        journal: What became of its rows so far.
    """

    def __init__(self, source: Source, journal: Journal) -> None:
        self._source = source
        self._rest = self._claims(journal)

    def take(self, most: int) -> list[Claim]:
        """Return the next orders; [] where none is left.

        Raises:
            InputFileError: The file is not what it was when it was checked.
        """
        return list(islice(self._rest, most))

    def _claims(self, journal: Journal) -> Iterator[Claim]:
        states = {State.PENDING}
        if journal.terms.confirm.goal is State.CONFIRMED:
            states.add(State.CREATED)
        records = self._source.records()
        for entry in journal.entries(states=states):
            record = _at(entry.row, records)
            sale = None if record is None else self._source.read(record)
            if (
                sale is None
                or isinstance(sale, Mistaken)
                or sale.order.external_order_id != entry.order_id
            ):
                raise InputFileError(
                    f"{self._source.name} changed while it was imported: row "
                    f"{entry.row} is not what it was. Restore it, and give "
                    "the same command again."
                )
            yield Claim(entry, sale, asked=entry.state is State.CREATED)


def _at(row: int, records: Iterator[Record]) -> Record | None:
    return next((each for each in records if each.number >= row), None)
