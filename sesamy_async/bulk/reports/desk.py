"""Where each row is put into the report that it belongs in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import attrs

from sesamy_async.bulk.confirm import Confirm
from sesamy_async.bulk.journal.entry import Entry
from sesamy_async.bulk.record import Record
from sesamy_async.bulk.source import Source

from . import rejected
from .advice import LOOK, STRAY, unprocessed
from .kind import Kind, kind_of
from .place import STRAYS, Place
from .reasons import Reasons
from .reports import Reports
from .sheet import Report, Sheet


_DONE = ("row", "externalOrderId", "contractId")
_TO_FILL_IN = ("confirmed", "notCreated")
_HEADERS: Mapping[str, tuple[str, ...]] = {
    Kind.CONFIRMED: _DONE,
    Kind.CREATED: _DONE,
    Kind.UNKNOWN: (*_DONE, *_TO_FILL_IN, "reason", "whatToDo"),
    Kind.UNPROCESSED: (*_DONE, "reason"),
    STRAYS: (*_DONE, "strays", "whatToDo"),
}
_SHOWN = 20


@attrs.frozen
class Desk:
    """The reports of an import while they are written.

    Attributes:
        confirm: When contracts are confirmed.
        sheets: Those that are tables whatever the file is.
        mended: The rejected rows, as the file has them.
    """

    confirm: Confirm
    names: tuple[str, ...]
    sheets: Mapping[str, Sheet]
    mended: Sheet | Report
    _reasons: Reasons = attrs.field(factory=Reasons, init=False)
    _unknown: list[Entry] = attrs.field(factory=list[Entry], init=False)
    _strays: list[Entry] = attrs.field(factory=list[Entry], init=False)

    @classmethod
    def of(
        cls, source: Source, place: Place, confirm: Confirm, delimiter: str
    ) -> Desk:
        """Return an empty one; no file is made yet."""
        sheet = partial(Sheet, delimiter=delimiter)
        names = source.header
        mended = (
            sheet(place.of(Kind.REJECTED), header=rejected.header(names))
            if names
            else Report(place.of(Kind.REJECTED, ".jsonl"))
        )
        sheets = {
            kind: sheet(place.of(kind), header=header)
            for kind, header in _HEADERS.items()
        }
        return cls(confirm, names, sheets, mended)

    @property
    def rows(self) -> dict[Kind, int]:
        """How many rows each report has."""
        return {kind: self._report(kind).rows for kind in Kind}

    def sort(self, record: Record, entry: Entry) -> None:
        """Put a row where it belongs."""
        kind = kind_of(entry.state, self.confirm)
        done = (entry.row, entry.order_id, entry.contract_id)
        match kind:
            case Kind.CONFIRMED | Kind.CREATED:
                self.sheets[kind].add(*done)
            case Kind.UNKNOWN:
                row, order, _ = done
                # Nobody has looked yet, so nothing is filled in.
                empty = ("", "", "")
                self.sheets[kind].add(row, order, *empty, entry.reason, LOOK)
                _remember(self._unknown, entry)
            case Kind.UNPROCESSED:
                reason = entry.reason or unprocessed(entry.state)
                self.sheets[kind].add(*done, reason)
            case _:
                self._reject(record, entry)
        if entry.strays:
            self.sheets[STRAYS].add(*done, entry.strays, STRAY)
            _remember(self._strays, entry)

    def keep(self) -> Reports:
        """Put all reports in their places, and those away that are not."""
        everything: dict[str, Report] = {
            **self.sheets,
            Kind.REJECTED: self.mended,
        }
        for report in everything.values():
            report.keep()
        return Reports(
            rows=self.rows,
            paths={
                str(kind): report.path
                for kind, report in everything.items()
                if report.rows
            },
            rejections=self._reasons.common(),
            unknown=tuple(self._unknown),
            strays=tuple(self._strays),
        )

    def discard(self) -> None:
        """Leave no file that is not in its place."""
        for report in (*self.sheets.values(), self.mended):
            report.discard()

    def _report(self, kind: Kind) -> Report:
        return self.mended if kind is Kind.REJECTED else self.sheets[kind]

    def _reject(self, record: Record, entry: Entry) -> None:
        if isinstance(self.mended, Sheet):
            cells = rejected.cells(self.names, record.cells, entry)
            self.mended.add_as_is(cells)
        else:
            self.mended.line(rejected.line(record.cells[0], entry))
        self._reasons.add(entry.reason or "")


def _remember(entries: list[Entry], entry: Entry) -> None:
    if len(entries) < _SHOWN:
        entries.append(entry)
