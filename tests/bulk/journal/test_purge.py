"""A journal is closed, and removed, as a whole."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from sesamy_async.bulk import JournalError, State
from sesamy_async.bulk.journal import Journal
from support.journals import change, new_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a journal can be."""
    return tmp_path / "orders.journal"


def test_purge(path: Path) -> None:
    """A purged journal leaves no file behind."""
    journal = new_journal(path)
    journal.apply([change(2, State.INTENT)])
    journal.purge()

    assert [] == list(path.parent.iterdir())


def test_purge_of_what_is_gone(path: Path) -> None:
    """A journal that somebody else has deleted is purged."""
    journal = new_journal(path)
    journal.apply([change(2, State.INTENT)])
    for each in path.parent.iterdir():
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


def test_purge_that_fails(path: Path) -> None:
    """A journal that can't be removed is named."""
    journal = new_journal(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(JournalError, match=f"^The journal {path} can't be"):
        journal.purge()


def test_purge_of_remains_that_fails(path: Path) -> None:
    """So it is where what a crash has left can't be removed."""
    journal = new_journal(path)
    path.with_name(f".{path.name}.1.new").mkdir()
    with pytest.raises(JournalError, match=f"^The journal {path} can't be"):
        journal.purge()


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
