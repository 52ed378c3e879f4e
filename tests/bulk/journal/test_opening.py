"""One process has a journal, until it closes or removes it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest

from sesamy_async.bulk import (
    JournalBusyError,
    JournalError,
    JournalMismatchError,
    State,
)
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal._database import VERSION
from support.journals import change, new_journal


HOLDER = """
import pathlib, sys
from sesamy_async.bulk.journal import Change, Journal
from sesamy_async.bulk import State
journal = Journal.open(pathlib.Path(sys.argv[1]))
journal.apply([Change(row=2, state=State.INTENT)])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a journal can be; its name needs care in a URI."""
    return tmp_path / "a?b#c %41.journal"


def test_busy(path: Path) -> None:
    """A second process is refused; a kill frees the journal at once."""
    new_journal(path).close()
    with subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-c", HOLDER, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        held = process.stdout.readline()
        with pytest.raises(JournalBusyError, match="is in use"):
            Journal.open(path)
        process.kill()
    with Journal.open(path) as journal:
        counts = journal.counts()

    # It was killed after its commit.
    assert (b"held\n", 1) == (held, counts[State.INTENT])


def test_busy_within(path: Path) -> None:
    """A second importer in the same process is refused too, at once."""
    with new_journal(path) as journal:
        [[wait]] = journal._store._db.execute("PRAGMA busy_timeout")
        for _ in range(2):
            with pytest.raises(JournalBusyError) as raised:
                Journal.open(path)

            assert raised.value.args[0] == (
                f"The journal {path} is in use by another command, such as an "
                "import of this file. Wait until it ends, or stop it, and "
                "try again."
            )

    assert 0 == wait


def test_a_name_that_is_a_uri(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite must know that it is one: not each build detects that."""
    connect = Mock(wraps=sqlite3.connect)
    monkeypatch.setattr(sqlite3, "connect", connect)
    new_journal(path).close()

    assert {True} == {each.kwargs["uri"] for each in connect.call_args_list}


def test_settings_of_sqlite(path: Path) -> None:
    """Each commit is flushed, and no transaction begins but ours."""
    with new_journal(path) as journal:
        db = journal._store._db
        found = [
            db.execute(f"PRAGMA {each}").fetchone()[0]
            for each in ("journal_mode", "synchronous", "fullfsync")
        ]
        db.execute("UPDATE orders SET reason = 'x'")
        left = db.in_transaction

    full, on = 2, 1

    assert ["wal", full, on] == found
    assert not left


NO_JOURNAL = (
    "{} is not a journal of an import, or it is damaged. If it should be one, "
    "restore it from a backup: it says which orders were sent. If it is "
    "something else, move it away, or choose another place for the journal."
)
OTHER_VERSION = (
    "The journal {} was written by another version of sesamy-async (its "
    "format is 1, not 4). Finish its import with the version that began it."
)


