"""Where each row is put into the report that it belongs in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import attrs

from sesamy_async.bulk.confirm import Confirm
from sesamy_async.bulk.errors import JournalError
from sesamy_async.bulk.journal.entry import Entry
from sesamy_async.bulk.journal.written import Memory, Reported
from sesamy_async.bulk.record import Record
from sesamy_async.bulk.source import Source

from . import rejected
from .advice import LOOK, STRAY, unprocessed
from .kind import Kind, kind_of
from .mendable import Mendable
from .place import STRAYS, Place
from .reasons import Reasons
from .reports import Reports
from .said import said_before
from .sheet import Report, Sheet
from .shelf import Shelf


_DONE = ("row", "externalOrderId", "contractId")
_TO_SETTLE = (*_DONE, "confirmed", "notCreated", "reason", "whatToDo")
_HEADERS: Mapping[str, tuple[str, ...]] = {
    Kind.CONFIRMED: _DONE,
    Kind.CREATED: _DONE,
    Kind.UNPROCESSED: (*_DONE, "reason"),
    STRAYS: (*_DONE, "strays", "whatToDo"),
}
_SHOWN = 20


@attrs.frozen
class Desk:
    """The reports of an import while they are written.

    Attributes:
        confirm: When contracts are confirmed.
        names: The header of the file.
        sheets: Those that are tables whatever the file is.
        mended: The rejected rows, as the file has them.
        mendable: Those of them that people write in.
        said: What Sesamy said of rejected rows; personal, perhaps.
    """

    confirm: Confirm
    names: tuple[str, ...]
    sheets: Mapping[str, Sheet]
    mended: Sheet | Report
    mendable: Mapping[Kind, Mendable]
    said: Mapping[int, str] = attrs.field(repr=False)
    _reasons: Reasons = attrs.field(factory=Reasons, init=False)
    _unknown: list[Entry] = attrs.field(factory=list[Entry], init=False)
    _strays: list[Entry] = attrs.field(factory=list[Entry], init=False)

    @classmethod
    def of(
        cls,
        source: Source,
        place: Place,
        confirm: Confirm,
        delimiter: str,
        reported: Reported,
        *,
        said: Mapping[int, str],
    ) -> Desk:
        """Return an empty one; no file is made yet.

        Raises:
            ReportError: A report of before can't be read.
        """
        sheet = partial(Sheet, delimiter=delimiter)
        names = source.header
        suffix = ".csv" if names else ".jsonl"
        look = partial(Shelf.look, place, reported=reported)
        mend, settle = look(Kind.REJECTED, suffix), look(Kind.UNKNOWN, ".csv")
        said = {**said_before(mend, delimiter), **said}
        mended = (
            sheet(mend.free.path, header=rejected.header(names))
            if names
            else Report(mend.free.path)
        )
        sheets = {
            kind: sheet(place.of(kind), header=header)
            for kind, header in _HEADERS.items()
        }
        unknown = sheet(settle.free.path, header=_TO_SETTLE)
        mendable = {
            Kind.REJECTED: Mendable(mend, mended),
            Kind.UNKNOWN: Mendable(settle, unknown),
        }
        sheets[Kind.UNKNOWN] = unknown
        return cls(confirm, names, sheets, mended, mendable, said)

    @property
    def rows(self) -> dict[Kind, int]:
        """How many rows each kind has."""
        return {
            kind: (self.mendable.get(kind) or self.sheets[kind]).rows
            for kind in Kind
        }

    def sort(self, record: Record, entry: Entry) -> None:
        """Put a row where it belongs."""
        kind = kind_of(entry.state, self.confirm)
        done = (entry.row, entry.order_id, entry.contract_id)
        match kind:
            case Kind.CONFIRMED | Kind.CREATED:
                self.sheets[kind].add(*done)
            case Kind.UNKNOWN:
                self._settle(entry)
            case Kind.UNPROCESSED:
                reason = entry.reason or unprocessed(entry.state)
                self.sheets[kind].add(*done, reason)
            case _:
                self._reject(record, entry)
        if entry.strays:
            self.sheets[STRAYS].add(*done, entry.strays, STRAY)
            _remember(self._strays, entry)

    def keep(self, memory: Memory | None, reported: Reported) -> Reports:
        """Put all reports in their places, and those away that are not.

        Args:
            memory: What is told of them, before and after.
            reported: What it knew before.
        """
        mendable = self.mendable.values()
        expected = settled = reported
        for each in mendable:
            each.end()
            expected = each.expected(expected)
            settled = each.settled(settled)
        _note(memory, reported, expected)
        for report in (*self.sheets.values(), self.mended):
            report.keep()
        for each in mendable:
            each.tidy()
        _note(memory, expected, settled)
        return Reports(
            rows=self.rows,
            paths=dict(self._paths()),
            kept=tuple(
                spot.path for each in mendable for spot in each.shelf.theirs
            ),
            rejections=self._reasons.common(),
            unknown=tuple(self._unknown),
            strays=tuple(self._strays),
        )

    def discard(self) -> None:
        """Leave no file that is not in its place."""
        for report in (*self.sheets.values(), self.mended):
            report.discard()

    def _paths(self) -> Iterator[tuple[str, Path]]:
        for kind, report in self.sheets.items():
            if report.rows:
                yield str(kind), report.path
        for kind, each in self.mendable.items():
            if each.path is not None:
                yield str(kind), each.path

    def _settle(self, entry: Entry) -> None:
        _remember(self._unknown, entry)
        if self.mendable[Kind.UNKNOWN].takes(entry.row):
            # Nobody has looked yet, so nothing is filled in.
            cells = (entry.row, entry.order_id, "", "", "", entry.reason, LOOK)
            self.sheets[Kind.UNKNOWN].add(*cells)

    def _reject(self, record: Record, entry: Entry) -> None:
        self._reasons.add(entry.reason or "")
        if not self.mendable[Kind.REJECTED].takes(entry.row):
            return
        said = self.said.get(entry.row)
        if isinstance(self.mended, Sheet):
            cells = rejected.cells(self.names, record.cells, entry, said)
            self.mended.add_as_is(cells)
        else:
            self.mended.line(rejected.line(record.cells[0], entry, said))


def _remember(entries: list[Entry], entry: Entry) -> None:
    if len(entries) < _SHOWN:
        entries.append(entry)


def _note(memory: Memory | None, before: Reported, now: Reported) -> None:
    if memory is not None and now != before:
        # A journal that can't be written keeps no report from being: at
        # worst the next run takes it for somebody's, and leaves it alone.
        with suppress(JournalError):
            memory.remember(now)
