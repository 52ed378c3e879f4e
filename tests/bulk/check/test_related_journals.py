"""A file goes with the imports whose report it is, and with their reports."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from errno import EACCES
from pathlib import Path

import attrs
import pytest

from sesamy_async.bulk import (
    JournalBusyError,
    JournalError,
    JournalMismatchError,
)
from sesamy_async.bulk._states import SANDBOX
from sesamy_async.bulk.check import related_journals
from sesamy_async.bulk.journal import Journal
from support.journals import TERMS, new_journal


URL = TERMS.base_url


@pytest.fixture(autouse=True)
def _in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let names be those of a folder of the test's own."""
    monkeypatch.chdir(tmp_path)


def related(
    source: str, *journals: str, own: str | None = None, base_url: str = URL
) -> list[str]:
    """Return which journals a file goes with, of those that are there."""
    for each in journals:
        new_journal(Path(each)).close()
    with related_journals(
        Path(source),
        base_url=base_url,
        journal=None if own is None else Path(own),
    ) as found:
        return [str(each.path) for each in found]


@pytest.mark.parametrize(
    ("source", "journal"),
    [
        ("o.rejected.csv", "o.csv.journal"),
        ("o.rejected.csv", "o.CSV.journal"),
        ("o.rejected.csv", "o.journal"),
        ("o.rejected.2.csv", "o.csv.journal"),
        ("o.rejected.17.csv", "o.csv.journal"),
        ("o.jsonl.rejected.jsonl", "o.jsonl.journal"),
        ("o.rejected.jsonl", "o.journal"),
        ("o.txt.rejected.csv", "o.txt.journal"),
        ("o.unknown.csv", "o.csv.journal"),
        ("o.confirmed.csv", "o.csv.journal"),
        ("o.strays.csv", "o.csv.journal"),
        ("o.rejected.rejected.csv", "o.rejected.csv.journal"),
        ("o.rejected.rejected.csv", "o.csv.journal"),
        ("o.rejected.2.rejected.3.csv", "o.csv.journal"),
        ("o.rejected.2.csv", "o.rejected.csv.journal"),
        ("o.rejected.csv", "o.rejected.2.rejected.csv.journal"),
        ("o.csv", "o.rejected.csv.journal"),
        ("O.REJECTED.CSV", "o.csv.journal"),
        ("o.rejected.csv", "O.Unknown.csv.journal"),
        ("\u00e5.rejected.csv", "a\u030a.csv.journal"),
    ],
)
def test_related(source: str, journal: str) -> None:
    """It goes with the first import of the chain, and all its reports."""
    assert [journal] == related(source, journal)


@pytest.mark.parametrize(
    ("source", "journal"),
    [
        ("o.csv", "o.csv.journal"),
        ("o.rejected.csv", "o.rejected.csv.journal"),
        ("o.rejected.csv", "other.csv.journal"),
        ("o.rejected.csv", "o.jsonl.journal"),
        ("o.rejected.csv", "o-rejected.csv.journal"),
        ("o.mended.csv", "o.csv.journal"),
        ("o-2.csv", "o.csv.journal"),
        ("rejected.csv", "o.csv.journal"),
        ("o.csv.rejected.csv", "o.csv.journal"),
        ("o.rejected.csv", "o.csv.journal.1.new"),
    ],
)
def test_not_related(source: str, journal: str) -> None:
    """Its own journal, and those of other files, are left alone."""
    assert [] == related(source, journal)


def test_all_of_a_chain() -> None:
    """All of them are found, and each once."""
    journals = [
        "o.csv.journal",
        "o.rejected.2.csv.journal",
        "o.rejected.csv.journal",
    ]

    assert journals == related("o.rejected.rejected.csv", *journals)


def test_journal_of_another_name() -> None:
    """A journal that --journal named is known by what it holds."""
    Path("kept.db.csv").write_text("externalOrderId\nA", encoding="utf-8")

    assert ["kept.db"] == related("kept.db.rejected.csv", "kept.db")


def test_what_is_no_file() -> None:
    """What can't be a journal is not opened: a pipe would never end."""
    os.mkfifo("o.csv")
    Path("o.journal").mkdir()

    assert [] == related("o.rejected.csv")


def test_own_journal_elsewhere(tmp_path: Path) -> None:
    """It goes with the parents of its file and the reports of its journal."""
    (tmp_path / "kept").mkdir()
    kept = "kept/k.csv.journal"
    journals = ("o.csv.journal", kept, "kept/k.rejected.csv.journal")

    assert ["kept/k.rejected.csv.journal", "o.csv.journal"] == related(
        "o.rejected.csv", *journals, own=kept
    )


def test_two_journals_of_a_file() -> None:
    """Whoever names another journal for a file means another import."""
    assert [] == related("o.csv", "o.csv.journal", own="again.journal")


