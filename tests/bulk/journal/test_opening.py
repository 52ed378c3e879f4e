"""One process has a journal; what is no journal of ours is left alone."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sesamy_async.bulk import (
    JournalBusyError,
    JournalError,
    JournalMismatchError,
    State,
)
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal._trouble import damaged
from support.journals import change, new_journal


HOLDER = """
import pathlib, sys
from sesamy_async.bulk.journal import Change, Journal
from sesamy_async.bulk.journal._trouble import damaged
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


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Have another process hold a journal."""
    with subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-c", HOLDER, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"held\n"
            yield process
        finally:
            process.kill()


def test_busy(path: Path) -> None:
    """A second process is refused; a kill frees the journal at once."""
    new_journal(path).close()
    with held(path) as process:
        with pytest.raises(JournalBusyError, match="is in use"):
            Journal.open(path)
        process.kill()
        process.wait()
        with Journal.open(path) as journal:
            counts = journal.counts()

    # It was killed after its commit.
    assert 1 == counts[State.INTENT]


def test_busy_within(path: Path) -> None:
    """A second importer in the same process is refused too."""
    said: list[str] = []
    with new_journal(path):
        for _ in range(2):
            with pytest.raises(JournalBusyError) as raised:
                Journal.open(path)
            said.append(raised.value.args[0])

    busy = (
        f"The journal {path} is in use: another import of this file, or the "
        "check of one of its reports, is running. Let it end, or stop it, "
        "and try again."
    )

    assert [busy, busy] == said


def test_busy_at_once(path: Path) -> None:
    """Who finds another process there is told, rather than kept waiting."""
    with new_journal(path) as journal:
        [[wait]] = journal._store._db.execute("PRAGMA busy_timeout")

    assert 0 == wait


def test_a_name_that_is_a_uri(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite is told that it is one: not each is built to see that."""
    told: list[object] = []
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def noting(name: str, **how: Any) -> sqlite3.Connection:
        told.append(how.get("uri"))
        return connect(name, **how)

    monkeypatch.setattr(sqlite3, "connect", noting)
    new_journal(path).close()

    assert {True} == set(told)


def test_no_transaction_but_ours(path: Path) -> None:
    """Python begins none by itself, in which a change would be left."""
    with new_journal(path) as journal:
        db = journal._store._db
        db.execute("UPDATE orders SET reason = 'x'")

        assert not db.in_transaction


def test_durable(path: Path) -> None:
    """Each commit is flushed to the disk before it counts."""
    with new_journal(path) as journal:
        [[mode]] = journal._store._db.execute("PRAGMA journal_mode")
        [[flush]] = journal._store._db.execute("PRAGMA synchronous")
        [[on_macs]] = journal._store._db.execute("PRAGMA fullfsync")

    full, on = 2, 1

    assert ("wal", full, on) == (mode, flush, on_macs)


def test_missing(path: Path) -> None:
    """Opening makes no journal where none is."""
    with pytest.raises(JournalError, match="There is no journal"):
        Journal.open(path)

    assert [] == list(path.parent.iterdir())


@pytest.mark.parametrize("content", [b"", b"order;price\n" * 99, b"SQLite f"])
def test_no_database(path: Path, content: bytes) -> None:
    """A file that is something else is refused, and not touched."""
    path.write_bytes(content)
    with pytest.raises(JournalMismatchError) as raised:
        Journal.open(path)

    assert content == path.read_bytes()
    assert raised.value.args[0] == (
        f"{path} is no journal of an import, or it is damaged. If it is to "
        "be one, get it back from a backup: it says which orders were sent. "
        "If it is something else, move it away, or name another place for "
        "the journal."
    )


def test_other_database(path: Path) -> None:
    """A database of another program is refused, and not touched."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(JournalMismatchError, match="is no journal"):
        Journal.open(path)

    assert before == path.read_bytes()


def test_folder(path: Path) -> None:
    """A folder is no journal."""
    path.mkdir()
    with pytest.raises(JournalError, match="can't be opened"):
        Journal.open(path)


def test_other_version(path: Path) -> None:
    """A journal of another version is refused, and says what to do."""
    new_journal(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 1")
    with pytest.raises(JournalMismatchError) as raised:
        Journal.open(path)

    assert raised.value.args[0] == (
        f"The journal {path} was made by another version of sesamy-async "
        "(its format is 1, not 2). Finish its import with the version that "
        "began it."
    )


def test_refused_is_closed(path: Path) -> None:
    """A journal that was refused is not held."""
    new_journal(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM terms")
        db.commit()
    with pytest.raises(JournalError, match="is damaged"):
        Journal.open(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 2")


@pytest.mark.parametrize(
    "terms", ["", "{", "[]", "{}", '{"confirm": "maybe"}', "null"]
)
def test_damaged_terms(path: Path, terms: str) -> None:
    """Terms that can't be read are damage."""
    new_journal(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE terms SET json = ?", (terms,))
        db.commit()
    with pytest.raises(JournalError) as raised:
        Journal.open(path)

    assert str(damaged(path)) == str(raised.value)


def test_closed(path: Path) -> None:
    """A closed journal says so; closing it again does nothing."""
    journal = new_journal(path)
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="closed database"):
        journal.apply([change(2, State.INTENT)])
    with pytest.raises(JournalError, match="closed database"):
        journal.counts()


def test_old_sqlite(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SQLite that is too old is named before anything is sent."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 32, 3))
    with pytest.raises(JournalError, match=r"needs SQLite 3\.33\.0"):
        new_journal(path)

    assert [] == list(path.parent.iterdir())


def test_oldest_sqlite(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest SQLite that has all we use will do."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 33, 0))
    with new_journal(path) as journal:
        counts = journal.counts()

    assert 3 == counts[State.PENDING]
