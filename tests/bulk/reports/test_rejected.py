"""Rejected rows are imported again from their report, repeats are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sesamy_async.bulk import Entry, Source, State
from sesamy_async.bulk._rows import KNOWN_ORDER, SENT_BEFORE, Row
from sesamy_async.bulk.check import check
from sesamy_async.bulk.reading import open_source
from sesamy_async.bulk.reports import Place, write_reports
from support.order_files import Folder, wrong
from support.reported import FINGERPRINT, Rows, summary_of


REFUSED = Entry(row=4, order_id="A-4", state=State.REJECTED, reason="bad")


def test_json_lines(tmp_path: Path) -> None:
    """Of JSON Lines the rejected rows are JSON Lines."""
    source = Rows([Row(4, ('{"userData": {"city": "Åre"}}',))], header=())
    reports = write_reports(
        source,
        [REFUSED],
        summary_of([REFUSED]),
        Place(tmp_path, "orders"),
        fingerprint=FINGERPRINT,
    )
    path = reports.paths["rejected"]
    [text] = path.read_text("utf-8").splitlines()

    assert "orders.rejected.jsonl" == path.name
    assert "Åre" in text
    assert [4, "bad", {"city": "Åre"}] == [*json.loads(text).values()]


def reported(folder: Folder, source: Source) -> Source:
    """Return the report of a file whose rows are all rejected."""
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
    reports = write_reports(
        source,
        entries,
        summary_of(entries),
        Place(folder.path, f"of {source.name}"),
        fingerprint=source.fingerprint(),
    )
    return open_source(reports.paths["rejected"])


def test_repeats_in_csv(folder: Folder) -> None:
    """In the report, the row is wrong; the one that it repeats is not."""
    source = folder.csv("externalOrderId,quantity", "A,1", "A,1", "B,1")

    assert [f"row 3: {SENT_BEFORE}"] == wrong(reported(folder, source))


def test_repeats_in_json_lines(folder: Folder) -> None:
    """The same holds for JSON Lines."""
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
