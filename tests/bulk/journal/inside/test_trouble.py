"""What goes wrong with the disk is told, with what to do."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from sesamy_async._wal import wal_of
from sesamy_async.bulk import JournalError, State
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal._files import (
    as_journal_error,
    damaged,
    trouble,
)
from support.journals import bring, change, new_journal
from support.users import powerless, reachable_folder


ADVICE = "Check that its folder exists, and that you may read and write both."

LIMIT = """
import pathlib, resource, signal, sys
from sesamy_async.bulk import JournalError, State
from sesamy_async.bulk.journal import Change, Journal, Planned, Terms
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = pathlib.Path(sys.argv[1])
journal = Journal.open(path) if path.exists() else None
limit, most = resource.RLIMIT_FSIZE, resource.RLIM_INFINITY
resource.setrlimit(limit, (60_000, most))
terms = Terms(source="", fingerprint="", promo_code=None, vendor_id="",
    base_url="")
written = 0
try:
    if journal is None:
        Journal.create(path, terms, (Planned(row=row, order_id=f"A-{row}")
            for row in range(9_999)))
    for row in range(2, 302):
        journal.apply([Change(row=row, state=State.INTENT)])
        written += 1
except JournalError as error:
    print(written, error)
# What measures coverage writes files too.
resource.setrlimit(limit, (most, most))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a journal can be."""
    return tmp_path / "orders.journal"


def test_full(path: Path) -> None:
    """On a full disk nothing is half written; with room it goes on."""
    with new_journal(path, rows=50) as journal:
        [[pages]] = journal._store._db.execute("PRAGMA page_count")
        journal._store._db.execute(f"PRAGMA max_page_count = {pages}")
        long = [
            change(row, State.INTENT, reason="x" * 500) for row in range(2, 52)
        ]
        with pytest.raises(JournalError, match=r"disk is full\. Free some"):
            journal.apply(long)
        before = journal.counts()
        journal._store._db.execute(f"PRAGMA max_page_count = {pages * 100}")
        journal.apply(long)

        assert 50 == before[State.PENDING]
        assert 50 == journal.counts()[State.INTENT]


@pytest.mark.parametrize("new", [True, False])
def test_limit_of_a_file(path: Path, *, new: bool) -> None:
    """Where the system takes no more, what was told written is there."""
    if not new:
        new_journal(path, rows=300).close()
    # A process that may write no file over 60 KB.
    said = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", LIMIT, path],
        check=True,
        timeout=120,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    if new:
        assert said.startswith(f"0 The journal {path} can't be used")
        assert [] == list(path.parent.iterdir())
        return
    written = int(said.partition(" ")[0])
    with Journal.open(path) as journal:
        intents = journal.counts()[State.INTENT]

    assert "Check that there is space" in said
    assert 0 < written < 300
    # The one that failed may be there, or not: nobody was told that it is.
    assert intents in {written, written + 1}


def test_read_only() -> None:
    """A file or a folder that may only be read is refused; one must be."""
    with reachable_folder() as folder:
        path = folder / "orders.journal"
        new_journal(path).close()
        path.chmod(0o444)
        folder.chmod(0o555)
        with powerless():
            with pytest.raises(JournalError, match="can't be locked"):
                Journal.open(path)
            with pytest.raises(JournalError, match="Permission denied"):
                new_journal(folder / "other.journal")
        with pytest.raises(JournalError, match="used: No such file or direc"):
            new_journal(folder / "no" / "orders.journal")


@pytest.mark.parametrize("lost", ["folder", "journal", "wal", "replaced"])
def test_lost(path: Path, lost: str) -> None:
    """A journal that nobody will find again takes nothing more."""
    folder = path.parent / "in"
    folder.mkdir()
    path = folder / path.name
    journal = new_journal(path)
    journal.apply([change(2, State.INTENT)])
    match lost:
        case "folder":
            shutil.rmtree(folder)
        case "journal":
            path.unlink()
        case "wal":
            wal_of(path).unlink()
        case _:
            path.rename(folder / "old")
            path.write_bytes(b"")
    with pytest.raises(JournalError) as raised:
        journal.apply([change(3, State.INTENT)])
    intents = journal.counts()[State.INTENT]
    journal.close()
    gone = wal_of(path) if lost == "wal" else path

    assert 1 == intents
    assert raised.value.args[0] == (
        f"{gone} was deleted, moved or replaced while the import was running, "
        "so nothing more is written. Put it back before you continue: it "
        "says which orders were sent."
    )


def test_flipped_bits(path: Path) -> None:
    """Whatever bit of a journal is wrong, it is read or called damaged."""
    with new_journal(path, rows=60) as journal:
        for row, state in zip(range(2, 60), [*State] * 20, strict=False):
            bring(journal, row, state)
        journal.memory.add("orders.csv", b"x" * 32)
    whole = path.read_bytes()
    used = [at for at, byte in enumerate(whole) if byte]
    chance = random.Random(1)  # noqa: S311 - repeatable
    rows: Counter[int | None] = Counter()
    for at in chance.sample(used, 400):
        content = bytearray(whole)
        content[at] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        rows[_read(path)] += 1

    assert {None, 60} == set(rows)


def _read(path: Path) -> int | None:
    """Read all of a journal; return how many rows it has."""
    try:
        with Journal.open(path) as journal:
            journal.counts()
            journal.strays()
            journal.timeline(60.0)
            journal.memory.recall()
            journal.holders(["c-4"])
            return len([*journal.entries()])
    except JournalError:
        return None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(), f"OSError. {ADVICE}"),
        (sqlite3.ProgrammingError("odd"), "SQLite says: odd."),
    ],
)
def test_other_trouble(path: Path, error: OSError, said: str) -> None:
    """What nobody thought of is told as it is; whether it sent, as well."""
    assert str(trouble(path, error)) == (
        f"The journal {path} can't be used: {said} Outcome: NOT_SENT. "
        "Orders without a record in the journal were not sent."
    )
    assert str(JournalError("It is in use.", unsent=True)) == (
        "It is in use. Outcome: NOT_SENT. Nothing was sent."
    )
    # Python decodes names and messages of SQLite; its error shows them.
    with pytest.raises(JournalError) as odd, as_journal_error(path):
        b"\xff".decode()

    assert str(damaged(path)) == str(odd.value)
