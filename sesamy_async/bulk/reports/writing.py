"""All reports of an import, in one pass over its rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from sesamy_async.bulk.journal.entry import Entry
from sesamy_async.bulk.journal.written import Memory, Reported
from sesamy_async.bulk.source import Source
from sesamy_async.bulk.summary import ImportSummary

from .desk import Desk
from .errors import ReportError
from .joining import changed, joined
from .kind import Kind
from .place import Place
from .reports import Reports


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

    .. versionadded:: 0.1.0
    """
    reported: Reported = {} if memory is None else memory.recall()
    desk = Desk.of(
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
