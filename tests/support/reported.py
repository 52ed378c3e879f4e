"""What is left of an import, made up for the tests of its reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from sesamy_async.bulk import (
    Confirm,
    Entry,
    ImportSummary,
    Mistaken,
    Row,
    Source,
    State,
)
from sesamy_async.bulk._states import kind_of
from sesamy_async.bulk.reports import Kind, ReportPaths, Reports, write_reports


FINGERPRINT = "f1"
HEADER = ("externalOrderId", "userData.email", "userData.phone")


@attrs.frozen
class Rows:
    """A source that can only be read as it stands."""

    lines: Sequence[Row]
    header: tuple[str, ...] = HEADER
    name: str = "orders.csv"

    def fingerprint(self) -> str:
        """Return what changes with it."""
        return FINGERPRINT

    def read(self, record: Row) -> Mistaken:
        """Return the id, if there are columns; nothing is right for long."""
        return Mistaken((), record.cells[0] if self.header else None)

    def records(self) -> Iterator[Row]:
        """Yield the rows."""
        yield from self.lines


def source_for(entries: Sequence[Entry]) -> Rows:
    """Return the rows that these entries are of."""
    return Rows(
        [
            Row(
                each.row,
                (each.order_id or "", f"kim{each.row}@example.se", "+46701"),
            )
            for each in entries
        ]
    )


def summary_of(
    entries: Sequence[Entry], confirm: Confirm = Confirm.SEPARATELY
) -> ImportSummary:
    """Return what an importer would say of these entries."""
    counts = Counter(kind_of(each.state, confirm) for each in entries)
    return ImportSummary(
        rows=len(entries),
        strays=sum(each.strays for each in entries),
        confirm=confirm,
        confirmed=counts[Kind.CONFIRMED],
        already=counts[Kind.ALREADY],
        created=counts[Kind.CREATED],
        rejected=counts[Kind.REJECTED],
        unknown=counts[Kind.UNKNOWN],
        unprocessed=counts[Kind.UNPROCESSED],
    )


def written(
    folder: Path,
    entries: Sequence[Entry],
    *,
    confirm: Confirm = Confirm.SEPARATELY,
    stem: str = "orders",
    source: Source | None = None,
    summary: ImportSummary | None = None,
    **more: Any,
) -> Reports:
    """Write the reports of these entries."""
    return write_reports(
        source or source_for(entries),
        entries,
        summary or summary_of(entries, confirm),
        ReportPaths(folder, stem),
        **{"fingerprint": FINGERPRINT, **more},
    )


SOME = (
    Entry(row=2, order_id="A-2", state=State.CONFIRMED, contract_id="c2"),
    Entry(row=3, order_id="A-3", state=State.REJECTED, reason="no @"),
    Entry(row=4, order_id="A-4", state=State.UNKNOWN, reason="answer lost"),
    Entry(row=5, order_id="A-5", state=State.PENDING),
    Entry(
        row=6,
        order_id="=A6()",
        state=State.CONFIRMED,
        contract_id="c6",
        strays=2,
    ),
    Entry(
        row=7,
        order_id="A-7",
        state=State.CREATED,
        contract_id="c7",
        reason="Sesamy answered 503",
    ),
    Entry(row=9, order_id=None, state=State.REJECTED, reason="=no id"),
)
"""Some of everything."""
