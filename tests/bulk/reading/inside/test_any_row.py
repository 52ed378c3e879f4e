"""Any row is a right order, or its problems are named; and text, inside."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sesamy_async import NewContract
from sesamy_async.bulk import InputFileError, Mistaken, Sale, Source
from sesamy_async.bulk._rows import Row
from sesamy_async.bulk.reading import open_source
from sesamy_async.bulk.reading._csv import CsvTable, csv_rows
from sesamy_async.bulk.reading._fields import FIELDS, OPEN, OVERRIDES
from sesamy_async.bulk.reading._text import LONGEST_ROW
from sesamy_async.errors import InvalidRequestError
from support.order_files import Folder


LIKELY = st.sampled_from(
    [
        *("", " A", ".", "..", "\0", "\ud800", "\n", "1", "0", "A-1"),
        *("KLARNA", "klarna", "CARD", "female", "a@example.com", "å@b"),
        *("1980-05-17", "1980-02-30", "2000-01-01T00:00Z", "2000-01-01T00:00"),
    ]
)
CELL = LIKELY | st.text(max_size=6)
HEADER = [*FIELDS, *(f"{place}.x" for place in OPEN)]
NAME = st.sampled_from([*HEADER, "userData.mail", "x", "#x", "userData"])
VALUE = st.recursive(
    CELL | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(CELL, inner, max_size=2)
    ),
    max_leaves=4,
)


def right(name: str) -> Any:
    """Return a value that is right for the last name of a path."""
    return {
        "externalOrderId": "A-1",
        "quantity": 1,
        "email": "a@example.com",
        "invoiceEmail": "a@example.com",
        "paymentProvider": "KLARNA",
        "paymentMethod": "CARD",
        "gender": "other",
        "birthday": "1980-05-17",
        "vendorData": {"a": "b"},
        "providerData": {},
        "extraData": {"a": [1, None, {"b": 0.5}]},
    }.get(name, "x")


def whole() -> dict[str, Any]:
    """Return an order with all fields, all of them right."""
    data: dict[str, Any] = {}
    for name in (*FIELDS, *OPEN):
        *above, last = name.split(".")
        place = data
        for each in above:
            place = place.setdefault(each, {})
        place[last] = right(last)
    return data


@st.composite
def changed(draw: st.DrawFn) -> dict[str, Any]:
    """Return an order in which little is wrong, or nothing."""
    data = whole()
    for _ in range(draw(st.integers(0, 2))):
        *above, last = draw(NAME).split(".")
        place = data
        for each in above:
            inner = place.get(each)
            if not isinstance(inner, dict):
                inner = place[each] = {}
            place = inner
        place[last] = draw(VALUE)
    return data


def is_right(data: Any) -> bool:
    """Whether the classes of the order take the data of a row."""
    known = {
        name: value
        for name, value in data.items()
        if name not in OVERRIDES and not name.startswith("#")
    }
    try:
        NewContract.from_dict(known)
    except InvalidRequestError:
        return False
    return True


def check(found: Sale | Mistaken) -> None:
    """Check that an order is as if its class had checked it."""
    if isinstance(found, Mistaken):
        assert found.problems
    else:
        assert found.order == NewContract.from_dict(found.order.to_dict())


@pytest.fixture(scope="module", params=[False, True])
def sources(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Source, Source]:
    """Return a source of CSV with all columns, and one of JSON Lines."""
    path = tmp_path_factory.mktemp("orders")
    table, lines = path / "a.csv", path / "a.jsonl"
    table.write_text(f"{','.join(HEADER)}\nx\n")
    lines.write_text("{}")
    unknown = request.param
    return (
        open_source(table, allow_unknown=unknown),
        open_source(lines, allow_unknown=unknown),
    )


@given(
    wrong=st.dictionaries(st.sampled_from(HEADER), CELL, max_size=2),
    more=st.sampled_from([0, 0, 0, -1, 1]),
)
def test_cells(
    sources: tuple[Source, Source], wrong: dict[str, str], more: int
) -> None:
    """A row of a table is an order that its class takes, or is mistaken."""
    row = {name: str(right(name.rpartition(".")[2])) for name in HEADER}
    cells = [*{**row, **wrong}.values(), ""]

    check(sources[0].read(Row(2, tuple(cells[: len(HEADER) + more]))))


@example(value={**whole(), "x": None}, escaped=False)
@example(value={**whole(), "userData": {"phone": "\ud800"}}, escaped=True)
@example(value={**whole(), "userData": {"phone": "\ud800"}}, escaped=False)
@given(value=changed() | VALUE, escaped=st.booleans())
def test_lines(
    sources: tuple[Source, Source], value: Any, *, escaped: bool
) -> None:
    """A line of JSON is mistaken wherever its class takes no such order."""
    line = json.dumps(value, ensure_ascii=escaped)
    found = sources[1].read(Row(1, (line,)))

    check(found)
    assert isinstance(found, Mistaken) or is_right(json.loads(line))


@given(line=st.text(max_size=30))
def test_no_line_breaks_the_reader(
    sources: tuple[Source, Source], line: str
) -> None:
    """A line of anything is an order or has problems."""
    check(sources[1].read(Row(1, (line,))))


@given(
    st.lists(st.lists(st.text(max_size=5), min_size=2, max_size=4)),
    st.sampled_from(",;\t"),
)
def test_what_is_written_is_read(
    rows: list[list[str]], delimiter: str
) -> None:
    """Cells come back as the csv module wrote them, without blank rows."""
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerows(rows)
    file.seek(0)
    read = csv_rows("x", cast("Any", iter(file)), delimiter)

    assert [
        (number, tuple(row))
        for number, row in enumerate(rows, 1)
        if "".join(row).strip()
    ] == [(record.number, record.cells) for record in read]


def test_corrected_meanwhile(folder: Folder) -> None:
    """If the wrong bytes are gone, the error names no place."""
    right = "externalOrderId,userData.fullName\nÅ-1,Öberg\n"
    path = folder.write(right.encode("cp1252"))

    class Corrected(CsvTable):
        def split(self, lines: Iterator[str]) -> Iterator[Row]:
            try:
                yield from super().split(lines)
            finally:
                folder.write(right)

    rows = Corrected(path, "utf-8-sig", ",").rows()
    with pytest.raises(InputFileError, match=r"^orders.csv: it is not UTF-8"):
        list(rows)


def test_line_without_end(folder: Folder) -> None:
    """A file of gigabytes without a line break is not read at once."""
    text = CsvTable(folder.write("x" * (3 * LONGEST_ROW)), "utf-8", ",")

    assert LONGEST_ROW + 1 == len(next(text.lines()))
