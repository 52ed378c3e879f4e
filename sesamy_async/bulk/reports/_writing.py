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
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import attrs

from sesamy_async.bulk._counts import ImportSummary
from sesamy_async.bulk._rows import REASON, Row, Source, harmless
from sesamy_async.bulk._states import Confirm, Entry, JournalError
from sesamy_async.bulk.journal import Memory, Reported

from ._edited import EditableReport, ExistingReports
from ._files import Report, ReportError, Sheet
from ._places import STRAYS, Kind, Place, kind_of
from ._words import LOOK, STRAY, Reports, unprocessed


_PARTICULAR = re.compile(
    r"(?<=\brow )\d+"  # another row
    r"|(?<=\bline )\d+|(?<=\bcolumn )\d+"  # a place in a line
    r"|'[^']*'"  # what is quoted
    r"|\b[0-9a-fA-F][0-9a-fA-F-]{14,}[0-9a-fA-F]\b"  # an id
)
_MOST = 200
OTHERS = "other reasons"
"""Stands for all that are too many to be told apart."""


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
        full = len(self._counts) >= _MOST
        if full and pattern not in self._counts:
            pattern = OTHERS
        self._counts[pattern] += 1

    def common(self) -> tuple[tuple[str, int], ...]:
        """Return each with its count, the most frequent first."""
        return tuple(self._counts.most_common())


MARK = "#"
"""What the names of columns begin with that an import does not read."""

_COLUMNS = ("#row", REASON)


SAID = " Sesamy says: "
"""Stands before its words, of which the journal knows nothing."""


def why(entry: Entry, said: str | None = None) -> str:
    """Return the reason, and which contract there is all the same.

    Args:
        entry: What became of the row.
        said: What Sesamy said of it, beyond its code.
    """
    reason = entry.reason or ""
    contract = entry.contract_id
    if contract is not None and contract not in reason:
        reason += f" (contract {contract} is made, and not confirmed)"
    return reason if said is None else f"{reason}{SAID}{said}"


def rejected_header(names: Sequence[str]) -> list[str]:
    """Return the header of the report, whatever it already was.

    Args:
        names: The header of the file.
    """
    return [*_COLUMNS, *(name for name in names if not _ours(name))]


