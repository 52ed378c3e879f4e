"""Look at all rows of a file before anything is sent."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from secrets import token_bytes

import attrs

from sesamy_async.bulk.errors import InputFileError
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reading.fields import PROMO_CODE
from sesamy_async.bulk.record import Mistaken, Record
from sesamy_async.bulk.source import Source

from .alike import looks
from .checked import Checked
from .known import find_known
from .notes import Notes, ProblemNote, RowNote


_BATCH = 1000
_NO_PROMO = "required, for no promo code is given for the whole file"


def check(
    source: Source,
    *,
    promo_code: str | None,
    on_rows: Callable[[int], None] | None = None,
    journals: Iterable[Journal] = (),
) -> Checked:
    """Look at all rows, and find what is wrong with each.

    What it finds is kept in a temporary file without a name, so that
    memory does not grow with the rows; it holds order ids and reasons, and
    is gone when it is closed.

    Args:
        source: The rows.
        promo_code: What rows are sold under that name no promo code
            themselves; None where each of them must.
        on_rows: Called now and then with the number of rows looked at so
            far, and at the end with all of them.
        journals: Of other imports, such as `related_journals` opens them.
            A row is wrong whose order one of them has, unless it was
            rejected there.

    Returns:
        What was found; close it, or use it in a ``with`` block.

    Raises:
        InputFileError: The rows can't be read, or there is no room for the
            temporary file; nothing was sent.
        JournalError: One of the journals can't be read; nothing was sent.

    .. versionadded:: 0.1.0
    """
    notes = Notes()
    try:
        look = _Look(source, needs_promo=promo_code is None)
        for batch in _batches(source.records()):
            notes.add(*look.at(batch))
            if on_rows is not None:
                on_rows(notes.rows)
        notes.find_repeats()
        notes.find_alike()
        for each in journals:
            find_known(notes, each)
        return Checked(notes)
    except BaseException as error:
        notes.close()
        if not isinstance(error, sqlite3.Error):
            raise
        said = str(error)
    raise InputFileError(
        f"{source.name} can't be checked: the temporary database says "
        f"{said!r}. Make room, or let TMPDIR name a folder that has some."
    )


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    # An error of the file is raised as soon as it is met, and stops all.
    while batch := [*islice(records, _BATCH)]:
        yield batch


@attrs.frozen
class _Look:
    source: Source
    needs_promo: bool
    # Of a new key each time: on disk, it tells nobody who is in the file.
    _key: bytes = attrs.field(factory=lambda: token_bytes(32), repr=False)

    def at(
        self, batch: list[Record]
    ) -> tuple[list[RowNote], list[ProblemNote]]:
        """Return what is to be noted of some rows."""
        skim, digest = self.source.skim, self._digest
        rows: list[RowNote] = []
        problems: list[ProblemNote] = []
        for record in batch:
            found = skim(record)
            order_id, known = found.external_order_id, True
            if isinstance(found, Mistaken):
                order_id, known = order_id or found.perhaps, bool(order_id)
                problems += [
                    (each.row, each.column, each.reason)
                    for each in found.problems
                ]
            elif self.needs_promo and found.promo_code is None:
                problems.append((record.number, PROMO_CODE, _NO_PROMO))
            look = None if order_id is None else hash(looks(order_id))
            rows.append((record.number, order_id, digest(record), known, look))
        return rows, problems

    def _digest(self, record: Record) -> bytes:
        cells = "\0".join(record.cells).encode(errors="surrogatepass")
        return blake2b(cells, digest_size=16, key=self._key).digest()
