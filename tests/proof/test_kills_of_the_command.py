"""Whoever judges commands that are ended finds what is not as it should."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from proof.kills.in_hand import Hand, left_over
from proof.kills.shell import ORDERS, Ran
from proof.kills.siege import unsaid
from sesamy_async.bulk import Confirm, Entry, State
from sesamy_async.bulk.reports import ReportPaths, write_reports
from support.reported import FINGERPRINT, SOME, source_for, summary_of


CONFIRM = Confirm.SEPARATELY
PAGE = b"<html></html>\n"


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    """Return what is there after a run that came to its end."""
    write_reports(
        source_for(SOME),
        SOME,
        summary_of(SOME),
        ReportPaths(tmp_path, "orders"),
        fingerprint=FINGERPRINT,
    )
    (tmp_path / "page.html").write_bytes(PAGE)
    return Hand.of(tmp_path)


def test_whole_and_true(hand: Hand) -> None:
    """Nothing is found where nothing is wrong."""
    assert [] == [*hand.untrue(SOME, CONFIRM)]


@pytest.mark.parametrize("name", ["orders.rejected.csv", "page.html"])
@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(lambda text: text[:-2], id="in a line"),
        pytest.param(lambda text: text[: len(text) // 2], id="half of it"),
        pytest.param(
            lambda text: text[: text.rindex(b"\n", 0, -1) + 1] or b"<",
            id="between lines",
        ),
    ],
)
def test_torn(hand: Hand, name: str, cut: Callable[[bytes], bytes]) -> None:
    """A report that is cut is found; one of the run before is none."""
    files = {**hand.files, name: cut(hand.files[name].replace(b"><", b">\n<"))}
    torn = Hand(files)

    assert 1 == len([*torn.torn(Hand({}), SOME, CONFIRM)])
    assert [] == [*torn.torn(torn, SOME, CONFIRM)]


@pytest.mark.parametrize("name", ["orders.strays.csv", "orders.unknown.csv"])
def test_missing(hand: Hand, name: str) -> None:
    """A report that is not there is found."""
    rest = {each: hand.files[each] for each in hand.files if each != name}

    assert 1 == len([*Hand(rest).untrue(SOME, CONFIRM)])


def test_one_too_many(hand: Hand) -> None:
    """A report of what is not so any more is found."""
    done = tuple(attrs.evolve(each, strays=0) for each in SOME)

    assert [
        "orders.strays.csv has ['6'], and not None",
    ] == [*hand.untrue(done, CONFIRM)][:1]


@pytest.mark.parametrize(
    "name",
    [".orders.rejected.csv.a.new", "orders.csv.journal.a.new", "a.csv-wal"],
)
def test_left_over(tmp_path: Path, hand: Hand, name: str) -> None:
    """Files that nobody has asked for are found."""
    del hand
    before = left_over(tmp_path)
    (tmp_path / name).touch()

    assert ([], [name]) == (before, left_over(tmp_path))


ENTRIES = [
    Entry(row=row, order_id=f"A-{row}", state=State.PENDING)
    for row in range(ORDERS + 1)
]
IN_DOUBT = [attrs.evolve(ENTRIES[0], state=State.INTENT), *ENTRIES[1:]]
TOLD = {
    "rows": ORDERS + 1,
    "rejected": 0,
    "unknown": 0,
    "done": 0,
    "unprocessed": ORDERS + 1,
    "strays": 0,
}


@pytest.mark.parametrize(
    ("code", "told", "entries", "sent", "right"),
    [
        (130, TOLD, ENTRIES, True, True),
        (3, TOLD, ENTRIES, True, True),
        (-15, None, ENTRIES, False, True),
        (-11, None, ENTRIES, False, True),
        (1, None, ENTRIES, False, False),
        (-11, TOLD, ENTRIES, True, False),
        (130, None, ENTRIES, True, False),
        (130, {"error": {}}, ENTRIES, True, False),
        (130, {"error": {}}, ENTRIES, False, True),
        (130, {**TOLD, "done": 1}, ENTRIES, True, False),
        (130, TOLD, IN_DOUBT, True, False),
        (130, None, IN_DOUBT, False, True),
    ],
)
def test_what_is_said(
    code: int,
    told: object,
    entries: list[Entry],
    *,
    sent: bool,
    right: bool,
) -> None:
    """What was sent is said, as it is; and nothing is left in doubt."""
    out = "" if told is None else json.dumps(told)

    assert right is not bool([*unsaid(Ran(code, out, ""), entries, sent=sent)])


@pytest.mark.parametrize(
    ("err", "sent", "right"),
    [
        ("Fatal Python error: init_import_site: Failed", False, True),
        ("Fatal Python error: init_import_site: Failed", True, False),
        ("Traceback (most recent call last):", False, False),
    ],
)
def test_what_python_says(err: str, *, sent: bool, right: bool) -> None:
    """Where Python was ended before our code had begun, we can't say it."""
    out = json.dumps(TOLD) if sent else ""

    assert right is not bool([*unsaid(Ran(1, out, err), ENTRIES, sent=sent)])