@pytest.mark.parametrize("own", [None, "elsewhere.journal"])
def test_linked_report(own: str | None) -> None:
    """Of a link, what counts is the name of the file it leads to."""
    Path("o.rejected.csv").touch()
    Path("latest.csv").symlink_to("o.rejected.csv")

    assert [str(Path("o.csv.journal").absolute())] == related(
        "latest.csv", "o.csv.journal", own=own
    )


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("https://a.example", "https://a.example", True),
        ("https://a.example", "https://b.example", False),
        (f"{SANDBOX}1", "https://a.example", False),
        ("https://a.example", f"{SANDBOX}1", False),
        (f"{SANDBOX}1", f"{SANDBOX}2", True),
    ],
)
def test_other_address(before: str, now: str, *, expected: bool) -> None:
    """Orders that went elsewhere are no rivals; all sandboxes are one."""
    terms = attrs.evolve(TERMS, base_url=before)
    new_journal(Path("o.csv.journal"), terms).close()

    assert expected == bool(related("o.rejected.csv", base_url=now))


def test_other_vendor_and_promo_code() -> None:
    """An id is one order, whatever it is sold under, as within a file."""
    terms = attrs.evolve(TERMS, vendor_id="other", promo_code="OTHER")
    new_journal(Path("o.csv.journal"), terms).close()

    assert ["o.csv.journal"] == related("o.rejected.csv")


def test_running() -> None:
    """Where one of them is in use, nothing can be said."""
    with (
        new_journal(Path("o.csv.journal")),
        pytest.raises(JournalBusyError) as raised,
    ):
        related("o.rejected.csv")

    assert (
        "o.rejected.csv goes with o.csv.journal, the journal of another "
        "import, and that one is in use. Let it end, or stop it, and try "
        "again: what was sent there must not be sent from here. Outcome: "
        "NOT_SENT. Nothing was sent."
    ) == str(raised.value)


def test_held() -> None:
    """None of them begins, or goes on, until the block ends."""
    paths = [Path("o.csv.journal"), Path("o.rejected.csv.journal")]
    for each in paths:
        new_journal(each).close()
    with related_journals(Path("o.unknown.csv"), base_url=URL):
        for each in paths:
            with pytest.raises(JournalBusyError):
                Journal.open(each)

    for each in paths:
        Journal.open(each).close()


def test_others_are_not_held() -> None:
    """One that sent its orders elsewhere is free at once."""
    path = Path("o.csv.journal")
    new_journal(path).close()
    with related_journals(Path("o.rejected.csv"), base_url="https://b"):
        Journal.open(path).close()


def test_free_after_a_refusal() -> None:
    """Where one of them is in use, the others are free again."""
    first = Path("o.csv.journal")
    new_journal(first).close()
    with (
        new_journal(Path("o.rejected.csv.journal")),
        pytest.raises(JournalBusyError),
    ):
        related("o.unknown.csv")

    Journal.open(first).close()


@pytest.mark.parametrize("linked", ["o.journal", "o.rejected"])
def test_two_names_of_one(linked: str) -> None:
    """A journal with two names is opened once, or it would be in use."""
    new_journal(Path("o.csv.journal")).close()
    Path(linked).symlink_to("o.csv.journal")

    assert 1 == len(related("o.unknown.csv"))


def test_databases_of_others() -> None:
    """What has no journal's name, and is none, is not opened."""
    with closing(sqlite3.connect("o")) as db:
        db.execute("CREATE TABLE t (c)")

    assert [] == related("o.rejected.csv")


DAMAGED = (
    "The journal o.csv.journal can't be used: it is damaged. Keep it, and get "
    "it back from a backup: it says which orders were sent."
)
NO_JOURNAL = (
    "But o.csv.journal is no journal of an import, though it has the name of "
    "one. If it is damaged, get it back from a backup; if it is something "
    "else, move it away."
)
VERSION = (
    "The journal o.csv.journal was made by another version of sesamy-async "
    "(its format is 9, not 2). Finish its import with the version that began "
    "it."
)


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ("DELETE FROM terms", JournalError, DAMAGED),
        ("PRAGMA user_version = 9", JournalMismatchError, VERSION),
        (b"", JournalMismatchError, NO_JOURNAL),
        (b"something else", JournalMismatchError, NO_JOURNAL),
    ],
)
def test_can_not_be_used(
    change: str | bytes, kind: type[JournalError], said: str
) -> None:
    """A journal that can't be used is named, with what to do."""
    path = Path("o.csv.journal")
    if isinstance(change, bytes):
        path.write_bytes(change)
    else:
        new_journal(path).close()
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(change)
    with pytest.raises(kind) as raised:
        related("o.rejected.csv")

    assert str(raised.value) == (
        "o.rejected.csv goes with another import: what was sent there must "
        f"not be sent from here. {said} Outcome: NOT_SENT. Nothing was sent."
    )


def test_no_folder() -> None:
    """A folder that is not there is named."""
    with pytest.raises(JournalError) as raised:
        related("o.csv", own="gone/o.journal")

    assert (
        "The journal gone/o.journal can't be made, for the journals of "
        "related imports can't be looked for (gone: No such file or "
        "directory). See that this is there, and that you may read it. "
        "Outcome: NOT_SENT. Nothing was sent."
    ) == str(raised.value)


@pytest.mark.parametrize("asked", ["iterdir", "is_file"])
def test_what_can_not_be_looked_at(
    monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    """What can't be looked at may be a journal, so it is named."""

    def refused(path: Path) -> None:
        raise PermissionError(EACCES, "Permission denied", str(path))

    Path("o.csv.journal").touch()
    monkeypatch.setattr(Path, asked, refused)
    with pytest.raises(JournalError, match="denied"):
        related("o.rejected.csv")
