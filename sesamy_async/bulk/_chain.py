"""An import together with the imports of its corrected reports."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from sesamy_async._models import is_object

from ._rows import NUMBER, Row, Source, id_of
from ._states import (
    SANDBOX,
    Entry,
    InputFileError,
    JournalError,
    State,
    Terms,
    kind_of,
)
from .journal import Journal
from .journal._files import SUFFIX
from .reading import open_source
from .reports import Kind, ReportPaths


_ENDINGS = ("csv", "jsonl", "xlsx")
_DONE = {Kind.CONFIRMED, Kind.ALREADY, Kind.CREATED}
_SAME = re.compile(r"the same row as row (\d+)\b")


@attrs.frozen(kw_only=True)
class Chain:
    """What became of the rows of an import, here and in corrected reports.

    A report of a report counts, too: its rows are rows of the first file.
    """

    here: int  # Rows that the import itself has done.
    elsewhere: Mapping[int, str]  # Rows that a report has done: its name.
    repeated: int  # Rows that only repeat one that is done.
    open: Mapping[int, str]  # Rows that are not done: why.
    # How many rows of each report are done, and match no row here.
    unmatched: Mapping[str, int]
    unread: Mapping[str, str]  # Journals that can't be read now: why.
    followed: bool  # Whether there is any journal of a report.

    @property
    def by_report(self) -> Mapping[str, int]:
        """How many rows each report has done."""
        return Counter(self.elsewhere.values())


def followed(journal: Journal) -> Chain | None:
    """Follow the reports if any was imported; else no row is read."""
    return follow(journal) if any(_reports(journal.path)) else None


def follow(journal: Journal) -> Chain:
    """Follow the reports of an import that were imported in their turn.

    Their journals are beside that of the import.
    """
    confirm = journal.terms.confirm
    undone = {
        each.row: each
        for each in journal.entries(states=set(State) - {confirm.goal})
        if kind_of(each.state, confirm) not in _DONE
    }
    found = _Found({row: _why(undone[row], journal.terms) for row in undone})
    rejected = {
        row: each.order_id
        for row, each in undone.items()
        if each.state is State.REJECTED
    }
    paths = [*_reports(journal.path)]
    for path in paths:
        try:
            with Journal.open(path) as theirs:
                if _place(theirs.terms) == _place(journal.terms):
                    found.add(theirs, rejected)
        except JournalError as error:
            found.unread[path.name] = str(error.args[0])
    repeated = [row for row in found.open if found.repeats(undone[row])]
    for row in repeated:
        del found.open[row]
    return Chain(
        here=sum(journal.counts().values()) - len(undone),
        elsewhere=found.elsewhere,
        repeated=len(repeated),
        open=found.open,
        unmatched=found.unmatched,
        unread=found.unread,
        followed=bool(paths),
    )


@attrs.frozen
class _Found:
    open: dict[int, str]
    elsewhere: dict[int, str] = attrs.field(factory=dict[int, str])
    unmatched: Counter[str] = attrs.field(factory=Counter[str])
    unread: dict[str, str] = attrs.field(factory=dict[str, str])

    def add(self, theirs: Journal, rejected: Mapping[int, str | None]) -> None:
        """Add what the import of a report has done."""
        chain, name = follow(theirs), theirs.terms.source
        self.unmatched.update(chain.unmatched)
        self.unread.update(chain.unread)
        left_out = {*rejected}
        for entry, row in _matched(theirs, rejected):
            done = entry.row not in chain.open
            if row is None:
                # By `update`, so that there is no count of 0.
                self.unmatched.update([name] * done)
                continue
            left_out.discard(row)
            if done:
                self.elsewhere[row] = chain.elsewhere.get(entry.row, name)
                self.open.pop(row, None)
            elif row in self.open:
                self.open[row] = chain.open[entry.row]
        if not self.unmatched[name]:
            for row in left_out & {*self.open}:
                self.open[row] = f"left out of {name}"

    def repeats(self, entry: Entry) -> bool:
        """Whether a row only repeats another one, which is done."""
        found = _SAME.match(entry.reason or "")
        return found is not None and int(found[1]) not in self.open


def _why(entry: Entry, terms: Terms) -> str:
    kind, name = kind_of(entry.state, terms.confirm), terms.source
    if kind is Kind.REJECTED:
        return f"rejected in {name}; correct it in the rejected report"
    if kind is Kind.UNKNOWN:
        return f"unknown in {name}; somebody has to look"
    return f"not finished in {name}; import {name} again"


def _reports(journal: Path) -> Iterator[Path]:
    """Yield the journals of the reports of rejected rows."""
    place = ReportPaths.beside(journal)
    name = re.compile(
        rf"{re.escape(place.stem)}\.{Kind.REJECTED}(?:\.\d+)?"
        rf"\.(?:{'|'.join(_ENDINGS)}){re.escape(SUFFIX)}"
    )
    with suppress(OSError):
        paths = [*place.folder.iterdir()]
        found = {it.name: it for it in paths if name.fullmatch(it.name)}
        # The one without a number is the first one.
        for each in sorted(found, key=lambda it: (len(it), it)):
            yield found[each]


def _place(terms: Terms) -> str:
    # Each import into a sandbox has one of its own.
    return SANDBOX if terms.base_url.startswith(SANDBOX) else terms.base_url


def _matched(
    theirs: Journal, rejected: Mapping[int, str | None]
) -> Iterator[tuple[Entry, int | None]]:
    """Yield what a report's journal has, with the row here if it is known."""
    name = theirs.path.name.removesuffix(SUFFIX)
    numbers = dict(_numbers(theirs.path.with_name(name)))
    rows = {order_id: row for row, order_id in rejected.items() if order_id}
    for entry in theirs.entries():
        order_id, row = numbers.get(entry.row, (None, None))
        if order_id != entry.order_id or row not in rejected:
            # The report is gone, or is not as it was imported.
            row = rows.get(entry.order_id or "")
        yield entry, row


def _numbers(report: Path) -> Iterator[tuple[int, tuple[str | None, int]]]:
    """Yield the rows of a report, with the order and the row here."""
    # Without the report, or one that needs a mapping, the ids must do.
    with suppress(InputFileError):
        source = open_source(report)
        for record in source.records():
            row = str(_cells(source, record).get(NUMBER, ""))
            if row.isdecimal():
                order_id, _ = id_of(source.read(record))
                yield record.number, (order_id, int(row))


def _cells(source: Source, record: Row) -> Mapping[str, Any]:
    if source.header:
        return dict(zip(source.header, record.cells, strict=False))
    with suppress(ValueError, RecursionError):
        data: object = json.loads(record.cells[0])
        if is_object(data):
            return data
    return {}
