"""Sort rows into reports and write them."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import zip_longest
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs

from sesamy_async._models import is_object
from sesamy_async.bulk._counts import ImportSummary
from sesamy_async.bulk._rows import IGNORED, REASON, Row, Source, harmless
from sesamy_async.bulk._states import Confirm, Entry, JournalError
from sesamy_async.bulk.journal import Memory, Reported

from ._edited import EditableReport, ReportFile, free_path, report_files
from ._files import Report, ReportError, Sheet
from ._places import STRAYS, Kind, Place, Reports, kind_of
from ._words import LOOK, STRAY, UNPROCESSED


_PARTICULAR = re.compile(
    r"(?<=\brow )\d+"  # another row
    r"|(?<=\bline )\d+|(?<=\bcolumn )\d+"  # a place in a line
    r"|'[^']*'"  # what is quoted
    r"|\b[0-9a-fA-F][0-9a-fA-F-]{14,}[0-9a-fA-F]\b"  # an id
)
_MOST_REASONS = 200
OTHERS = "other reasons"
"""Counts all reasons beyond the first 200."""


def pattern_of(reason: str) -> str:
    """Return what a reason has in common with others of its kind."""
    return _PARTICULAR.sub("…", reason)


@attrs.frozen
class Reasons:
    """How many orders each reason has, in memory that does not grow."""

    _counts: Counter[str] = attrs.field(factory=Counter[str])

    def add(self, reason: str) -> None:
        """Count one more."""
        pattern = pattern_of(reason)
        full = len(self._counts) >= _MOST_REASONS
        if full and pattern not in self._counts:
            pattern = OTHERS
        self._counts[pattern] += 1

    def common(self) -> tuple[tuple[str, int], ...]:
        """Return each with its count, the most frequent first."""
        return tuple(self._counts.most_common())


_COLUMNS = ("#row", REASON)
_SAID = " Sesamy says: "


def why(entry: Entry, said: str | None = None) -> str:
    """Return the reason, the contract that exists, and what Sesamy said."""
    reason = entry.reason or ""
    contract = entry.contract_id
    if contract is not None and contract not in reason:
        reason += f" (contract {contract} is made, and not confirmed)"
    return reason if said is None else f"{reason}{_SAID}{said}"


def rejected_header(names: Sequence[str]) -> list[str]:
    """Return the header of the report of rejected rows.

    The file may be such a report itself.
    """
    return [*_COLUMNS, *(name for name in names if not _ours(name))]


def rejected_cells(
    names: Sequence[str],
    values: Sequence[str],
    entry: Entry,
    said: str | None = None,
) -> list[str]:
    """Return a row of the report of rejected rows.

    The additional columns come first, because a row may be rejected for
    having more cells than the header.
    """
    kept = [
        value
        for index, value in enumerate(values)
        if index >= len(names) or not _ours(names[index])
    ]
    return [str(entry.row), harmless(why(entry, said)), *kept]


def rejected_line(text: str, entry: Entry, said: str | None = None) -> str:
    """Return a line of JSON Lines with the additional keys in front.

    A line that holds no object becomes one, under the key ``#line``.
    """
    added: dict[str, Any] = dict(
        zip(_COLUMNS, (entry.row, why(entry, said)), strict=True)
    )
    order = _object(text)
    if order is None:
        return _dump({**added, "#line": text})
    if not order or any(map(_ours, order)):
        old = {key: order[key] for key in order if not _ours(key)}
        return _dump({**added, **old})
    # Not written anew: repeated keys and numbers stay as they are.
    return f"{_dump(added)[:-1]}, {text.strip()[1:]}"


def _object(text: str) -> dict[str, Any] | None:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if is_object(value) else None


def _ours(name: str) -> bool:
    return name.startswith(IGNORED)


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _said_before(
    files: Iterable[ReportFile], delimiter: str
) -> Iterator[tuple[int, str]]:
    """Yield what Sesamy said of rows in earlier runs, with their numbers.

    Only reports that we wrote and nobody has changed are read.
    """
    for file in files:
        if file.ours and file.digest is not None:
            # The error is raised where the report is to be replaced.
            with suppress(OSError):
                yield from _said_in(file.path, delimiter)


def _said_in(path: Path, delimiter: str) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows: Iterator[Any] = (
            csv.reader(file, delimiter=delimiter)
            if path.suffix == ".csv"
            else (itemgetter(*_COLUMNS)(json.loads(line)) for line in file)
        )
        for number, reason, *_ in rows:
            words = reason.partition(_SAID)[2]
            if words:
                yield int(number), words


_DONE = ("row", "externalOrderId", "contractId")
_HEADERS: Mapping[str, tuple[str, ...]] = {
    Kind.CONFIRMED: _DONE,
    Kind.CREATED: _DONE,
    Kind.UNPROCESSED: (*_DONE, "reason"),
    STRAYS: (*_DONE, "strays", "whatToDo"),
}
_UNKNOWN = (*_DONE, "confirmed", "notCreated", "reason", "whatToDo")
_SHOWN = 20


class RowSorter:
    """Sorts rows into new reports; the arguments are as in `write_reports`.

    Raises:
        ReportError: A report that is there can't be read.

    Attributes:
        rows: How many rows each kind has.
    """

    def __init__(
        self,
        source: Source,
        place: Place,
        confirm: Confirm,
        *,
        delimiter: str,
        memory: Memory | None,
        said: Mapping[int, str],
    ) -> None:
        self.rows: Counter[str] = Counter()
        self._confirm = confirm
        self._names = source.header
        self._memory = memory
        self._reported: Reported = {} if memory is None else memory.recall()
        self._reasons = Reasons()
        self._entries: dict[str, list[Entry]] = {Kind.UNKNOWN: [], STRAYS: []}
        suffix = ".csv" if self._names else ".jsonl"
        rejected = report_files(place, Kind.REJECTED, suffix, self._reported)
        unknown = report_files(place, Kind.UNKNOWN, ".csv", self._reported)
        self._said = {**dict(_said_before(rejected, delimiter)), **said}
        sheet = partial(Sheet, delimiter=delimiter)
        self._sheets = {
            kind: sheet(place.of(kind), header=header)
            for kind, header in _HEADERS.items()
        }
        self._sheets[Kind.UNKNOWN] = sheet(free_path(unknown), header=_UNKNOWN)
        self._rejected = (
            sheet(free_path(rejected), header=rejected_header(self._names))
            if self._names
            else Report(free_path(rejected))
        )
        self._editable: dict[str, EditableReport] = {
            Kind.REJECTED: EditableReport(rejected, self._rejected),
            Kind.UNKNOWN: EditableReport(unknown, self._sheets[Kind.UNKNOWN]),
        }

    def sort(self, record: Row, entry: Entry) -> None:
        """Write a row into its report."""
        kind = kind_of(entry.state, self._confirm)
        done = (entry.row, entry.order_id, entry.contract_id)
        self.rows[kind] += 1
        if kind is Kind.UNKNOWN:
            self._add_unknown(entry)
        elif kind is Kind.REJECTED:
            self._add_rejected(record, entry)
        elif kind is Kind.UNPROCESSED:
            reason = entry.reason or UNPROCESSED[entry.state]
            self._sheets[kind].add(*done, reason)
        else:
            self._sheets[kind].add(*done)
        if entry.strays:
            self.rows[STRAYS] += 1
            self._sheets[STRAYS].add(*done, entry.strays, STRAY)
            self._remember(STRAYS, entry)

    def keep(self) -> Reports:
        """Put the new reports in their places, and remove the old ones.

        Raises:
            ReportError: One can't be put in its place.
        """
        editable = self._editable.values()
        expected = settled = self._reported
        for each in editable:
            each.end()
            expected = each.expected(expected)
            settled = each.settled(settled)
        self._note(expected)
        for report in self._all():
            report.keep()
        for each in editable:
            each.remove_spare()
        self._note(settled)
        return Reports(
            rows={kind: self.rows[kind] for kind in Kind},
            paths={
                str(kind): (self._editable.get(kind) or report).path
                for kind, report in {
                    **self._sheets,
                    Kind.REJECTED: self._rejected,
                }.items()
                if self.rows[kind]
            },
            kept=tuple(file.path for each in editable for file in each.kept),
            rejections=self._reasons.common(),
            unknown=tuple(self._entries[Kind.UNKNOWN]),
            strays=tuple(self._entries[STRAYS]),
        )

    def discard(self) -> None:
        """Remove the files that are not in their places."""
        for report in self._all():
            report.discard()

    def _all(self) -> list[Report]:
        return [*self._sheets.values(), self._rejected]

    def _add_unknown(self, entry: Entry) -> None:
        self._remember(Kind.UNKNOWN, entry)
        if self._editable[Kind.UNKNOWN].takes(entry.row):
            # Nobody has looked yet, so nothing is filled in.
            cells = (entry.row, entry.order_id, "", "", "", entry.reason, LOOK)
            self._sheets[Kind.UNKNOWN].add(*cells)

    def _add_rejected(self, record: Row, entry: Entry) -> None:
        self._reasons.add(entry.reason or "")
        if not self._editable[Kind.REJECTED].takes(entry.row):
            return
        said = self._said.get(entry.row)
        if isinstance(self._rejected, Sheet):
            cells = rejected_cells(self._names, record.cells, entry, said)
            self._rejected.add_as_is(cells)
        else:
            self._rejected.line(rejected_line(record.cells[0], entry, said))

    def _remember(self, kind: str, entry: Entry) -> None:
        if len(self._entries[kind]) < _SHOWN:
            self._entries[kind].append(entry)

    def _note(self, reported: Reported) -> None:
        if self._memory is not None and reported != self._reported:
            # A journal that can't be written must not prevent a report: at
            # worst the next run takes it for edited, and leaves it alone.
            with suppress(JournalError):
                self._memory.remember(reported)
        self._reported = reported


def _changed() -> ReportError:
    return ReportError(
        "The file does not have the rows that the journal has, so it was "
        "changed while it was imported; put it back as it was."
    )


def write_reports(
    source: Source,
    entries: Iterable[Entry],
    summary: ImportSummary,
    place: Place,
    *,
    fingerprint: str,
    delimiter: str = ",",
    memory: Memory | None = None,
    said: Mapping[int, str] = MappingProxyType({}),
) -> Reports:
    """Write what became of every row.

    Each report is a table that a spreadsheet opens (the rejected rows of
    JSON Lines are JSON Lines again), has mode 0600, and replaces one of an
    earlier run as a whole.  A report without rows is not written, and one
    of an earlier run is removed.

    People edit the reports of rejected and of unknown orders.  A report
    that somebody has changed, or imports, stays as it is; rows that are not
    in it come into one with a number in its name.

    Args:
        source: The rows.
        entries: What the journal holds of them, in the same order.
        summary: How the run ended.
        place: Where the reports are written.
        fingerprint: The fingerprint of the rows that were sent, from the
            journal's terms.  In reports of another file, orders that have a
            contract could be among the rejected.
        delimiter: The character between cells.
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
    sorter = RowSorter(
        source,
        place,
        summary.confirm,
        delimiter=delimiter,
        memory=memory,
        said=said,
    )
    try:
        for record, entry in zip_longest(source.records(), entries):
            if record is None or entry is None or record.number != entry.row:
                raise _changed()
            sorter.sort(record, entry)
        if source.fingerprint() != fingerprint:
            raise _changed()
        _compare(sorter.rows, summary)
        return sorter.keep()
    except OSError as error:
        problem = error.strerror
    finally:
        sorter.discard()
    # Not from that error, whose traceback leads to the cells of a row.
    raise ReportError(f"The reports can't be written: {problem}.")


def _compare(rows: Mapping[str, int], summary: ImportSummary) -> None:
    """Compare the counts of the importer and of the reports."""
    wrong = [
        f"{getattr(summary, kind)} {kind} rather than {rows[kind]}"
        for kind in Kind
        if getattr(summary, kind) != rows[kind]
    ]
    total = sum(rows[kind] for kind in Kind)
    if total != summary.rows:
        wrong.append(f"{summary.rows} rows rather than {total}")
    if wrong:
        raise ReportError(
            f"The journal does not hold what was counted: {'; '.join(wrong)}. "
            "No report was written."
        )
