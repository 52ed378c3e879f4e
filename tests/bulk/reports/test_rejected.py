"""Rejected rows are imported again from their report, repeats are not.

Nor is a row whose id somebody, or a spreadsheet, has changed unknowingly.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from sesamy_async.bulk import Entry, Source, State
from sesamy_async.bulk._rows import Row
from sesamy_async.bulk.check import check
from sesamy_async.bulk.reading import open_source
from support.order_files import Folder, sales, wrong
from support.reported import Rows, written


def test_json_lines(tmp_path: Path) -> None:
    """The rejected rows of JSON Lines are JSON Lines."""
    refused = Entry(row=4, order_id="A-4", state=State.REJECTED, reason="bad")
    source = Rows([Row(4, ('{"userData": {"city": "Åre"}}',))], header=())
    path = written(tmp_path, (refused,), source=source).paths["rejected"]
    [text] = path.read_text("utf-8").splitlines()

    assert "orders.rejected.jsonl" == path.name
    assert "Åre" in text
    assert [4, "bad", "", {"city": "Åre"}] == [*json.loads(text).values()]


def reported(source: Source, folder: Path) -> Path:
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
        folder,
        entries,
        stem=f"of {source.name}",
        source=source,
        fingerprint=source.fingerprint(),
    )
    return reports.paths["rejected"]


def edited(path: Path, edit: Callable[[str], str]) -> Source:
    """Edit each cell of a report, and open it."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        cells = [[edit(cell) for cell in row] for row in rows]
        csv.writer(file).writerows([header, *cells])
    return open_source(path)


def saved(cell: str) -> str:
    """Return what a spreadsheet makes of a cell, and saves as cp1252."""
    if cell.startswith("="):
        return "2"
    if cell.upper() in {"TRUE", "FALSE"}:
        return cell.upper()
    if re.fullmatch(r"\d+[-/:]\d+", cell):
        return "02-Jan"
    with suppress(ValueError):
        return f"{float(cell):g}"
    return cell.encode("cp1252", "replace").decode("cp1252")


OTHER = (
    "row 1, externalOrderId: is not the id in its #externalOrderId; put it "
    "back, or, if this is another order, keep its new id and empty its "
    "#externalOrderId"
)


def changed(row: int, was: str, now: str) -> str:
    """Say that a row has another id, or one that nobody has."""
    return (
        f"row {row}, externalOrderId: was {was!r}, and is {now!r} here; did a "
        "spreadsheet change it? Then put it back, or, if this is another "
        "order, keep its new id and empty its #externalOrderId"
    )


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("0018", "18"),
        ("12E3", "12000"),
        ("1.10", "1.1"),
        ("+46", "46"),
        ("1-2", "02-Jan"),
        ("00:12", "02-Jan"),
        ("true", "TRUE"),
        ("=1+1", "2"),
        ("12345678901234567890", "1.23457e+19"),
        ('"Ł\\1"', '"?\\1"'),
    ],
)
def test_spreadsheet(folder: Folder, was: str, now: str) -> None:
    """An id that a spreadsheet changed is refused until it is put back.

    The spreadsheet treats both columns alike.  In a report of a report, too,
    the first id is the one that counts.
    """
    cell = was.replace('"', '""')
    source = folder.csv("externalOrderId,quantity", f'"{cell}",0')
    path = reported(source, folder.path)
    refused = edited(path, lambda it: "1" if it == "0" else saved(it))
    again = reported(refused, folder.path)
    told = [changed(2, was, now)]

    assert told == wrong(refused) == wrong(open_source(again))

    mended = edited(again, lambda it: was if it == now else it)

    assert [was] == [it.order.external_order_id for it in sales(mended)]


def test_another_order_on_purpose(folder: Folder) -> None:
    """With an empty original, the id is that of a new order, and guarded."""
    source = folder.csv("externalOrderId,quantity", "A,0")
    new = {"id:A": "", "A": "B"}
    other = edited(reported(source, folder.path), lambda it: new.get(it, it))
    again = reported(other, folder.path)

    assert ["row 2, quantity: must be at least 1"] == wrong(open_source(again))

    last = edited(again, lambda it: {"B": "C", "0": "1"}.get(it, it))

    assert [changed(2, "B", "C")] == wrong(last)


@pytest.mark.parametrize(
    ("original", "problems"),
    [
        (None, []),
        ("", []),
        (" ", []),
        ("id:A", []),
        ("id?A", []),
        ("id:B", [changed(1, "B", "A")]),
        ("id:\\", [OTHER]),
        ("id?B", [OTHER]),
        ("A", [OTHER]),
        (18, [OTHER]),
    ],
)
def test_original(
    folder: Folder, original: object, problems: list[str]
) -> None:
    """Only what a report has written there, or nothing, is right."""
    source = folder.jsonl(
        {"#externalOrderId": original, "externalOrderId": "A"}
    )
    again = open_source(reported(source, folder.path))

    assert problems == wrong(source) == wrong(again)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_changed_id_in_a_journal(folder: Folder, kind: str) -> None:
    """An id that was changed is not noted as that of an order."""
    names = ("#externalOrderId", "externalOrderId")
    source = (
        folder.csv(",".join(names), "id:A,B")
        if kind == "csv"
        else folder.jsonl(dict(zip(names, ["id:A", "B"], strict=True)))
    )
    with check(source, promo_code="S") as checked:
        [planned] = checked.planned()

    assert planned.order_id is None


@pytest.mark.parametrize("cell", ["", " A"])
def test_wrong_id(folder: Folder, cell: str) -> None:
    """An id that is wrong anyway has that problem alone."""
    source = folder.csv("#externalOrderId,externalOrderId", f"id:B,{cell}")
    [told] = wrong(source)

    assert "id:" not in told


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_possible_id(folder: Folder, kind: str) -> None:
    """Of a row that was torn apart, the id is guarded, and not shown."""
    source = (
        folder.csv("externalOrderId,quantity", "Astrid")
        if kind == "csv"
        else folder.jsonl('{"externalOrderId": "Astrid"')
    )
    text = reported(source, folder.path).read_text("utf-8-sig")

    assert "id?Astrid" in text


def test_all_lines_of_an_order(folder: Folder) -> None:
    """The report has the further lines of an order, without the reason."""
    mapping = folder.write("lines_per_order = 'several'", "m.toml")
    header = "externalOrderId,quantity"
    source = folder.csv(header, "0018,1", "0018,2", mapping=mapping)
    path = reported(source, folder.path)
    again = open_source(path, mapping=mapping)

    with path.open(encoding="utf-8-sig", newline="") as file:
        assert ["Sesamy refused it.", ""] == [
            row[1] for row in [*csv.reader(file)][1:]
        ]
    assert [("0018", 3)] == [
        (sale.order.external_order_id, sale.order.quantity)
        for sale in sales(again)
    ]


def test_a_row_that_could_not_be_split(folder: Folder) -> None:
    """Its text is in the report as it is, also in a report of a report."""
    row = '"A"-1,x,1'
    source = folder.csv("#note,externalOrderId,quantity", "a,A-0,1", row)
    once = open_source(reported(source, folder.path))
    twice = reported(once, folder.path)

    assert row in twice.read_text("utf-8-sig").replace('""', '"')