def other_database(path: Path) -> None:
    """Make a database of another program."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (x)")


def spoiled(path: Path, statement: str) -> None:
    """Make a journal, and change it as none of ours would."""
    new_journal(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)
        db.commit()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        *(
            (partial(Path.write_bytes, data=content), NO_JOURNAL)
            for content in (b"", b"order;price\n" * 99, b"SQLite f")
        ),
        (other_database, NO_JOURNAL),
        (partial(spoiled, statement="PRAGMA user_version = 1"), OTHER_VERSION),
        (lambda _: None, "There is no journal"),
        (Path.mkdir, "can't be opened"),
        (lambda path: path.symlink_to(path.name), "{}"),
    ],
)
def test_no_journal(
    path: Path, make: Callable[[Path], object], said: str
) -> None:
    """What is something else is refused with what to do, and not touched."""
    make(path)
    before = [*path.parent.iterdir()]
    content = path.read_bytes() if path.is_file() else None
    with pytest.raises(JournalError) as raised:
        Journal.open(path)

    assert said.format(path) in raised.value.args[0]
    assert before == [*path.parent.iterdir()]
    assert content == (path.read_bytes() if path.is_file() else None)
    if said in {NO_JOURNAL, OTHER_VERSION}:
        assert isinstance(raised.value, JournalMismatchError)


def overwritten(path: Path) -> None:
    """Make a journal, and overwrite all but its first pages."""
    new_journal(path, rows=1_000).close()
    content = bytearray(path.read_bytes())
    content[8_192:] = b"\x5a" * (len(content) - 8_192)
    path.write_bytes(content)


@pytest.mark.parametrize(
    "make",
    [
        overwritten,
        *(
            partial(spoiled, statement=each)
            for each in (
                "DELETE FROM terms",
                "DELETE FROM wal",
                "UPDATE wal SET mark = ''",
                "UPDATE wal SET mark = '0 x 0 0'",
                # It is not shown: the error of Python shows it.
                "UPDATE orders SET reason = CAST(x'41ff42' AS TEXT)",
                "UPDATE orders SET order_id = CAST(row || x'ff' AS TEXT)",
                "ALTER TABLE orders RENAME TO others",
            )
        ),
        *(
            partial(spoiled, statement=f"UPDATE terms SET json = '{each}'")  # noqa: S608 - ours
            for each in ("", "{", "[]", "{}", '{"confirm": "maybe"}', "null")
        ),
    ],
)
def test_damaged(path: Path, make: Callable[[Path], object]) -> None:
    """What can't be understood is damage; the file is not held."""
    make(path)
    with pytest.raises(JournalError) as raised, Journal.open(path) as journal:
        [*journal.entries()]
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {VERSION}")

    assert str(raised.value) == (
        f"The journal {path} can't be used: it is damaged. Keep it, and "
        "restore it from a backup: it says which orders were sent. Outcome: "
        "NOT_SENT. Orders without a record in the journal were not sent."
    )


def test_closed(path: Path) -> None:
    """A closed journal says so; closing it again does nothing."""
    journal = new_journal(path)
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="closed database"):
        journal.apply([change(2, State.INTENT)])
    with pytest.raises(JournalError, match="closed database"):
        journal.counts()


@pytest.mark.parametrize("version", [(3, 32, 3), (3, 33, 0)])
def test_old_sqlite(
    path: Path, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]
) -> None:
    """A SQLite that is too old is named; the oldest of all others does."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    if version == (3, 33, 0):
        new_journal(path).close()
        return
    with pytest.raises(JournalError, match=r"needs SQLite 3\.33\.0"):
        new_journal(path)

    assert [] == list(path.parent.iterdir())


@pytest.mark.parametrize("how", ["there", "gone", "link"])
def test_purge(path: Path, how: str) -> None:
    """No file is left, also if it is deleted already or reached by a link."""
    new_journal(path).close()
    link = path.with_name("latest.journal")
    if how == "link":
        link.symlink_to(path.name)
    journal = Journal.open(link if how == "link" else path)
    journal.apply([change(2, State.INTENT)])
    for each in [*path.parent.iterdir()] if how == "gone" else ():
        each.unlink()
    journal.purge()

    assert [link] * (how == "link") == [*path.parent.iterdir()]


@pytest.mark.parametrize("which", ["journal", "leftover", "opening"])
def test_what_can_not_be_removed(path: Path, which: str) -> None:
    """A journal is named if it, or what a crash has left, can't be removed."""
    journal = new_journal(path)
    if which == "journal":
        path.unlink()
        path.mkdir()
    else:
        path.with_name(f".{path.name}.1.new").mkdir()
    act: Callable[[], object] = journal.purge
    if which == "opening":
        journal.close()
        act = partial(Journal.open, path)
    with pytest.raises(JournalError) as raised:
        act()

    assert raised.value.args[0].startswith(f"The journal {path} can't be")


def test_close_that_fails(path: Path) -> None:
    """An error of SQLite when it closes is one of the journal."""
    journal = new_journal(path)
    journal.close()
    error = sqlite3.OperationalError("untidy")
    journal._store._db = Mock(close=Mock(side_effect=error))
    with pytest.raises(JournalError, match="can't be used: SQLite says: unti"):
        journal.close()
