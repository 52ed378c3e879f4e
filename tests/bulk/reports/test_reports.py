"""The reports of an import: every row in one of them, none invented."""

from __future__ import annotations

import csv
import errno
import io
from collections import Counter
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesamy_async._files import AtomicFile
from sesamy_async.bulk import Confirm, Entry, State
from sesamy_async.bulk._rows import Row
from sesamy_async.bulk.journal._settling import Finding, read_findings
from sesamy_async.bulk.reports import (
    Kind,
    Place,
    ReportError,
    Reports,
    write_reports,
)
from sesamy_async.bulk.reports._files import write_text
from sesamy_async.bulk.reports._places import kind_of
from support.journals import new_journal
from support.leaks import told_by
from support.reported import (
    FINGERPRINT,
    HEADER,
    SOME,
    source_for,
    summary_of,
)


def written(
    folder: Path,
    entries: tuple[Entry, ...] = SOME,
    confirm: Confirm = Confirm.SEPARATELY,
    **more: Any,
) -> Reports:
    """Write the reports of these entries."""
    return write_reports(
        source_for(entries),
        entries,
        summary_of(entries, confirm),
        Place(folder, "orders"),
        **{"fingerprint": FINGERPRINT, **more},
    )


def table(path: Path, delimiter: str = ",") -> list[list[str]]:
    """Read a report as a spreadsheet would."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def test_all_reports(tmp_path: Path) -> None:
    """Each row is in its report, with what a person has to know of it."""
    reports = written(tmp_path)
    tables = {kind: table(path) for kind, path in reports.paths.items()}
    header = ["row", "externalOrderId", "contractId"]
    [_, unknown] = tables.pop("unknown")
    [_, stray] = tables.pop("strays")

    assert {
        "confirmed": [header, ["2", "A-2", "c2"], ["6", "'=A6()", "c6"]],
        "rejected": [
            ["#row", "#reason", *HEADER],
            ["3", "no @", "A-3", "kim3@example.se", "+46701"],
            ["9", "no order id", "", "kim9@example.se", "+46701"],
        ],
        "unprocessed": [
            [*header, "reason"],
            ["5", "A-5", "", "nothing was sent yet"],
            ["7", "A-7", "c7", "Sesamy answered 503"],
        ],
    } == tables
    assert ["4", "A-4", "", "", "", "answer lost"] == unknown[:6]
    assert "sesamy journal resolve" in unknown[6]
    assert ["6", "'=A6()", "c6", "2"] == stray[:4]


def test_unknown_is_filled_in(tmp_path: Path) -> None:
    """The report of unknown orders is read once a person has looked."""
    path = written(tmp_path).paths["unknown"]
    filled = path.read_text("utf-8").replace("A-4,,,", "A-4,c4,yes,")
    path.write_text(filled, encoding="utf-8")

    assert read_findings(path) == [
        Finding(
            order_id="A-4", contract_id="c4", confirmed=True, where="row 2"
        )
    ]


def test_created_where_that_is_the_goal(tmp_path: Path) -> None:
    """Without confirming, a created order is done."""
    reports = written(tmp_path, SOME[5:6], Confirm.NO)

    assert ["created"] == [*reports.paths]
    assert table(reports.paths["created"])[1:] == [["7", "A-7", "c7"]]


def test_a_report_without_rows_is_not_there(tmp_path: Path) -> None:
    """One that an earlier run left is removed, for it is true no more."""
    with new_journal(tmp_path / "journal") as journal:
        before = written(tmp_path, memory=journal.memory)
        after = written(tmp_path, SOME[:1], memory=journal.memory)
        assert {} == journal.memory.recall()

    assert before.paths["unprocessed"].name == "orders.unprocessed.csv"
    assert ["orders.confirmed.csv"] == [
        *(each.name for each in tmp_path.glob("orders.*"))
    ]
    assert ["confirmed"] == [*after.paths]


def test_delimiter(tmp_path: Path) -> None:
    """Whoever uses semicolons gets semicolons."""
    reports = written(tmp_path, delimiter=";")

    assert ["2", "A-2", "c2"] == table(reports.paths["confirmed"], ";")[1]


def test_rejections_are_grouped(tmp_path: Path) -> None:
    """Reasons are counted, the most frequent first."""
    entries = tuple(
        Entry(
            row=row,
            order_id=f"A-{row}",
            state=State.REJECTED,
            reason=f"repeats row {row - 1}" if row > 2 else "no @",
        )
        for row in range(2, 6)
    )
    reports = written(tmp_path, entries)

    assert (("repeats row …", 3), ("no @", 1)) == reports.rejections


@pytest.mark.parametrize("count", [7, 19])
def test_summary_is_compared(tmp_path: Path, count: int) -> None:
    """Where importer and journal disagree, nothing is written."""
    summary = attrs.evolve(summary_of(SOME), confirmed=count, rows=count)
    with pytest.raises(ReportError, match=f"{count} confirmed rather than 2"):
        write_reports(
            source_for(SOME),
            SOME,
            summary,
            Place(tmp_path, "orders"),
            fingerprint=FINGERPRINT,
        )

    assert [] == [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("rows", "fingerprint"),
    [
        (SOME[:-1], FINGERPRINT),
        ((*SOME, SOME[0]), FINGERPRINT),
        ((SOME[1], SOME[0], *SOME[2:]), FINGERPRINT),
        (SOME, "of what was sent"),
    ],
)
def test_changed_file(
    tmp_path: Path, rows: tuple[Entry, ...], fingerprint: str
) -> None:
    """Of rows that are not those of the journal, there are no reports."""
    with pytest.raises(ReportError, match="changed while it was imported"):
        write_reports(
            source_for(rows),
            SOME,
            summary_of(SOME),
            Place(tmp_path, "o"),
            fingerprint=fingerprint,
        )

    assert [] == [*tmp_path.iterdir()]


def test_no_folder(tmp_path: Path) -> None:
    """The error names the folder and what to do, and shows no row."""
    with pytest.raises(ReportError) as caught:
        written(tmp_path / "nowhere", SOME[1:2])

    assert "nowhere" in str(caught.value)
    assert "give the same command again" in str(caught.value)
    assert "kim" not in told_by(caught.value)


def test_taken_name(tmp_path: Path) -> None:
    """What can't be replaced is an error, and leaves nothing beside it."""
    (tmp_path / "orders.confirmed.csv").mkdir()
    with pytest.raises(ReportError, match=r"orders\.confirmed\.csv"):
        written(tmp_path)

    assert ["orders.confirmed.csv"] == [
        each.name for each in tmp_path.iterdir()
    ]


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full is an error, and leaves nothing."""

    def full(*arguments: object) -> None:
        del arguments
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(
        "sesamy_async.bulk.reports._writing.RowSorter.sort", full
    )
    with pytest.raises(ReportError, match="No space left"):
        written(tmp_path)

    assert [] == [*tmp_path.iterdir()]


def test_killed(tmp_path: Path) -> None:
    """What a killed run has left half written is removed by the next one."""
    names = {"orders.rejected.csv", "orders.unknown.csv"}
    for each in names:
        (tmp_path / f".{each}.abc.new").write_text("kim@example.com")
    theirs = tmp_path / ".orders.rejected.csv.swp"
    theirs.touch()
    written(tmp_path, SOME[:2])

    assert [theirs] == [
        each for each in tmp_path.iterdir() if each.name.startswith(".")
    ]


@given(
    states=st.lists(st.sampled_from(State), max_size=30),
    confirm=st.sampled_from(Confirm),
)
def test_counts_add_up(
    tmp_path_factory: pytest.TempPathFactory,
    states: list[State],
    confirm: Confirm,
) -> None:
    """Whatever became of the rows, each is in exactly one report."""
    entries = tuple(
        Entry(row=row, order_id=f"A-{row}", state=state, contract_id="c")
        for row, state in enumerate(states, 2)
    )
    reports = written(tmp_path_factory.mktemp("reports"), entries, confirm)

    assert len(states) == sum(reports.rows.values())
    assert Counter(reports.rows) == Counter(
        {
            **dict.fromkeys(Kind, 0),
            **Counter(kind_of(state, confirm) for state in states),
        }
    )


class Full(io.StringIO):
    """A disk that has room for headers only."""

    def write(self, text: str, /) -> int:
        """Take no person."""
        if "kim" in text:
            raise OSError(errno.ENOSPC, "No space left on device")
        return len(text)


@pytest.mark.parametrize("header", [HEADER, ()])
def test_rows_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: tuple[str, ...]
) -> None:
    """The error shows no row, not even in the locals of its traceback."""
    monkeypatch.setattr(AtomicFile, "open", lambda *_: Full())
    entries = SOME[1:2]
    source = attrs.evolve(source_for(entries), header=header)
    if not header:
        source = attrs.evolve(source, lines=[Row(3, ('{"name": "kim"}',))])
    with pytest.raises(ReportError, match="No space left") as caught:
        write_reports(
            source,
            entries,
            summary_of(entries),
            Place(tmp_path, "orders"),
            fingerprint=FINGERPRINT,
        )

    assert "kim" not in told_by(caught.value)
    assert [] == [*tmp_path.iterdir()]


def test_text_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text that is not written whole leaves what was there."""
    path = tmp_path / "page.html"
    write_text(path, "old")
    monkeypatch.setattr(AtomicFile, "open", lambda *_: Full())
    with pytest.raises(ReportError, match="No space left"):
        write_text(path, "kim")

    assert "old" == path.read_text("utf-8")
    assert [path] == [*tmp_path.iterdir()]
