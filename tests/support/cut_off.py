"""An import that was cut off, for the commands of its journal."""

from __future__ import annotations

from pathlib import Path

import attrs

from sesamy_async.bulk import Confirm, State
from sesamy_async.bulk.journal import Journal, journal_path

from .journals import TERMS, bring, change, new_journal


def cut_off(folder: Path) -> Path:
    """Return a file of six orders, whose import was cut off.

    A-2 and A-3 are unknown, A-4 was being sent, A-5 is confirmed, A-6 is
    created and A-7 was not sent.
    """
    file = folder / "orders.csv"
    file.write_text("externalOrderId\n")
    terms = attrs.evolve(TERMS, confirm=Confirm.AT_ONCE)
    with new_journal(journal_path(file), terms, rows=6) as journal:
        bring(journal, 2, State.UNKNOWN)
        bring(journal, 3, State.UNKNOWN)
        bring(journal, 4, State.INTENT)
        bring(journal, 5, State.CONFIRMED)
        bring(journal, 6, State.CREATED)
    return file


def states(file: Path) -> dict[str | None, str]:
    """Return where every order is."""
    with Journal.open(journal_path(file)) as journal:
        return {
            entry.order_id: str(entry.state) for entry in journal.entries()
        }


def settle_all(file: Path) -> None:
    """Bring every order to its end."""
    with Journal.open(journal_path(file)) as journal:
        journal.restart()
        journal.apply([change(row, State.PENDING) for row in (2, 3, 4)])
        for row in (2, 3, 4, 7):
            bring(journal, row, State.CONFIRMED)
        journal.apply([change(6, State.CONFIRMED)])