def rejected_cells(
    names: Sequence[str],
    values: Sequence[str],
    entry: Entry,
    said: str | None = None,
) -> list[str]:
    """Return a row of the report.

    The additional columns come first, for a row may be rejected because it
    has more cells than the header.

    Args:
        names: The header of the file.
        values: The cells of the row.
        entry: What became of it.
        said: What Sesamy said of it, beyond its code.
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

    Args:
        text: The line.
        entry: What became of it.
        said: What Sesamy said of it, beyond its code.
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
    # Not written anew: repeated keys and numbers stay as they stand.
    return f"{_dump(added)[:-1]}, {text.strip()[1:]}"


def _object(text: str) -> dict[str, Any] | None:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _ours(name: str) -> bool:
    return name.startswith(MARK)


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)


_SAID_COLUMNS = ("#row", "#reason")


def said_before(shelf: ExistingReports, delimiter: str) -> dict[int, str]:
    """Return it, by the numbers of the rows.

    Args:
        shelf: The reports of rejected rows that are there; only those that
            we wrote and nobody has changed are read.
        delimiter: Between their cells.
    """
    said: dict[int, str] = {}
    for spot in shelf.spots:
        if spot.ours and spot.digest is not None:
            # What can't be read is told where it is to be replaced.
            with suppress(OSError):
                said.update(_said_in(spot.path, delimiter))
    return said


def _said_in(path: Path, delimiter: str) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows: Iterator[Any] = (
            csv.reader(file, delimiter=delimiter)
            if path.suffix == ".csv"
            else (_cells(json.loads(line)) for line in file)
        )
        for number, reason, *_ in rows:
            words = reason.partition(SAID)[2]
            if words:
                yield int(number), words


def _cells(order: dict[str, Any]) -> list[Any]:
    return [order[name] for name in _SAID_COLUMNS]


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
class RowSorter:
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
    mendable: Mapping[Kind, EditableReport]
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
    ) -> RowSorter:
        """Return an empty one; no file is made yet.

        Raises:
            ReportError: A report of before can't be read.
        """
        sheet = partial(Sheet, delimiter=delimiter)
        names = source.header
        suffix = ".csv" if names else ".jsonl"
        look = partial(ExistingReports.look, place, reported=reported)
        mend, settle = look(Kind.REJECTED, suffix), look(Kind.UNKNOWN, ".csv")
        said = {**said_before(mend, delimiter), **said}
        mended = (
            sheet(mend.free.path, header=rejected_header(names))
            if names
            else Report(mend.free.path)
        )
        sheets = {
            kind: sheet(place.of(kind), header=header)
            for kind, header in _HEADERS.items()
        }
        unknown = sheet(settle.free.path, header=_TO_SETTLE)
        mendable = {
            Kind.REJECTED: EditableReport(mend, mended),
            Kind.UNKNOWN: EditableReport(settle, unknown),
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

    def sort(self, record: Row, entry: Entry) -> None:
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

    def _reject(self, record: Row, entry: Entry) -> None:
        self._reasons.add(entry.reason or "")
        if not self.mendable[Kind.REJECTED].takes(entry.row):
            return
        said = self.said.get(entry.row)
        if isinstance(self.mended, Sheet):
            cells = rejected_cells(self.names, record.cells, entry, said)
            self.mended.add_as_is(cells)
        else:
            self.mended.line(rejected_line(record.cells[0], entry, said))


def _remember(entries: list[Entry], entry: Entry) -> None:
    if len(entries) < _SHOWN:
        entries.append(entry)


def _note(memory: Memory | None, before: Reported, now: Reported) -> None:
    if memory is not None and now != before:
        # A journal that can't be written keeps no report from being: at
        # worst the next run takes it for somebody's, and leaves it alone.
        with suppress(JournalError):
            memory.remember(now)


def joined(
    records: Iterable[Row], entries: Iterable[Entry]
) -> Iterator[tuple[Row, Entry]]:
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

    Each is a table that a spreadsheet opens (of JSON Lines the rejected
    rows are JSON Lines again), of mode 0600, and replaces one of an earlier
    run as a whole.  A report that would have no rows is not written, and
    one of an earlier run is removed.

    Reports of rejected and of unknown orders are written in by people.
    One that somebody has changed since, or imports itself, stays as it is;
    rows that are not in it come into one with a number in its name.

    Args:
        source: The rows.
        entries: What the journal holds of them, in the same order.
        summary: How the run ended.
        place: Where the reports shall lie.
        fingerprint: Of the rows that were sent, from the journal's terms.
            Those of another file would be told what became of these, and
            orders that have a contract could stand among the rejected.
        delimiter: Between cells.
        memory: That of the journal; None where what was written before is
            not known, so that nothing which differs is replaced.
        said: What Sesamy said of rows that it refused: `Importer.said`.
            It comes into the report of rejected rows alone, and is kept
            from one of an earlier run that this one replaces.

    Raises:
        ReportError: One can't be written, the rows are not those that were
            sent, or their counts are not those of the summary.
        InputFileError: The rows can't be read again.
        JournalError: The journal can't be read.
    """
    reported: Reported = {} if memory is None else memory.recall()
    desk = RowSorter.of(
        source, place, summary.confirm, delimiter, reported, said=said
    )
    try:
        for record, entry in joined(source.records(), entries):
            desk.sort(record, entry)
        if source.fingerprint() != fingerprint:
            raise changed()
        _check(desk.rows, summary)
        return desk.keep(memory, reported)
    except OSError as error:
        problem = error.strerror
    finally:
        desk.discard()
    # Not from that error, whose traceback leads to the cells of a row.
    raise ReportError(f"The reports can't be written: {problem}.")


def _check(rows: Mapping[Kind, int], summary: ImportSummary) -> None:
    """Compare what two have counted: the importer, and the reports."""
    wrong = [
        f"{getattr(summary, kind)} {kind} rather than {rows[kind]}"
        for kind in Kind
        if getattr(summary, kind) != rows[kind]
    ]
    if sum(rows.values()) != summary.rows:
        wrong.append(f"{summary.rows} rows rather than {sum(rows.values())}")
    if wrong:
        raise ReportError(
            f"The journal does not hold what was counted: {'; '.join(wrong)}. "
            "No report was written."
        )
