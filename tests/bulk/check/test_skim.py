"""What is found at little cost is what is found at any cost."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, cast

from hypothesis import example, given
from hypothesis import strategies as st

from sesamy_async.bulk import Mistaken, Sale
from sesamy_async.bulk._rows import Row, Skimmed
from sesamy_async.bulk.reading._columns import Mapped, columns_of
from sesamy_async.bulk.reading._csv import Table, csv_rows
from sesamy_async.bulk.reading._fields import FIELDS, OPEN
from sesamy_async.bulk.reading._jsonl import JsonOrders


LIKELY = st.sampled_from(
    [
        "",
        "A-1",
        " A",
        "1",
        "0",
        "KLARNA",
        "klarna",
        "CARD",
        "female",
        "a@example.com",
        "å@b",
        "1980-05-17",
        "1980-02-30",
        "2000-01-01T00:00Z",
        "2000-01-01T00:00",
        ".",
        "..",
        "\0",
        "\ud800",
        "\n",
    ]
)
CELL = LIKELY | st.text(max_size=6)
HEADER = [*FIELDS, *(f"{place}.x" for place in OPEN)]
NAME = st.sampled_from([*HEADER, "userData.mail", "x", "#x", "userData"])
TABLES = {
    allow: Table(
        len(HEADER),
        columns_of(HEADER, Mapped(), allow_unknown=allow),
        {},
        ",",
        None,
    )
    for allow in (False, True)
}
LINES = {allow: JsonOrders(allow_unknown=allow) for allow in (False, True)}
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


def agree(read: Sale | Mistaken, skimmed: Skimmed | Mistaken) -> bool:
    """Whether two looks at a row found the same."""
    if isinstance(read, Mistaken) or isinstance(skimmed, Mistaken):
        return read == skimmed
    order_id, promo_code = read.order.external_order_id, read.promo_code
    return skimmed == Skimmed(order_id, promo_code)


@given(
    st.dictionaries(st.sampled_from(HEADER), CELL, max_size=2),
    st.booleans(),
    st.sampled_from([0, 0, 0, -1, 1]),
)
def test_cells(wrong: dict[str, str], allow: bool, more: int) -> None:
    """A row of a table is right at one look as at the other."""
    row = {name: str(right(name.rpartition(".")[2])) for name in HEADER}
    cells = [*{**row, **wrong}.values()]
    record = Row(2, tuple([*cells, ""][: len(cells) + more]))
    table = TABLES[allow]

    assert agree(table.read(record), table.skim(record))


@example({**whole(), "x": None}, False, False)
@example({**whole(), "userData": {"phone": "\ud800"}}, False, True)
@example({**whole(), "userData": {"phone": "\ud800"}}, False, False)
@given(changed() | VALUE, st.booleans(), st.booleans())
def test_lines(value: Any, allow: bool, escaped: bool) -> None:
    """A line of JSON is right at one look as at the other."""
    line = json.dumps(value, ensure_ascii=escaped)
    record, orders = Row(1, (line,)), LINES[allow]

    assert agree(orders.read(record), orders.skim(record))


@given(st.text(max_size=30))
def test_no_line_breaks_the_reader(line: str) -> None:
    """Whatever a line holds, it is an order or has problems."""
    record, orders = Row(1, (line,)), LINES[False]

    assert agree(orders.read(record), orders.skim(record))


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
