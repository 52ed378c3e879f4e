"""A journal remembers the reports that were written of its import."""

from __future__ import annotations

from pathlib import Path

from sesamy_async.bulk.journal import Journal, Reported, Rows, Written
from support.journals import new_journal


def written(digest: bytes, *rows: int) -> Written:
    """Return a report of these rows."""
    known = Rows()
    for row in rows:
        known.add(row)
    return Written(digest, known)


def test_reports(tmp_path: Path) -> None:
    """What is remembered is recalled, in its order, by another process."""
    reported: Reported = {
        "rejected.csv": (written(b"\0\xff", 2, 900), written(b"1")),
        "orders.html": (written(b"2", 7),),
    }
    with new_journal(tmp_path / "j") as journal:
        journal.memory.remember(reported)
    with Journal.open(tmp_path / "j") as journal:
        assert reported == journal.memory.recall()


def test_only_the_latest(tmp_path: Path) -> None:
    """What is remembered takes the place of what was."""
    with new_journal(tmp_path / "j") as journal:
        journal.memory.remember({"a": (written(b"1", 2),)})
        journal.memory.remember({"b": (written(b"3", 4),)})

        assert {"b": (written(b"3", 4),)} == journal.memory.recall()
