"""Rejected rows can be mended and imported again; others run no formula."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sesamy_async.bulk import Entry, State
from sesamy_async.bulk._rows import Row, harmless
from sesamy_async.bulk.reports import Place, write_reports
from sesamy_async.bulk.reports import _writing as rejected
from sesamy_async.bulk.reports._writing import OTHERS, Reasons, pattern_of
from support.reported import FINGERPRINT, Rows, summary_of


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
