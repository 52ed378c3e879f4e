"""The rows of the file beside what the journal holds of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest

from sesamy_async.bulk.journal.entry import Entry
from sesamy_async.bulk.record import Record

from .errors import ReportError


def joined(
    records: Iterable[Record], entries: Iterable[Entry]
) -> Iterator[tuple[Record, Entry]]:
    """Yield each row with its entry; one of each is in memory.

    Raises:
        ReportError: They are not of the same rows.
    """
    for record, entry in zip_longest(records, entries):
        if record is None or entry is None or record.number != entry.row:
            raise changed()
        yield record, entry


def changed() -> ReportError:
    """Return the error for a file that is not the one that was sent."""
    return ReportError(
        "The file does not have the rows that the journal has, so it was "
        "changed while it was imported; put it back as it was."
    )
