"""What somebody has written into a report is never lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeAlias

import attrs
import pytest

from sesamy_async.bulk import Entry, JournalError, State
from sesamy_async.bulk.journal import Memory, journal_path
from sesamy_async.bulk.reports import ReportError, Reports
from support.journals import new_journal
from support.reported import source_for, written


EDITED = "edited by hand"
Write: TypeAlias = Callable[..., Reports]


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    """Return the memory of a journal."""
    with new_journal(tmp_path / "orders.csv.journal") as journal:
        yield journal.memory


@pytest.fixture
def write(tmp_path: Path, memory: Memory) -> Write:
    """Return what writes the reports of rows."""
    return partial(written, tmp_path, memory=memory)


def rows(*numbers: int, state: State = State.REJECTED) -> tuple[Entry, ...]:
    """Return rows that Sesamy refused, or whose outcome is unknown."""
    return tuple(
        Entry(row=row, order_id=f"A-{row}", state=state, reason="no")
        for row in numbers
    )


def found(folder: Path) -> dict[str, str]:
    """Return the reports that are there, with the rows that each has."""
    return {
        path.name: EDITED
        if EDITED in (text := path.read_text("utf-8-sig"))
        else ",".join(line.split(",")[0] for line in text.splitlines()[1:])
        for path in folder.glob("orders.*.csv")
    }


@pytest.mark.parametrize(
    ("state", "name"),
    [(State.REJECTED, "rejected"), (State.UNKNOWN, "unknown")],
)
def test_changed(
    tmp_path: Path, write: Write, state: State, name: str
) -> None:
    """A changed report stays, and the new one gets a number."""
    first = write(rows(2, 3, state=state))
    first.paths[name].write_text(EDITED)
    more = write(rows(2, 3, 9, state=state))

    assert {
        f"orders.{name}.csv": EDITED,
        f"orders.{name}.2.csv": "2,3,9",
    } == found(tmp_path)
    assert f"orders.{name}.2.csv" == more.paths[name].name
    assert (first.paths[name],) == more.kept
    assert 3 == sum(more.rows.values())


def test_one_is_enough(tmp_path: Path, write: Write) -> None:
    """The first free name is taken, and none of ours is left beside it."""
    for _ in range(3):
        write(rows(2)).paths["rejected"].write_text(EDITED)
    write(rows(3))
    Path(tmp_path, "orders.rejected.2.csv").unlink()
    write(rows(4))

    assert {
        "orders.rejected.csv": EDITED,
        "orders.rejected.2.csv": "4",
        "orders.rejected.3.csv": EDITED,
    } == found(tmp_path)


@pytest.mark.parametrize("removed", [False, True])
def test_replaced(
    tmp_path: Path, write: Write, memory: Memory, *, removed: bool
) -> None:
    """A report that nobody has changed, or that is gone, is written anew."""
    [path] = write(rows(2)).paths.values()
    if removed:
        path.write_text(EDITED)
        path.unlink()
    reports = write(rows(2, 3))

    assert {"orders.rejected.csv": "2,3"} == found(tmp_path)
    assert () == reports.kept
    assert 2 == len(memory.recall()["orders.rejected.csv"])


def test_imported(tmp_path: Path, write: Write) -> None:
    """A report that is imported itself stays, even if it is as it was."""
    [path] = write(rows(2, 3)).paths.values()
    journal_path(path).touch()
    before = path.read_bytes()
    write(rows(2, 3, 4))

    assert before == path.read_bytes()
    assert "2,3,4" == found(tmp_path)["orders.rejected.2.csv"]


def test_no_memory(tmp_path: Path, write: Write) -> None:
    """Without a memory, no report that differs is replaced."""
    [path] = write(rows(2), memory=None).paths.values()
    same = write(rows(2), memory=None)
    other = write(rows(2, 3), memory=None)

    assert path == same.paths["rejected"]
    assert (path,) == other.kept
    assert {
        "orders.rejected.csv": "2",
        "orders.rejected.2.csv": "2,3",
    } == found(tmp_path)


def test_same_again(tmp_path: Path, write: Write) -> None:
    """A report that equals the new one counts as ours from then on."""
    write(rows(2), memory=None)
    write(rows(2))
    reports = write(rows(2, 3))

    assert {"orders.rejected.csv": "2,3"} == found(tmp_path)
    assert () == reports.kept


@pytest.mark.parametrize(
    ("step", "left"),
    [
        ("_files.Report.keep", "2"),
        ("_files.EditableReport.remove_spare", "2,3"),
    ],
)
def test_crash_between(
    tmp_path: Path,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    left: str,
) -> None:
    """After a crash while reports are put in place, each is known as ours."""
    write(rows(2))
    with monkeypatch.context() as broken:
        broken.setattr(f"sesamy_async.bulk.reports.{step}", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write(rows(2, 3))

    assert {"orders.rejected.csv": left} == found(tmp_path)
    write(rows(2, 3, 4))
    assert {"orders.rejected.csv": "2,3,4"} == found(tmp_path)


def test_journal_on_a_full_disk(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the journal can't be written, there is a report all the same."""

    def full(*_: object) -> None:
        raise JournalError("The disk is full.")

    monkeypatch.setattr(Memory, "add", full)
    reports = write(rows(2))

    assert {"orders.rejected.csv": "2"} == found(tmp_path)
    assert ["rejected"] == [*reports.paths]


def test_full_disk(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a report can't be put in its place, nothing is replaced or left."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    write(rows(2))
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ReportError, match=r"rejected.csv can't .*left"):
        write(rows(2, 3))

    assert {"orders.rejected.csv": "2"} == found(tmp_path)
    assert [] == [*tmp_path.glob(".*")]


def test_unreadable(tmp_path: Path, write: Write) -> None:
    """If a report can't be read, the error names it; nothing is written."""
    (tmp_path / "orders.unknown.csv").mkdir()
    with pytest.raises(ReportError, match=r"unknown\.csv can't be read: Is a"):
        write(rows(2))

    assert not (tmp_path / "orders.rejected.csv").exists()


@pytest.mark.parametrize("header", [("externalOrderId",), ()])
def test_what_sesamy_said(write: Write, header: tuple[str, ...]) -> None:
    """A new report takes over what Sesamy said from the one it replaces."""

    def read(said: dict[int, str], *numbers: int) -> str:
        entries = rows(*numbers)
        source = attrs.evolve(source_for(entries), header=header)
        reports = write(entries, source=source, said=said)
        return reports.paths["rejected"].read_text("utf-8-sig")

    read({2: "Åsa, she is"}, 2, 3)
    told = read({4: "So is he."}, 2, 3, 4)

    assert [
        "no Sesamy says: Åsa, she is",
        "no",
        "no Sesamy says: So is he.",
    ] == re.findall(r'"?(no(?: Sesamy says: [^."\n]*\.?)?)(?=["\n,])', told)


def test_what_sesamy_said_in_a_changed_report(write: Write) -> None:
    """From a report that somebody has changed, nothing is taken over."""
    [old] = write(rows(2)).paths.values()
    old.write_text("2,no Sesamy says: x", "utf-8")
    [new] = write(rows(2, 3)).paths.values()

    assert "Sesamy says" not in new.read_text("utf-8-sig")
    assert new != old
