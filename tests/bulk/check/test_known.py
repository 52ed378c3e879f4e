"""A check finds orders that another import has."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from sesamy_async.bulk import JournalError, Source, State
from sesamy_async.bulk import check as known
from sesamy_async.bulk.check import check
from sesamy_async.bulk.journal import Journal
from support.journals import bring, new_journal
from support.order_files import Folder


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Return where the journal of the other import is."""
    return tmp_path / "orders.csv.journal"


def reason(row: int, what: str) -> str:
    """Say that a row of the other import has the order."""
    return (
        f"its externalOrderId is that of row {row} of orders.csv, {what}: "
        "remove this row, or, if it is another order, mend its id and empty "
        "its #reason"
    )


CONFIRMED = "which is confirmed"


def problems(source: Source, *journals: Path) -> list[str]:
    """Return all that is wrong with a file."""
    with ExitStack() as opened:
        others = [
            opened.enter_context(Journal.open(each)) for each in journals
        ]
        with check(source, promo_code="S", journals=others) as checked:
            found = [*checked.problems()]
            assert len({each.row for each in found}) == checked.invalid
            return [*map(str, found)]


@pytest.mark.parametrize(
    ("state", "what"),
    [
        (State.PENDING, "which that import sends when it goes on"),
        (State.INTENT, "which that import was sending when it stopped"),
        (State.CREATED, "whose contract is made"),
        (State.CONFIRMED, CONFIRMED),
        (State.UNKNOWN, "of which nobody knows whether it has a contract"),
    ],
)
def test_known(folder: Folder, journal: Path, state: State, what: str) -> None:
    """An order that the other import has, or may have, is a mistake."""
    with new_journal(journal) as other:
        bring(other, 3, state)
    # Ids that only look the same are orders of their own.
    source = folder.csv("externalOrderId", "a-3", "A-3", "A-")

    assert [f"row 3: {reason(3, what)}"] == problems(source, journal)


def test_any_of_them(folder: Folder, journal: Path) -> None:
    """What was rejected may be sent, unless another import has sent it."""
    second = journal.with_name("second.journal")
    with new_journal(journal) as other:
        bring(other, 3, State.REJECTED)
    with new_journal(second) as other:
        bring(other, 3, State.CONFIRMED)
    source = folder.csv("externalOrderId", "A-3")

    assert [] == problems(source, journal)
    assert [f"row 2: {reason(3, CONFIRMED)}"] == problems(
        source, journal, second
    )


def test_doubtful_ids(folder: Folder, journal: Path) -> None:
    """A wrong id counts for what somebody will make of it."""
    with new_journal(journal) as other:
        bring(other, 2, State.CONFIRMED)
    source = folder.csv("externalOrderId", "A-2 ")

    assert [
        "row 2, externalOrderId: must not begin or end with spaces",
        f"row 2: {reason(2, CONFIRMED)}",
    ] == problems(source, journal)


def test_many(
    folder: Folder, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row is found, however many there are, and rows alike too."""
    monkeypatch.setattr(known, "_AT_ONCE", 2)
    with new_journal(journal, rows=7) as other:
        for row in range(2, 9):
            bring(other, row, State.CONFIRMED)
    rows = ["A-8", "B", "A-7", "A-6", "C", "A-5", "A-8"]
    found = problems(folder.csv("externalOrderId", *rows), journal)

    assert [
        f"row 2: {reason(8, CONFIRMED)}",
        f"row 4: {reason(7, CONFIRMED)}",
        f"row 5: {reason(6, CONFIRMED)}",
        f"row 7: {reason(5, CONFIRMED)}",
        "row 8: the same row as row 2: remove this one",
        f"row 8: {reason(8, CONFIRMED)}",
    ] == found


def test_can_not_be_read(
    folder: Folder, journal: Path, notes_closed: list[bool]
) -> None:
    """Where a journal can't be read, what was found so far is removed."""
    source = folder.csv("externalOrderId", "B")
    other = new_journal(journal)
    other.close()
    with pytest.raises(JournalError):
        check(source, promo_code="S", journals=[other])

    assert [True] == notes_closed
