"""The orders of a JSON array are rows."""

from __future__ import annotations

import json
from itertools import count

import pytest

from sesamy_async.bulk import InputFileError
from sesamy_async.bulk.reading import open_source
from support.order_files import Folder, orders, wrong


IDS = [{"externalOrderId": f"A-{each}"} for each in range(3)]


def pretty(value: object) -> str:
    """Return JSON as programs write it for people."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        (json.dumps(IDS), IDS),
        (f"\ufeff\n{pretty(IDS)}\r\n ", IDS),
        (json.dumps(IDS)[:-1] + "\n" * 99 + "]", IDS),
        # Those are JSON Lines.
        ("\n".join(map(json.dumps, IDS)), IDS),
        ("\r".join(map(json.dumps, IDS)), IDS),
    ],
    ids=count(),
)
def test_documents(
    folder: Folder, text: str, sent: list[dict[str, str]]
) -> None:
    """An array holds orders, however it is written."""
    source = open_source(folder.write(text, "a.json"))

    assert sent == orders(source)
    assert [1, 2, 3][: len(sent)] == [row.number for row in source.records()]
    assert not any("\n" in row.cells[0] for row in source.records())


def test_problems(folder: Folder) -> None:
    """Each order has its own problems, and those of others do not count."""
    text = '[1, {"externalOrderId": "A", "quantity": 1, "quantity": 2}, {}]'
    source = open_source(folder.write(text, "a.json"))

    assert [
        "row 1: must be a group of fields, in braces { }",
        "row 2, quantity: given more than once",
        "row 3, externalOrderId: is missing",
    ] == wrong(source)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[{} {}]", ", row 1: not JSON with orders: a comma is missing"),
        ("[{}, ]", ", row 2: not JSON with orders: Expecting value."),
        ("[{}, ", ", row 2: not JSON with orders: Expecting value."),
        ("[{}", ", row 1: not JSON with orders: a comma is missing"),
        (
            '[{}, {"a" 1}' + " " * 99,
            ", row 2: not JSON with orders: Expecting ':' delimiter.",
        ),
        ('[{"a": "x', ", row 1: not JSON with orders: Unterminated string"),
        (
            f'[{{"a": "{"x" * 1_000_001}"}}]',
            ", row 1: not JSON with orders: it has more than 1000000 char",
        ),
        ("[" * 99_999, ", row 1: not JSON with orders: nested too deeply."),
        ("[{}] {}", " has something after its array of orders."),
        ("[", ", row 1: not JSON with orders: Expecting value."),
        (pretty(IDS[0]), " begins with no whole order, and no array. W"),
        (f"{json.dumps(IDS[0])},\n", " begins with no whole order, and no"),
        (
            '{"a": 1, "b": [\n{}]}',
            " begins with no whole order, and no array. W",
        ),
    ],
    ids=count(),
)
def test_no_documents(folder: Folder, text: str, said: str) -> None:
    """What is neither lines nor an array is refused with what to do."""
    path = folder.write(text, "a.json")
    with pytest.raises(InputFileError) as caught:
        [*open_source(path).records()]

    assert str(caught.value).startswith(f"a.json{said}")
    assert "Write an array of orders, or one order per line." in str(
        caught.value
    )
