"""A journal is there as a whole, or not at all; only its owner reads it."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sesamy_async.bulk import JournalError, Planned, State
from sesamy_async.bulk.journal import Journal
from support.journals import (
    change,
    in_the_way,
    new_journal,
    overtaken,
    planned,
)


KILLED = """
import os, pathlib, signal, sys
from sesamy_async.bulk.journal import Journal, Planned, Terms
def rows():
    for row in range(1, 5_000):
        yield Planned(row=row, order_id=f"A-{row}")
    os.kill(os.getpid(), signal.SIGKILL)
terms = Terms(source="", fingerprint="", promo_code=None, vendor_id="",
    base_url="")
Journal.create(pathlib.Path(sys.argv[1]), terms, rows())
"""


KILLED_WHEN_DONE = """
import os, pathlib, signal, sys
from sesamy_async.bulk.journal import Change, Journal, Planned, Terms
from sesamy_async.bulk import State
terms = Terms(source="", fingerprint="", promo_code=None, vendor_id="",
    base_url="")
rows = [Planned(row=row, order_id=f"A-{row}") for row in (2, 3, 4)]
journal = Journal.create(pathlib.Path(sys.argv[1]), terms, rows)
for state in (State.INTENT, State.CONFIRMED):
    journal.apply([Change(row=row, state=state, contract_id="c")
        for row in (2, 3, 4)])
os.kill(os.getpid(), signal.SIGKILL)
"""


KILLED_AT_THE_END = """
import os, pathlib, signal, sys
from sesamy_async.bulk.journal import Journal, Planned, Terms
link = pathlib.Path.hardlink_to
def killed(path, target):
    link(path, target)
    os.kill(os.getpid(), signal.SIGKILL)
pathlib.Path.hardlink_to = killed
terms = Terms(source="", fingerprint="", promo_code=None, vendor_id="",
    base_url="")
rows = [Planned(row=2, order_id="A-2")]
Journal.create(pathlib.Path(sys.argv[1]), terms, rows)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a journal can be."""
    return tmp_path / "orders [1].csv.journal"


def test_private(path: Path) -> None:
    """Only its owner may read the journal, and what SQLite keeps beside."""
    with new_journal(path) as journal:
        journal.apply([change(2, State.INTENT)])
        modes = {
            each.name: stat.S_IMODE(each.stat().st_mode)
            for each in path.parent.iterdir()
        }

    assert {path.name: 0o600, f"{path.name}-wal": 0o600} == modes


@pytest.mark.parametrize("kind", ["file", "link", "folder", "journal"])
def test_existing(path: Path, kind: str) -> None:
    """Whatever is there is refused, and left as it is."""
    match kind:
        case "file":
            path.write_text("mine")
        case "link":
            path.symlink_to("nowhere")
        case "folder":
            path.mkdir()
        case _:
            new_journal(path, rows=7).close()
    before = path.lstat()
    with pytest.raises(JournalError, match=f"^{in_the_way(path)}"):
        new_journal(path)
    after = path.lstat()

    assert [path] == list(path.parent.iterdir())
    assert (before.st_ino, before.st_size) == (after.st_ino, after.st_size)


def test_overtaken(path: Path) -> None:
    """A file that appears while the rows are read is not replaced."""
    with pytest.raises(JournalError, match=f"^{in_the_way(path)}"):
        new_journal(path, rows=overtaken(path))
    with Journal.open(path) as journal:
        assert 7 == sum(journal.counts().values())


def test_overtaken_by_another_file(path: Path) -> None:
    """No more is a file that is no journal."""

    def rows() -> Iterator[Planned]:
        yield from planned(3)
        path.write_text("mine")

    with pytest.raises(JournalError, match=f"^{in_the_way(path)}"):
        new_journal(path, rows=rows())

    assert ("mine", [path]) == (path.read_text(), [*path.parent.iterdir()])


def test_two_at_once(path: Path) -> None:
    """Of two that are being made, the one that began last takes the place."""

    def rows() -> Iterator[Planned]:
        yield from planned(3)
        new_journal(path, rows=5).purge()

    with pytest.raises(JournalError, match="can't be used: No such file"):
        new_journal(path, rows=rows())

    assert [] == list(path.parent.iterdir())


def test_rows_fail(path: Path) -> None:
    """If the rows can't be read to the end, nothing is left."""

    def rows() -> Iterator[Planned]:
        yield from planned(3)
        raise EOFError

    with pytest.raises(EOFError):
        new_journal(path, rows=rows())

    assert [] == list(path.parent.iterdir())


@pytest.mark.parametrize("second", [{"row": 2}, {"order_id": "A-2"}])
def test_twice(path: Path, second: dict[str, object]) -> None:
    """No row and no order is in a journal twice."""
    values = {"row": 3, "order_id": "A-3", **second}
    rows = [
        Planned(row=2, order_id="A-2"),
        Planned(**values),  # type: ignore[arg-type]
    ]
    with pytest.raises(JournalError, match="mistake in sesamy-async"):
        new_journal(path, rows=rows)

    assert [] == list(path.parent.iterdir())


def test_killed(path: Path) -> None:
    """A kill in the making leaves no journal; the next attempt cleans up."""
    died = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", KILLED, path], check=False, timeout=120
    )
    left = [each.name for each in path.parent.iterdir()]
    new_journal(path).close()

    assert -signal.SIGKILL == died.returncode
    assert [True] == [name.endswith(".new") for name in left]
    assert [path] == list(path.parent.iterdir())


def test_killed_when_it_is_there(path: Path) -> None:
    """What was written beside is removed by whoever opens the journal."""
    new_journal(path).close()
    path.with_name(f".{path.name}.abc.new").hardlink_to(path)
    Journal.open(path).close()

    assert [path] == list(path.parent.iterdir())


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_remains_of_another(path: Path, suffix: str) -> None:
    """What a removed journal has left beside it is not for a new one."""
    left = path.with_name(f"{path.name}{suffix}")
    left.write_text("latest changes")
    with pytest.raises(JournalError) as raised:
        new_journal(path)

    assert [left] == list(path.parent.iterdir())
    assert raised.value.args[0] == (
        f"{left} belongs to a journal {path} that is not there any more. If "
        "it was moved, put it back: it says which orders were sent. If you "
        f"removed it to begin anew, remove {left.name} too."
    )


def test_removed_after_a_kill(path: Path) -> None:
    """Orders of a new journal are never settled by one that was removed."""
    subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", KILLED_WHEN_DONE, path],
        check=False,
        timeout=120,
    )
    path.unlink()
    with pytest.raises(JournalError, match="begin anew, remove"):
        new_journal(path)
    for left in path.parent.iterdir():
        left.unlink()
    with new_journal(path) as journal:
        assert 3 == journal.counts()[State.PENDING]


def test_killed_at_the_end(path: Path) -> None:
    """There is no moment in which the place holds what is no journal."""
    subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", KILLED_AT_THE_END, path],
        check=False,
        timeout=120,
    )
    with Journal.open(path) as journal:
        assert 1 == journal.counts()[State.PENDING]
        journal.purge()

    assert [] == list(path.parent.iterdir())


def test_leftover_that_can_not_be_removed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the disk fails at a leftover of a crash, the journal is named."""
    new_journal(path).close()
    path.with_name(f".{path.name}.1.new").touch()

    def failing(self: Path, **how: object) -> None:
        del self, how
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "unlink", failing)
    with pytest.raises(JournalError) as raised:
        Journal.open(path)

    assert f"The journal {path} can't be used: Input" in str(raised.value)
