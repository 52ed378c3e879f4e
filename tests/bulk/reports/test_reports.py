"""The reports of an import: every row in one of them, none invented."""

from __future__ import annotations

import csv
import errno
import io
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesamy_async._files import AtomicFile
from sesamy_async.bulk import Confirm, Entry, State
from sesamy_async.bulk._rows import Row
from sesamy_async.bulk.journal._settling import Finding, read_findings
from sesamy_async.bulk.reports import ReportError
from sesamy_async.bulk.reports._files import write_text
from support.journals import new_journal
from support.leaks import told_by
from support.reported import (
    FINGERPRINT,
    HEADER,
    SOME,
    source_for,
    summary_of,
    written,
)


def table(path: Path, delimiter: str = ",") -> list[list[str]]:
    """Read a report as a spreadsheet would."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_all_reports(tmp_path: Path, delimiter: str) -> None:
    """Each row is in its report, with all that a person has to know."""
    reports = written(tmp_path, SOME, delimiter=delimiter)
    tables = {
        kind: table(path, delimiter) for kind, path in reports.paths.items()
    }
    header = ["row", "externalOrderId", "contractId"]
    [_, unknown] = tables.pop("unknown")
    [_, stray] = tables.pop("strays")

    assert {
        "confirmed": [header, ["2", "A-2", "c2"], ["6", "'=A6()", "c6"]],
        "rejected": [
            ["#row", "#reason", "#externalOrderId", *HEADER],
            ["3", "no @", "id:A-3", "A-3", "kim3@example.se", "+46701"],
            ["9", "'=no id", "", "", "kim9@example.se", "+46701"],
        ],
        "unprocessed": [
            [*header, "reason"],
            ["5", "A-5", "", "nothing was sent yet"],
            ["7", "A-7", "c7", "Sesamy answered 503"],
        ],
    } == tables
    assert ["4", "A-4", "", "", "", "answer lost"] == unknown[:6]
    assert "sesamy journal resolve" in unknown[6]
    assert "id:A-4" == unknown[7]
    assert ["6", "'=A6()", "c6", "2"] == stray[:4]


def test_unknown_is_filled_in(tmp_path: Path) -> None:
    """The report of unknown orders is read once a person has looked."""
    path = written(tmp_path, SOME).paths["unknown"]
    filled = path.read_text("utf-8").replace("A-4,,,", "A-4,c4,yes,")
    path.write_text(filled, encoding="utf-8")

    assert read_findings(path) == [
        Finding(
            order_id="A-4", contract_id="c4", confirmed=True, where="row 2"
        )
    ]


def test_created_where_that_is_the_goal(tmp_path: Path) -> None:
    """Without confirming, a created order is done."""
    reports = written(tmp_path, SOME[5:6], confirm=Confirm.NO)

    assert ["created"] == [*reports.paths]
    assert table(reports.paths["created"])[1:] == [["7", "A-7", "c7"]]


def test_a_report_without_rows_is_not_there(tmp_path: Path) -> None:
    """One that an earlier run left is removed, for it is true no more."""
    with new_journal(tmp_path / "journal") as journal:
        before = written(tmp_path, SOME, memory=journal.memory)
        after = written(tmp_path, SOME[:1], memory=journal.memory)

    assert before.paths["unprocessed"].name == "orders.unprocessed.csv"
    assert ["orders.confirmed.csv"] == [
        *(each.name for each in tmp_path.glob("orders.*"))
    ]
    assert ["confirmed"] == [*after.paths]


def test_rejections_are_grouped(tmp_path: Path) -> None:
    """Reasons are counted, the most frequent first."""
    entries = [
        attrs.evolve(SOME[1], row=row, reason=reason)
        for row, reason in enumerate(["no @", *["repeats row 9"] * 3], 2)
    ]
    reports = written(tmp_path, entries)

    assert (("repeats row …", 3), ("no @", 1)) == reports.rejections


@pytest.mark.parametrize("count", [7, 19])
def test_summary_is_compared(tmp_path: Path, count: int) -> None:
    """If importer and journal disagree, nothing is written."""
    summary = attrs.evolve(summary_of(SOME), confirmed=count, rows=count)
    with pytest.raises(ReportError, match=f"{count} confirmed rather than 2"):
        written(tmp_path, SOME, summary=summary)

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
        written(
            tmp_path, SOME, source=source_for(rows), fingerprint=fingerprint
        )

    assert [] == [*tmp_path.iterdir()]


def test_no_folder(tmp_path: Path) -> None:
    """The error names the folder and what to do, and shows no row."""
    with pytest.raises(ReportError) as caught:
        written(tmp_path / "nowhere", SOME[1:2])

    assert "nowhere" in str(caught.value)
    assert "run the same command again" in str(caught.value)
    assert "kim" not in told_by(caught.value)


def test_killed(tmp_path: Path) -> None:
    """What a killed run has left half written is removed by the next one."""
    for each in ("orders.rejected.csv", "orders.unknown.csv"):
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
    entries = [
        Entry(row=row, order_id=f"A-{row}", state=state, contract_id="c")
        for row, state in enumerate(states, 2)
    ]
    folder = tmp_path_factory.mktemp("reports")
    reports = written(folder, entries, confirm=confirm)
    listed = [
        int(cells[0])
        for path in reports.paths.values()
        for cells in table(path)[1:]
    ]

    assert [each.row for each in entries] == sorted(listed)
    assert len(states) == sum(reports.rows.values())


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
        written(tmp_path, entries, source=source)

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
