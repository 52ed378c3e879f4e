"""Rejected rows are imported again from their report, repeats are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sesamy_async.bulk import Entry, Source, State
from sesamy_async.bulk._rows import KNOWN_ORDER, SENT_BEFORE, Row
from sesamy_async.bulk.check import check
from sesamy_async.bulk.reading import open_source
from support.order_files import Folder, wrong
from support.reported import Rows, written


def test_json_lines(tmp_path: Path) -> None:
    """The rejected rows of JSON Lines are JSON Lines."""
    refused = Entry(row=4, order_id="A-4", state=State.REJECTED, reason="bad")
    source = Rows([Row(4, ('{"userData": {"city": "Åre"}}',))], header=())
    path = written(tmp_path, (refused,), source=source).paths["rejected"]
    [text] = path.read_text("utf-8").splitlines()

    assert "orders.rejected.jsonl" == path.name
    assert "Åre" in text
    assert [4, "bad", {"city": "Åre"}] == [*json.loads(text).values()]


def reported(folder: Folder, source: Source) -> Source:
    """Return the report of a file whose rows are all rejected."""
    with check(source, promo_code="S") as checked:
        entries = tuple(
            Entry(
                row=each.row,
                order_id=each.order_id,
                state=State.REJECTED,
                reason=each.reason or "Sesamy refused it.",
            )
            for each in checked.planned()
        )
    reports = written(
        folder.path,
        entries,
        stem=f"of {source.name}",
        source=source,
        fingerprint=source.fingerprint(),
    )
    return open_source(reports.paths["rejected"])


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_repeats(folder: Folder, kind: str) -> None:
    """In a report, and in a report of it, only the repeat is wrong."""
    source = (
        folder.csv("externalOrderId,quantity", "A,1", "A,1", "B,1")
        if kind == "csv"
        else folder.jsonl(*({"externalOrderId": each} for each in "AAB"))
    )
    [_, repeat, _] = source.records()
    once = reported(folder, source)

    assert [f"row {repeat.number}: {SENT_BEFORE}"] == wrong(once)
    assert wrong(once) == wrong(reported(folder, once))


@pytest.mark.parametrize("before", ["", "quantity: must be at least 1; "])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_order_of_another_import(
    folder: Folder, kind: str, before: str
) -> None:
    """A row that was left out for an order of another import is wrong too."""
    reason = f"{before}{KNOWN_ORDER}7 of orders.csv"
    source = (
        folder.csv("#reason,externalOrderId", f"{reason},A")
        if kind == "csv"
        else folder.jsonl({"#reason": reason, "externalOrderId": "A"})
    )
    [row] = source.records()

    assert [f"row {row.number}: {SENT_BEFORE}"] == wrong(source)


def test_another_order_now(folder: Folder) -> None:
    """A repeat whose reason was removed is an order again."""
    source = folder.csv("#reason,externalOrderId", ",A", ",C")

    assert [] == wrong(source)
