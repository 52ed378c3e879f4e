"""The parts of reports: cells, lines, reasons and the numbers of the page."""

from __future__ import annotations

from collections import Counter

import attrs
import pytest

from sesamy_async.bulk import Entry, State
from sesamy_async.bulk._rows import harmless
from sesamy_async.bulk.reports._page import share, top_of, width_for
from sesamy_async.bulk.reports._words import duration
from sesamy_async.bulk.reports._writing import (
    OTHERS,
    count_reason,
    own_cells,
    rejected_line,
    why,
)


REFUSED = Entry(row=4, order_id="A-4", state=State.REJECTED, reason="bad")
NOTE = '{"#row": 4, "#reason": "bad", "#externalOrderId": "id:A-4"'


@pytest.mark.parametrize(
    "value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1", "'=1"]
)
def test_formulas(value: str) -> None:
    """A cell of ours is never a formula; other cells stay as they are."""
    assert f"'{value}" == harmless(value)
    assert ["", "7", "A-7", "'A"] == [
        harmless(each) for each in (None, 7, "A-7", "'A")
    ]


def test_cells_of_an_earlier_report() -> None:
    """They are left out; cells beyond the header, or too few, stay."""
    names = ("#row", "#reason", "externalOrderId", "quantity")

    assert ["externalOrderId", "quantity"] == own_cells(names, names)
    assert ["A-4", "", "", "x"] == own_cells(
        names, ("2", "old", "A-4", "", "", "x")
    )
    assert ["A-4"] == own_cells(names, ("2", "old", "A-4"))


def test_a_contract_is_named() -> None:
    """If confirming was refused, the reason names the contract once."""
    made = attrs.evolve(REFUSED, contract_id="c4")
    told = attrs.evolve(made, reason="contract c4 is gone")

    assert "bad (contract c4 is created, and not confirmed)" == why(made)
    assert "contract c4 is gone" == why(told)


@pytest.mark.parametrize(
    ("line", "report"),
    [
        ('{"a": 1.10, "a": 2}\n', NOTE + ', "a": 1.10, "a": 2}'),
        ("{}", NOTE + "}"),
        ('{"#row": 2, "#x": 1, "a": 1}', NOTE + ', "a": 1}'),
        ("[1]", NOTE + ', "#line": "[1]"}'),
        ("broken {", NOTE + ', "#line": "broken {"}'),
        ("[" * 100_000, NOTE + ', "#line": "' + "[" * 100_000 + '"}'),
    ],
    ids=["object", "empty", "reported", "array", "broken", "deep"],
)
def test_lines(line: str, report: str) -> None:
    """A line of JSON Lines keeps all that it holds."""
    assert report == rejected_line(line, REFUSED, original="id:A-4")


@pytest.mark.parametrize(
    ("reason", "pattern"),
    [
        ("the same as row 17", "the same as row …"),
        ("Sesamy answered 404", "Sesamy answered 404"),
        ("broken at line 1 column 5", "broken at line … column …"),
        ("no promo code 'X-1'", "no promo code …"),
        ("contract 1d78271264b9c76d5842911dd70b4353", "contract …"),
    ],
)
def test_patterns(reason: str, pattern: str) -> None:
    """Reasons that differ only in a number or a name are counted as one."""
    counts: Counter[str] = Counter()
    count_reason(counts, reason)

    assert {pattern: 1} == counts


def test_many_reasons() -> None:
    """Memory does not grow with the number of reasons."""
    counts: Counter[str] = Counter()
    for number in (*range(1_000), 0):
        count_reason(counts, f"reason {number}")

    assert [(OTHERS, 800), ("reason 0", 2)] == counts.most_common(2)
    assert 201 == len(counts)


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (7, 7, "100 %"),
        (1, 1_000_000, "0.01 %"),
        (999_999, 1_000_000, "99.99 %"),
        (1, 3, "33.33 %"),
    ],
)
def test_share(part: int, whole: int, said: str) -> None:
    """Only all is 100 %, and only nothing is 0 %."""
    assert said == share(part, whole)


@pytest.mark.parametrize(
    ("seconds", "width"),
    [(0, 1), (120, 1), (121, 2), (19_800, 300), (30_000_000, 250_000)],
)
def test_width(seconds: float, width: float) -> None:
    """The chart has at most 120 bars."""
    assert width == width_for(seconds)


@pytest.mark.parametrize(
    ("value", "top"), [(0.3, 0.5), (1, 1), (2.2, 2.5), (41, 50), (99, 100)]
)
def test_scale(value: float, top: float) -> None:
    """The axis ends at a round number."""
    assert top == pytest.approx(top_of(value))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "less than 1 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3600, "1 h 0 min"),
        (200_000, "55 h 33 min"),
    ],
)
def test_duration(seconds: float, said: str) -> None:
    """A duration has the two largest units."""
    assert said == duration(seconds)
