"""Sort rows into reports and write them."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, repeat, zip_longest
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sesamy_async._models import is_object
from sesamy_async.bulk._counts import ImportSummary
from sesamy_async.bulk._rows import (
    IGNORED,
    NUMBER,
    ORIGINAL,
    REASON,
    Note,
    Row,
    Source,
    guarded,
    original_id,
)
from sesamy_async.bulk._states import (
    Confirm,
    Entry,
    InputFileError,
    Kind,
    kind_of,
)
from sesamy_async.bulk.journal import Memory
from sesamy_async.bulk.reading._sheets import SheetTable
from sesamy_async.bulk.reading._table import TableSource, records_of

from ._files import (
    STRAYS,
    Book,
    EditableReport,
    Report,
    ReportError,
    ReportPaths,
    Reports,
    Sheet,
)
from ._words import LOOK, STRAY, UNPROCESSED


_PARTICULAR = re.compile(
    r"(?<=\brow )\d+"  # another row
    r"|(?<=\bline )\d+|(?<=\bcolumn )\d+"  # a place in a line
    r"|'[^']*'"  # what is quoted
    r"|\b[0-9a-fA-F][0-9a-fA-F-]{14,}[0-9a-fA-F]\b"  # an id
)
_MOST_REASONS = 200
OTHERS = "other reasons"


def count_reason(counts: Counter[str], reason: str) -> None:
    """Count a reason with those that differ in a number or a name only."""
    pattern = _PARTICULAR.sub("…", reason)
    full = len(counts) >= _MOST_REASONS
    counts[OTHERS if full and pattern not in counts else pattern] += 1


_COLUMNS = (NUMBER, REASON, ORIGINAL)
_SAID = " Sesamy says: "


def why(entry: Entry, said: str | None = None) -> str:
    """Return the reason, the contract that exists, and what Sesamy said."""
    reason = entry.reason or ""
    contract = entry.contract_id
    if contract is not None and contract not in reason:
        reason += f" (contract {contract} is created, and not confirmed)"
    return reason if said is None else f"{reason}{_SAID}{said}"


def own_cells(names: Sequence[str], values: Sequence[str]) -> list[str]:
    """Return the cells of a row without those that an earlier report added."""
    # A row may have more cells than the header.
    pairs = zip(chain(names, repeat("")), values, strict=False)
    return [value for name, value in pairs if not _ours(name)]


def rejected_line(
    text: str, entry: Entry, said: str | None = None, original: str = ""
) -> str:
    """Return a line of JSON Lines with the additional keys in front.

    A line that holds no object becomes one, under the key ``#line``.
    """
    notes = (entry.row, why(entry, said), original)
    added: dict[str, Any] = dict(zip(_COLUMNS, notes, strict=True))
    order: Any = None
    with suppress(ValueError, RecursionError):
        order = json.loads(text)
    if not is_object(order):
        return _dump({**added, "#line": text})
    # In a report of a report, the first id is the original one.
    added[ORIGINAL] = order.get(ORIGINAL) or original
    if not order or any(map(_ours, order)):
        old = {key: order[key] for key in order if not _ours(key)}
        return _dump({**added, **old})
    # Not written anew: repeated keys and numbers stay as they are.
    return f"{_dump(added)[:-1]}, {text.strip()[1:]}"


def _ours(name: str) -> bool:
    return name.startswith(IGNORED)


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _said_before(
    reports: Iterable[Path], delimiter: str
) -> Iterator[tuple[int, str]]:
    for path in reports:
        # The error is raised where the report is to be replaced.
        with suppress(OSError, InputFileError):
            for number, reason, *_ in _rows_of(path, delimiter):
                if words := reason.partition(_SAID)[2]:
                    yield int(number), words


def _rows_of(path: Path, delimiter: str) -> Iterator[Any]:
    if path.suffix == ".xlsx":
        yield from (row.cells for row in SheetTable.open(path).rows())
        return
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix == ".csv":
            yield from csv.reader(file, delimiter=delimiter)
        else:
            keys = itemgetter(NUMBER, REASON)
            yield from (keys(json.loads(line)) for line in file)


_CHANGED = (
    "The file was changed while it was imported: it does not have the rows "
    "that the journal has. Restore it."
)
_DONE = ("row", "externalOrderId", "contractId")
_HEADERS: Mapping[str, tuple[str, ...]] = {
    Kind.CONFIRMED: _DONE,
    Kind.ALREADY: (*_DONE, "reason"),
    Kind.CREATED: _DONE,
    Kind.UNPROCESSED: (*_DONE, "reason"),
    STRAYS: (*_DONE, "strays", "whatToDo"),
    Kind.UNKNOWN: (
        *(*_DONE, "confirmed", "notCreated", "reason", "whatToDo"),
        ORIGINAL,
    ),
}
_SHOWN = 20


class _RowSorter:
    """Sorts rows into new reports; the arguments are as in `write_reports`."""

    def __init__(
        self,
        source: Source,
        place: ReportPaths,
        confirm: Confirm,
        *,
        delimiter: str,
        spreadsheet: bool,
        memory: Memory | None,
        said: Mapping[int, str],
    ) -> None:
        self.rows: Counter[str] = Counter()
        self._left_out = 0
        self._confirm = confirm
        self._source = source
        self._names = names = source.header
        self._reasons: Counter[str] = Counter()
        self._entries: dict[str, list[Entry]] = {Kind.UNKNOWN: [], STRAYS: []}
        table = ".xlsx" if spreadsheet else ".csv"
        suffix = table if names else ".jsonl"
        rejected = EditableReport(place, Kind.REJECTED, suffix, memory)
        unknown = EditableReport(place, Kind.UNKNOWN, table, memory)
        self._editable = {Kind.REJECTED: rejected, Kind.UNKNOWN: unknown}
        paths = {kind: place.of(kind, table) for kind in _HEADERS}
        paths[Kind.UNKNOWN] = unknown.path
        sheet = Book if spreadsheet else partial(Sheet, delimiter=delimiter)
        self._sheets = {
            kind: sheet(path, header=_HEADERS[kind])
            for kind, path in paths.items()
        }
        # The columns that are added come first: a row may be rejected for
        # having more cells than the header.
        header = (*_COLUMNS, *own_cells(names, names))
        if isinstance(source, TableSource):
            header += ("",) * source.spare
        self._rejected = (
            sheet(rejected.path, header=header)
            if names
            else Report(rejected.path)
        )
        self._said = {**dict(_said_before(rejected.before, delimiter)), **said}

    def leave_out(self, note: Note) -> None:
        del note
        self._left_out += 1

    def sort(self, record: Row, entry: Entry) -> None:
        kind = kind_of(entry.state, self._confirm)
        done = (entry.row, entry.order_id, entry.contract_id)
        self.rows[kind] += 1
        if kind is Kind.UNKNOWN:
            self._remember(kind, entry)
            # Nobody has looked yet, so nothing is filled in.
            cells = (entry.row, entry.order_id, "", "", "", entry.reason, LOOK)
            self._sheets[kind].add(*cells, guarded(str(entry.order_id)))
        elif kind is Kind.REJECTED:
            self._add_rejected(record, entry)
        elif kind in {Kind.UNPROCESSED, Kind.ALREADY}:
            reason = entry.reason or UNPROCESSED.get(entry.state)
            self._sheets[kind].add(*done, reason)
        else:
            self._sheets[kind].add(*done)
        if entry.strays:
            self.rows[STRAYS] += 1
            self._sheets[STRAYS].add(*done, entry.strays, STRAY)
            self._remember(STRAYS, entry)

    def keep(self) -> Reports:
        editable = self._editable
        editable[Kind.REJECTED].end(self._rejected)
        editable[Kind.UNKNOWN].end(self._sheets[Kind.UNKNOWN])
        for report in self._all():
            report.keep()
        for each in editable.values():
            each.remove_spare()
        paths = {kind: sheet.path for kind, sheet in self._sheets.items()}
        paths |= {kind: each.path for kind, each in editable.items()}
        return Reports(
            rows={kind: self.rows[kind] for kind in Kind},
            paths={
                str(kind): path
                for kind, path in paths.items()
                if self.rows[kind]
            },
            kept=tuple(chain(*(each.kept for each in editable.values()))),
            rejections=tuple(self._reasons.most_common()),
            unknown=tuple(self._entries[Kind.UNKNOWN]),
            strays=tuple(self._entries[STRAYS]),
            left_out=self._left_out,
        )

    def discard(self) -> None:
        for report in self._all():
            report.discard()

    def _all(self) -> Iterator[Report]:
        return chain(self._sheets.values(), [self._rejected])

    def _add_rejected(self, record: Row, entry: Entry) -> None:
        count_reason(self._reasons, entry.reason or "")
        said, report = self._said.get(entry.row), self._rejected
        original = original_id(self._source.read(record))
        if not isinstance(report, Sheet):
            line = rejected_line(record.cells[0], entry, said, original)
            report.line(line)
            return
        # In a report of a report, the first id is the original one.
        known = zip(self._names, record.cells, strict=False)
        first = dict(known).get(ORIGINAL) or original
        # What could not be split is in no column.
        names = () if record.broken else self._names
        reason = why(entry, said)
        for cells in (record.cells, *record.more):
            own = own_cells(names, cells)
            added = map(report.cell, (entry.row, reason))
            report.add_as_is([*added, first, *own])
            reason = ""

    def _remember(self, kind: str, entry: Entry) -> None:
        if len(self._entries[kind]) < _SHOWN:
            self._entries[kind].append(entry)


def write_reports(
    source: Source,
    entries: Iterable[Entry],
    summary: ImportSummary,
    place: ReportPaths,
    *,
    fingerprint: str,
    delimiter: str = ",",
    spreadsheet: bool = False,
    memory: Memory | None = None,
    said: Mapping[int, str] = MappingProxyType({}),
) -> Reports:
    """Write what became of every row.

    Each report is a table that a spreadsheet opens (the rejected rows of
    JSON Lines are JSON Lines again), has mode 0600, and replaces one of an
    earlier run as a whole.  A report without rows is not written, and one
    of an earlier run is removed.

    People edit the reports of rejected and of unknown orders.  A report
    that somebody has changed, or imports, stays as it is, and the new one
    has a number in its name.

    Args:
        source: The rows.
        entries: What the journal holds of them, in the same order.
        summary: How the run ended.
        place: Where the reports are written.
        fingerprint: The fingerprint of the rows that were sent, from the
            journal's terms.  In reports of another file, orders that have a
            contract could be among the rejected.
        delimiter: The character between cells.
        spreadsheet: Whether tables are written as .xlsx rather than CSV.
        memory: What the journal knows of earlier reports; with None, none
            that differs is replaced.
        said: What Sesamy said of rows that it refused (`Importer.said`).
            It is only in the report of rejected rows, which also keeps it
            from a report of an earlier run that it replaces.

    Raises:
        ReportError: One can't be written, the rows are not those that were
            sent, or their counts are not those of the summary.
        InputFileError: The rows can't be read again.
        JournalError: The journal can't be read.
    """
    sorter = _RowSorter(
        source,
        place,
        summary.confirm,
        delimiter=delimiter,
        spreadsheet=spreadsheet,
        memory=memory,
        said=said,
    )
    try:
        records = records_of(source, sorter.leave_out)
        for record, entry in _paired(records, entries):
            sorter.sort(record, entry)
        _compare_digest(source, fingerprint)
        _compare(sorter.rows, summary)
        return sorter.keep()
    except OSError as error:
        problem = f"The reports can't be written: {error.strerror}."
    except ReportError as error:
        problem = str(error.args[0])
    finally:
        sorter.discard()
    # Not that error, whose traceback leads to the cells of a row.
    raise ReportError(problem)


def _paired(
    records: Iterable[Row], entries: Iterable[Entry]
) -> Iterator[tuple[Row, Entry]]:
    """Yield each row with its entry, if the file is as it was sent."""
    for record, entry in zip_longest(records, entries):
        if record is None or entry is None or record.number != entry.row:
            raise ReportError(_CHANGED)
        yield record, entry


def _compare_digest(source: Source, fingerprint: str) -> None:
    if source.fingerprint() != fingerprint:
        raise ReportError(_CHANGED)


def _compare(rows: Mapping[str, int], summary: ImportSummary) -> None:
    wrong = [
        f"{counted} {kind} rather than {rows[kind]}"
        for kind in Kind
        if (counted := getattr(summary, kind)) != rows[kind]
    ]
    if wrong:
        raise ReportError(
            "The journal has other counts than the import: "
            f"{'; '.join(wrong)}. No report was written."
        )
