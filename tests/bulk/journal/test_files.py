"""A journal is there as a whole, or not at all, and is found again."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sesamy_async.bulk import JournalError, Planned, State
from sesamy_async.bulk.journal import Journal, find_journal, journal_path
from support.journals import change, in_the_way, new_journal, planned


MISTAKE = "bug in sesamy-async"
SCRIPT = """
import os, pathlib, signal, sys
from sesamy_async.bulk import State
from sesamy_async.bulk.journal import Change, Journal, Planned, Terms
path = pathlib.Path(sys.argv[1])
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def plan(count):
    terms = Terms(source="", fingerprint="", promo_code=None, vendor_id="",
        base_url="")
    return path, terms, (
        Planned(row=row, order_id=f"A-{row}") if row < count else die()
        for row in range(2, count + (count > 9))
    )
"""
KILLED = f"{SCRIPT}Journal.create(*plan(5_000))"
KILLED_AT_THE_END = f"""{SCRIPT}
link = pathlib.Path.hardlink_to
pathlib.Path.hardlink_to = lambda *given: die(link(*given))
Journal.create(*plan(5))
"""


def killed(script: str, path: Path) -> int:
    """Run a script that kills itself; return how its process ended."""
    command = [sys.executable, "-c", script, str(path)]
    return subprocess.run(command, check=False, timeout=120).returncode  # noqa: S603 - our own script


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

    def rows() -> Iterator[Planned]:
        yield from planned(3)
        path.write_text("mine")

    with pytest.raises(JournalError, match=f"^{in_the_way(path)}"):
        new_journal(path, rows=rows())

    assert [path] == [*path.parent.iterdir()]
    assert "mine" == path.read_text()


def rows_that_fail(path: Path) -> Iterator[Planned]:
    """Yield rows of a file that can't be read to its end."""
    del path
    yield from planned(3)
    raise EOFError("no more")


def rows_with_another(path: Path) -> Iterator[Planned]:
    """Yield rows, and make another journal in their place meanwhile."""
    yield from planned(3)
    new_journal(path, rows=5).purge()


def rows_twice(path: Path, **second: Any) -> Iterator[Planned]:
    """Yield two rows that are the same in one thing."""
    del path
    yield Planned(row=2, order_id="A-2")
    yield Planned(**{"row": 3, "order_id": "A-3", **second})


@pytest.mark.parametrize(
    ("rows", "error", "said"),
    [
        (rows_that_fail, EOFError, "^no more$"),
        (rows_with_another, JournalError, "can't be used: No such file"),
        (partial(rows_twice, row=2), JournalError, MISTAKE),
        (partial(rows_twice, order_id="A-2"), JournalError, MISTAKE),
    ],
)
def test_not_made(
    path: Path,
    rows: Callable[[Path], Iterator[Planned]],
    error: type[Exception],
    said: str,
) -> None:
    """A journal that can't be made leaves nothing; no row is in it twice."""
    with pytest.raises(error, match=said):
        new_journal(path, rows=rows(path))

    assert [] == list(path.parent.iterdir())


def test_killed(path: Path) -> None:
    """A kill in the making leaves no journal; the next attempt cleans up."""
    died = killed(KILLED, path)
    left = [each.name for each in path.parent.iterdir()]
    new_journal(path).close()

    assert -signal.SIGKILL == died
    assert [True] == [name.endswith(".new") for name in left]
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
        f"{left} belongs to a journal {path} that is no longer there. If it "
        "was moved, put it back: it says which orders were sent. If you "
        f"removed it to start over, remove {left.name} too."
    )


def test_killed_at_the_end(path: Path) -> None:
    """There is no moment in which the place holds what is no journal."""
    killed(KILLED_AT_THE_END, path)
    with Journal.open(path) as journal:
        assert 3 == journal.counts()[State.PENDING]
        journal.purge()

    assert [] == list(path.parent.iterdir())


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Return a file of orders, without a journal."""
    path = tmp_path / "orders.csv"
    path.write_text("externalOrderId;quantity\nA-1;1\n")
    return path


def test_beside_its_file(orders: Path) -> None:
    """The journal stands beside its file, to which a link may lead."""
    folder = orders.parent / "elsewhere"
    folder.mkdir()
    link = folder / "link.csv"
    link.symlink_to(orders)
    linked = orders.parent / "linked"
    linked.symlink_to(orders.parent)
    beside = orders.parent / "orders.csv.journal"

    assert beside == journal_path(orders) == journal_path(link)
    # The folder is called as the caller calls it.
    assert linked / beside.name == journal_path(linked / orders.name)


def with_journal(path: Path) -> None:
    """Make a file of orders and its journal."""
    path.touch()
    new_journal(journal_path(path)).close()


def database(path: Path) -> None:
    """Make a database of another program."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (c)")


def spoiled(path: Path) -> None:
    """Make a journal that is damaged."""
    new_journal(path).close()
    path.write_bytes(b"-" + path.read_bytes()[1:])


@pytest.mark.parametrize(
    ("name", "make", "found"),
    [
        # A journal is known by its name, or by what it holds.
        ("a.csv.journal", new_journal, "a.csv.journal"),
        ("renamed.db", new_journal, "renamed.db"),
        ("a.csv.journal", Path.touch, "a.csv.journal"),
        # Any other file has its journal beside it.
        ("a.csv", Path.touch, "a.csv.journal"),
        ("a.csv", with_journal, "a.csv.journal"),
        ("a.db", database, "a.db.journal"),
        ("a.db", spoiled, "a.db.journal"),
        # What is not there is called as the caller calls it.
        ("gone.journal", str, "gone.journal"),
        ("gone.csv", str, "gone.csv"),
        # A pipe is not waited for.
        ("pipe", os.mkfifo, "pipe"),
    ],
)
def test_which_is_meant(
    tmp_path: Path, name: str, make: Callable[[Path], object], found: str
) -> None:
    """The name of a file of orders means its journal, there or not."""
    path = tmp_path / name
    made = make(path)
    if isinstance(made, Journal):
        made.close()

    assert tmp_path / found == find_journal(path)


def test_file_that_can_not_be_read(
    orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody can look into is a file of orders."""

    def denied(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", denied)

    assert journal_path(orders) == find_journal(orders)
