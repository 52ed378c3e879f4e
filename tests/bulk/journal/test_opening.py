"""One process has a journal, until it closes or removes it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
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
                f"The journal {path} is in use: another import of this file, "
                "or the check of one of its reports, is running. Let it end, "
                "or stop it, and try again."
            )

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

    assert f"The journal {path} can't be used: it is damaged" in str(
        raised.value
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


@pytest.mark.parametrize("gone", [False, True])
def test_purge(path: Path, *, gone: bool) -> None:
    """A purged journal leaves no file, even if somebody has deleted it."""
    journal = new_journal(path)
    journal.apply([change(2, State.INTENT)])
    for each in path.parent.iterdir() if gone else ():
        each.unlink()
    journal.purge()

    assert [] == list(path.parent.iterdir())


def test_purge_through_a_link(path: Path) -> None:
    """It is the journal that goes, or it would say what was sent before."""
    new_journal(path).close()
    link = path.with_name("latest.journal")
    link.symlink_to(path.name)
    with Journal.open(link) as journal:
        journal.apply([change(2, State.INTENT)])
        journal.purge()

    assert [link] == list(path.parent.iterdir())


def test_link_that_leads_nowhere(path: Path) -> None:
    """A link to itself is no journal."""
    path.symlink_to(path.name)
    with pytest.raises(JournalError):
        Journal.open(path)


@pytest.mark.parametrize("which", ["journal", "leftover"])
def test_purge_that_fails(path: Path, which: str) -> None:
    """A journal is named if it, or what a crash has left, can't be removed."""
    journal = new_journal(path)
    if which == "journal":
        path.unlink()
        path.mkdir()
    else:
        path.with_name(f".{path.name}.1.new").mkdir()
    with pytest.raises(JournalError) as raised:
        journal.purge()

    assert raised.value.args[0].startswith(f"The journal {path} can't be")


class _Untidy(sqlite3.Connection):
    def close(self) -> None:
        """Close it, and say that this did not go well."""
        super().close()
        raise sqlite3.OperationalError("untidy")


def test_close_that_fails(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that can't be tidied up is named."""
    journal = new_journal(path)
    journal.close()
    untidy = sqlite3.connect(path, factory=_Untidy)
    monkeypatch.setattr(journal._store, "_db", untidy)
    with pytest.raises(JournalError) as raised:
        journal.close()

    assert raised.value.args[0] == (
        f"The journal {path} can't be used: SQLite says: untidy."
    )
