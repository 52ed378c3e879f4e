"""A row that repeats another one is not sent from the rejected report."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from sesamy_async.bulk import Entry, Source, State
from sesamy_async.bulk._rows import KNOWN_ORDER, SENT_BEFORE
from sesamy_async.bulk.check import check
from sesamy_async.bulk.reading import open_source
from sesamy_async.bulk.reports import _writing as rejected
from support.order_files import Folder, wrong


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return a folder of the test's own."""
    return Folder(tmp_path)


def reported(folder: Folder, source: Source) -> Source:
    """Return the report of a file whose rows are all rejected."""
    records = source.records()
    with check(source, promo_code="S") as checked:
        entries = [
            Entry(
                row=each.row,
                order_id=each.order_id,
                state=State.REJECTED,
                reason=each.reason or "Sesamy refused it.",
            )
            for each in checked.planned()
        ]
    if not source.header:
        lines = [
            rejected.rejected_line(record.cells[0], entry)
            for record, entry in zip(records, entries, strict=True)
        ]
        return open_source(
            folder.write("\n".join(lines), "orders.rejected.jsonl")
        )
    rows = [
        rejected.rejected_header(source.header),
        *(
            rejected.rejected_cells(source.header, record.cells, entry)
            for record, entry in zip(records, entries, strict=True)
        ),
    ]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return open_source(folder.write(text.getvalue(), "orders.rejected.csv"))


def test_csv(folder: Folder) -> None:
    """In a table, the row is a mistake; the one it repeats is not."""
    source = folder.csv("externalOrderId,quantity", "A,1", "A,1", "B,1")

    assert [f"row 3: {SENT_BEFORE}"] == wrong(reported(folder, source))


def test_json_lines(folder: Folder) -> None:
    """In JSON Lines, too."""
    order = {"externalOrderId": "A"}
    source = folder.jsonl(order, order, {"externalOrderId": "B"})

    assert [f"row 2: {SENT_BEFORE}"] == wrong(reported(folder, source))


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_reported_again(folder: Folder, kind: str) -> None:
    """It is known in the report of that report, too."""
    source = (
        folder.csv("externalOrderId,quantity", "A,1", "A,1")
        if kind == "csv"
        else folder.jsonl(*[{"externalOrderId": "A"}] * 2)
    )
    once = reported(folder, source)
    [*_, row] = once.records()

    assert [f"row {row.number}: {SENT_BEFORE}"] == wrong(
        reported(folder, once)
    )


@pytest.mark.parametrize("before", ["", "quantity: must be at least 1; "])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_order_of_another_import(
    folder: Folder, kind: str, before: str
) -> None:
    """So is a row that was left out for an order of another import."""
    reason = f"{before}{KNOWN_ORDER}7 of orders.csv"
    order = {"#reason": reason, "externalOrderId": "A"}
    source = (
        folder.csv("#reason,externalOrderId", f"{reason},A")
        if kind == "csv"
        else folder.jsonl(order)
    )
    [row] = source.records()

    assert [f"row {row.number}: {SENT_BEFORE}"] == wrong(source)


def test_another_order_now(folder: Folder) -> None:
    """Whoever makes another order of it takes the reason away."""
    source = folder.csv("#reason,externalOrderId", ",A", ",C")

    assert [] == wrong(source)
