"""What somebody has written into a report is never lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from sesamy_async.bulk import Entry, JournalError, State
from sesamy_async.bulk.journal import (
    Journal,
    Memory,
    Rows,
    Written,
    journal_path,
)
from sesamy_async.bulk.reports import (
    Place,
    ReportError,
    Reports,
    write_reports,
)
from support.journals import new_journal
from support.reported import FINGERPRINT, source_for, summary_of


MENDED = "mended by hand"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Return a journal, which remembers reports."""
    with new_journal(tmp_path / "orders.csv.journal") as journal:
        yield journal


def rows(*numbers: int, state: State = State.REJECTED) -> tuple[Entry, ...]:
    """Return rows that Sesamy refused, or that nobody knows of."""
    return tuple(
        Entry(row=row, order_id=f"A-{row}", state=state, reason="no")
        for row in numbers
    )


def written(
    folder: Path, entries: tuple[Entry, ...], memory: Memory | None
) -> Reports:
    """Write the reports of these rows."""
    return write_reports(
        source_for(entries),
        entries,
        summary_of(entries),
        Place(folder, "orders"),
        fingerprint=FINGERPRINT,
        memory=memory,
    )


def found(folder: Path) -> dict[str, str]:
    """Return the reports that are there, with the rows that each has."""
    return {
        path.name: MENDED
        if MENDED in (text := path.read_text("utf-8-sig"))
        else ",".join(line.split(",")[0] for line in text.splitlines()[1:])
        for path in folder.glob("orders.*.csv")
    }


def mend(path: Path) -> None:
    """Write into a report."""
    path.write_text(MENDED, encoding="utf-8")


@pytest.mark.parametrize(
    ("state", "name"),
    [(State.REJECTED, "rejected"), (State.UNKNOWN, "unknown")],
)
def test_changed(
    tmp_path: Path, journal: Journal, state: State, name: str
) -> None:
    """A changed report stays, and only rows that are new to it follow."""
    memory = journal.memory
    first = written(tmp_path, rows(2, 3, state=state), memory)
    mend(first.paths[name])
    same = written(tmp_path, rows(2, 3, state=state), memory)
    told = found(tmp_path)
    more = written(tmp_path, rows(2, 3, 9, 4, state=state), memory)

    assert {f"orders.{name}.csv": MENDED} == told
    assert (same.paths, same.kept) == (first.paths, (first.paths[name],))
    assert 2 == sum(same.rows.values())
    assert {
        f"orders.{name}.csv": MENDED,
        f"orders.{name}.2.csv": "9,4",
    } == found(tmp_path)
    assert f"orders.{name}.2.csv" == more.paths[name].name
    assert same.kept == more.kept
    assert 4 == sum(more.rows.values())


def test_each_row_is_in_one(tmp_path: Path, journal: Journal) -> None:
    """However many reports people work on, no row is in two of them."""
    memory = journal.memory
    for last in range(2, 5):
        reports = written(tmp_path, rows(*range(2, last + 1)), memory)
        mend(reports.paths["rejected"])
    written(tmp_path, rows(2, 3, 4, 5), memory)
    Path(tmp_path, "orders.rejected.2.csv").unlink()
    written(tmp_path, rows(2, 3, 4, 5, 6), memory)

    assert {
        "orders.rejected.csv": MENDED,
        "orders.rejected.2.csv": "3,5,6",
        "orders.rejected.3.csv": MENDED,
    } == found(tmp_path)


def test_not_changed(tmp_path: Path, journal: Journal) -> None:
    """A report that nobody has changed is replaced."""
    written(tmp_path, rows(2), journal.memory)
    reports = written(tmp_path, rows(2, 3), journal.memory)

    [known] = journal.memory.recall()["orders.rejected.csv"]

    assert {"orders.rejected.csv": "2,3"} == found(tmp_path)
    assert () == reports.kept
    assert (2 in known.rows, 3 in known.rows) == (True, True)


def test_removed(tmp_path: Path, journal: Journal) -> None:
    """A report that is gone, changed or not, is written again as a whole."""
    [path] = written(tmp_path, rows(2, 3), journal.memory).paths.values()
    mend(path)
    path.unlink()
    written(tmp_path, rows(2, 3), journal.memory)

    assert {"orders.rejected.csv": "2,3"} == found(tmp_path)


def test_imported(tmp_path: Path, journal: Journal) -> None:
    """A report that is imported itself stays, even if it is as it was."""
    [path] = written(tmp_path, rows(2, 3), journal.memory).paths.values()
    journal_path(path).touch()
    before = path.read_bytes()
    written(tmp_path, rows(2, 3, 4), journal.memory)

    assert before == path.read_bytes()
    assert "4" == found(tmp_path)["orders.rejected.2.csv"]


