"""The parts of reports: cells, lines, reasons and the numbers of the page."""

from __future__ import annotations

import pytest

from sesamy_async.bulk import Entry, State
from sesamy_async.bulk._rows import harmless
from sesamy_async.bulk.reports import Kind
from sesamy_async.bulk.reports import _writing as rejected
from sesamy_async.bulk.reports._page import share, top_of, width_for, widths
from sesamy_async.bulk.reports._words import duration
from sesamy_async.bulk.reports._writing import OTHERS, Reasons, pattern_of


REFUSED = Entry(row=4, order_id="A-4", state=State.REJECTED, reason="bad")
NOTE = '{"#row": 4, "#reason": "bad"'


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (7, "7"),
        ("A-7", "A-7"),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\uff1d1", "'\uff1d1"),
        ("'=1", "''=1"),
        ("'A", "'A"),
    ],
)
def test_formulas(value: object, cell: str) -> None:
    """A cell of ours is never a formula."""
    assert cell == harmless(value)


def test_own_cells_stay_as_they_are() -> None:
    """A phone number keeps its plus, or it could not be imported again."""
    names = ("externalOrderId", "userData.phone")

    assert ["4", "bad", "A-4", "+46701"] == rejected.rejected_cells(
        names, ("A-4", "+46701"), REFUSED
    )


def test_rejected_again() -> None:
    """What an earlier report has added is replaced."""
    names = ("#row", "#reason", "externalOrderId")

    assert ["#row", "#reason", "externalOrderId"] == rejected.rejected_header(
        names
    )
    assert ["4", "bad", "A-4"] == rejected.rejected_cells(
        names, ("2", "old", "A-4"), REFUSED
    )


def test_too_many_cells() -> None:
    """Cells beyond the header stay beyond it."""
    assert ["4", "bad", "A-4", "", "x"] == rejected.rejected_cells(
        ("externalOrderId",), ("A-4", "", "x"), REFUSED
    )


def test_a_contract_is_named() -> None:
    """Where confirming was refused, the contract is told, once."""
    made = Entry(
        row=4,
        order_id="A-4",
        state=State.REJECTED,
        reason="Sesamy answered 404",
        contract_id="c4",
    )
    told = Entry(
        row=4,
        order_id="A-4",
        state=State.REJECTED,
        reason="contract c4 is gone",
        contract_id="c4",
    )

    assert rejected.why(made).endswith(
        "404 (contract c4 is made, and not confirmed)"
    )
    assert "contract c4 is gone" == rejected.why(told)


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
)
def test_lines(line: str, report: str) -> None:
    """A line of JSON Lines keeps all that it holds."""
    assert report == rejected.rejected_line(line, REFUSED)


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
    """Reasons that differ in a number or a name only are one."""
    assert pattern == pattern_of(reason)


def test_many_reasons() -> None:
    """However many there are, memory does not grow."""
    reasons = Reasons()
    for number in range(1_000):
        reasons.add(f"reason {number}")
    reasons.add("reason 0")
    common = reasons.common()

    assert (OTHERS, 800) == common[0]
    assert ("reason 0", 2) == common[1]
    assert 201 == len(common)


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


def test_bar_shows_one_in_a_million() -> None:
    """The bar is full, and no part is too thin to be seen."""
    found = widths({Kind.CONFIRMED: 999_999, Kind.UNKNOWN: 1, Kind.CREATED: 0})

    assert 1000 == pytest.approx(sum(found.values()))
    assert 6 <= found[Kind.UNKNOWN]
    assert Kind.CREATED not in found


@pytest.mark.parametrize(
    ("seconds", "width"),
    [(0, 1), (120, 1), (121, 2), (19_800, 300), (30_000_000, 250_000)],
)
def test_width(seconds: float, width: float) -> None:
    """However long it took, the chart has at most 120 bars."""
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
        (3599, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (200_000, "55 h 33 min"),
    ],
)
def test_duration(seconds: float, said: str) -> None:
    """A duration is told in the units that matter."""
    assert said == duration(seconds)