def test_no_memory(tmp_path: Path) -> None:
    """Where nobody knows who wrote what is there, nothing is replaced."""
    [path] = written(tmp_path, rows(2), None).paths.values()
    same = written(tmp_path, rows(2), None)
    other = written(tmp_path, rows(2, 3), None)

    assert path == same.paths["rejected"]
    assert (path,) == other.kept
    assert {
        "orders.rejected.csv": "2",
        "orders.rejected.2.csv": "2,3",
    } == found(tmp_path)


def test_same_again(tmp_path: Path, journal: Journal) -> None:
    """What is there as it would be written is ours from then on."""
    written(tmp_path, rows(2), None)
    written(tmp_path, rows(2), journal.memory)
    reports = written(tmp_path, rows(2, 3), journal.memory)

    assert {"orders.rejected.csv": "2,3"} == found(tmp_path)
    assert () == reports.kept


@pytest.mark.parametrize("placed", [True, False])
def test_crash_between(
    tmp_path: Path,
    journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
    *,
    placed: bool,
) -> None:
    """After a crash while reports are put in place, each is known as ours."""
    written(tmp_path, rows(2), journal.memory)
    place = "sesamy_async.bulk.reports._files.Report.keep"
    tidy = "sesamy_async.bulk.reports._edited.EditableReport.remove_spare"
    with monkeypatch.context() as broken:
        broken.setattr(tidy if placed else place, lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            written(tmp_path, rows(2, 3), journal.memory)
    left = found(tmp_path)
    written(tmp_path, rows(2, 3, 4), journal.memory)

    assert {"orders.rejected.csv": "2,3" if placed else "2"} == left
    assert {"orders.rejected.csv": "2,3,4"} == found(tmp_path)


def test_journal_that_takes_nothing(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be remembered, there is a report all the same."""

    def full(*_: object) -> None:
        raise JournalError("The disk is full.")

    monkeypatch.setattr(Memory, "remember", full)
    reports = written(tmp_path, rows(2), journal.memory)

    assert {"orders.rejected.csv": "2"} == found(tmp_path)
    assert ["rejected"] == [*reports.paths]


def test_full_disk(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk is full at last, nothing is replaced or left."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    written(tmp_path, rows(2), journal.memory)
    with monkeypatch.context() as broken:
        broken.setattr("os.fsync", full)
        with pytest.raises(ReportError, match=r"rejected.csv can't .*left"):
            written(tmp_path, rows(2, 3), journal.memory)

    assert {"orders.rejected.csv": "2"} == found(tmp_path)
    assert [] == [*tmp_path.glob(".*")]


def test_unreadable(tmp_path: Path, journal: Journal) -> None:
    """What can't be looked at is told by name, and nothing is written."""
    (tmp_path / "orders.unknown.csv").mkdir()
    with pytest.raises(ReportError, match=r"unknown\.csv can't be read: Is a"):
        written(tmp_path, rows(2), journal.memory)

    assert not (tmp_path / "orders.rejected.csv").exists()


def test_remembered(tmp_path: Path) -> None:
    """A journal tells what it was told, also after it was closed."""
    two = Rows()
    two.add(7)
    two.add(8_000)
    told = {"a": (Written(b"1", Rows()), Written(b"2", two))}
    path = tmp_path / "journal"
    with new_journal(path) as journal:
        journal.memory.remember({"b": ()})
        journal.memory.remember(told)
    with Journal.open(path) as journal:
        recalled = journal.memory.recall()

    assert told == recalled
    assert [7, 8_000] == [each for each in range(9_000) if each in two]


@pytest.mark.parametrize("header", [("externalOrderId",), ()])
def test_what_sesamy_said(
    tmp_path: Path, journal: Journal, header: tuple[str, ...]
) -> None:
    """The journal does not hold it: a new report has it of the old one."""

    def write(said: dict[int, str], *numbers: int) -> str:
        entries = rows(*numbers)
        reports = write_reports(
            attrs.evolve(source_for(entries), header=header),
            entries,
            summary_of(entries),
            Place(tmp_path, "orders"),
            fingerprint=FINGERPRINT,
            memory=journal.memory,
            said=said,
        )
        return reports.paths["rejected"].read_text("utf-8-sig")

    write({2: "Åsa, she is"}, 2, 3)
    told = write({4: "So is he."}, 2, 3, 4)

    assert [
        "no Sesamy says: Åsa, she is",
        "no",
        "no Sesamy says: So is he.",
    ] == re.findall(r'"?(no(?: Sesamy says: [^."\n]*\.?)?)(?=["\n,])', told)


def test_what_sesamy_said_in_a_report_of_others(
    tmp_path: Path, journal: Journal
) -> None:
    """From a report that somebody has changed, nothing is taken over."""
    first = written(tmp_path, rows(2), journal.memory)
    first.paths["rejected"].write_text("2,no Sesamy says: x", "utf-8")
    written(tmp_path, rows(2, 3), journal.memory)
    [new] = {*tmp_path.glob("orders.*.csv")} - {first.paths["rejected"]}

    assert "Sesamy says" not in new.read_text("utf-8-sig")
