"""The journal keeps what was decided, and moves orders only as they may."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from sesamy_async.bulk import Change, Entry, JournalError, Planned, State
from sesamy_async.bulk._states import MOVES
from sesamy_async.bulk.journal import Journal, journal_path
from support.journals import AT, TERMS, bring, change, new_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a journal can be."""
    return tmp_path / "orders.csv.journal"


def test_place() -> None:
    """A journal stands beside its file."""
    assert Path("in/orders.csv.journal") == journal_path(Path("in/orders.csv"))


def test_plan(path: Path) -> None:
    """A new journal holds every row: to be sent, or rejected."""
    rows = [
        Planned(row=2, order_id="A-2"),
        Planned(row=3, order_id=None, reason="externalOrderId: is missing"),
        Planned(row=9, order_id=None, reason="is that of row 2"),
    ]
    with new_journal(path, rows=rows) as journal:
        entries = list(journal.entries())

        assert [
            Entry(row=2, order_id="A-2", state=State.PENDING),
            Entry(
                row=3,
                order_id=None,
                state=State.REJECTED,
                reason="externalOrderId: is missing",
            ),
            Entry(
                row=9,
                order_id=None,
                state=State.REJECTED,
                reason="is that of row 2",
            ),
        ] == entries
        assert 3 == sum(journal.counts().values())
        assert path == journal.path


def test_kept(path: Path) -> None:
    """What was put into a journal is there when it is opened again."""
    with new_journal(path) as journal:
        journal.apply([Change(row=3, state=State.INTENT)])
        journal.apply(
            [Change(row=3, state=State.CREATED, contract_id="c1", strays=2)]
        )
    with Journal.open(path) as journal:
        entry = journal.entry("A-3")
        missing = journal.entry("A-99")
        terms = journal.terms

    assert missing is None
    assert terms == TERMS
    assert entry == Entry(
        row=3,
        order_id="A-3",
        state=State.CREATED,
        contract_id="c1",
        strays=2,
        at=AT,
    )


def test_change(path: Path) -> None:
    """A change keeps the contract, replaces the reason, adds strays."""
    with new_journal(path) as journal:
        journal.apply(
            [
                change(2, State.INTENT, strays=1, reason="first"),
                change(2, State.CREATED, strays=1, contract_id="c1"),
                change(2, State.CONFIRMED, contract_id=None),
            ]
        )
        entry = journal.entry("A-2")

        assert entry is not None
        assert ("c1", None, 2, State.CONFIRMED) == (
            entry.contract_id,
            entry.reason,
            entry.strays,
            entry.state,
        )
        assert 2 == journal.strays()


@pytest.mark.parametrize("after", State)
@pytest.mark.parametrize("before", State)
def test_moves(path: Path, before: State, after: State) -> None:
    """An order goes only where MOVES lets it."""
    with new_journal(path) as journal:
        bring(journal, 3, before)
        allowed = after in MOVES[before]
        if allowed:
            journal.apply([change(3, after)])
        else:
            with pytest.raises(JournalError, match=f"row 3 to {after}"):
                journal.apply([change(3, after)])
        entry = journal.entry("A-3")

        assert entry is not None
        assert (after if allowed else before) == entry.state


def test_all_or_nothing(path: Path) -> None:
    """One forbidden move keeps all changes of its call from disk."""
    changes = [
        change(2, State.INTENT),
        change(3, State.INTENT),
        change(3, State.CREATED),
        change(99, State.INTENT),
    ]
    with new_journal(path) as journal:
        with pytest.raises(JournalError) as raised:
            journal.apply(changes)
        before = journal.counts()
        journal.apply(changes[:3])

        assert raised.value.args[0] == (
            f"The journal {path} was asked to move row 99 to INTENT, which "
            "no order may do. That is a mistake in sesamy-async: please "
            "report it."
        )
        assert 3 == before[State.PENDING]
        assert {
            State.PENDING: 1,
            State.INTENT: 1,
            State.CREATED: 1,
            State.CONFIRMED: 0,
            State.REJECTED: 0,
            State.UNKNOWN: 0,
        } == journal.counts()


def test_contract_without_id(path: Path) -> None:
    """No order is created or confirmed without its contract's id."""
    with new_journal(path) as journal:
        journal.apply([change(2, State.INTENT)])
        with pytest.raises(JournalError, match="mistake in sesamy-async"):
            journal.apply([Change(row=2, state=State.CREATED)])

        assert 1 == journal.counts()[State.INTENT]


@pytest.mark.parametrize("reason", ["\ud800 half", "naïve ☃", "'); --", ""])
def test_odd_reasons(path: Path, reason: str) -> None:
    """Whatever Sesamy writes as a reason can be kept and read."""
    plain = reason.replace("\ud800", "?")
    with new_journal(
        path, rows=[Planned(row=1, order_id="å'\"", reason=reason)]
    ) as journal:
        [entry] = journal.entries()

        assert ("å'\"", plain) == (entry.order_id, entry.reason)
    with new_journal(path.with_name("other")) as journal:
        journal.apply([change(2, State.REJECTED, reason=reason)])
        [entry] = journal.entries(states={State.REJECTED})

        assert plain == entry.reason


@pytest.mark.parametrize("contract", ["c\0d", "\ud800", "å/..", "x" * 5000])
def test_odd_contracts(path: Path, contract: str) -> None:
    """No id makes a journal unreadable, or becomes another order's."""
    with new_journal(path) as journal:
        journal.apply([change(2, State.INTENT)])
        journal.apply([change(2, State.CREATED, contract_id=contract)])
        [entry] = journal.entries(states={State.CREATED})

    plain = contract.replace("\0", "?").replace("\ud800", "?")

    assert plain == entry.contract_id


def test_pages(path: Path) -> None:
    """Rows come in order, over pages, from any row, in any states."""
    with new_journal(path, rows=2_500) as journal:
        journal.apply([change(2_400, State.REJECTED)])
        rows = [entry.row for entry in journal.entries()]
        late = [entry.row for entry in journal.entries(after=2_499)]
        some = [
            entry.row
            for entry in journal.entries(
                after=2_399, states=[State.REJECTED, State.INTENT]
            )
        ]

        assert list(range(2, 2_502)) == rows
        assert [2_500, 2_501] == late
        assert [2_400] == some
        assert [] == list(journal.entries(states=()))


def test_read_while_written(path: Path) -> None:
    """Rows can be changed while they are read; none is missed or repeated."""
    seen = []
    with new_journal(path, rows=2_100) as journal:
        for entry in journal.entries(states={State.PENDING}):
            seen.append(entry.row)
            if entry.row % 100 == 0:
                # One that was read, and one of a page that was not.
                rows = entry.row, entry.row + 1_050
                journal.apply(
                    [
                        change(row, State.REJECTED)
                        for row in rows
                        if row < 2_102
                    ]
                )

    changed = set(range(1_150, 2_102, 100))

    assert [row for row in range(2, 2_102) if row not in changed] == seen


def test_threads(path: Path) -> None:
    """Threads may use one journal at once."""
    with new_journal(path, rows=200) as journal:

        def work(first: int) -> None:
            for row in range(first, 202, 4):
                journal.apply([change(row, State.INTENT)])
                journal.apply([change(row, State.CREATED)])
                journal.entry(f"A-{row}")

        threads = [
            threading.Thread(target=work, args=(2 + each,))
            for each in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert 200 == journal.counts()[State.CREATED]


def test_nothing_else_is_kept(path: Path) -> None:
    """The file has the columns that it needs, and no more."""
    new_journal(path).close()
    with closing(sqlite3.connect(path)) as db:
        columns = {
            table: [
                row[1] for row in db.execute(f"PRAGMA table_info({table})")
            ]
            for (table,) in db.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            )
        }

    assert {
        "terms": ["json"],
        "orders": [
            "row",
            "order_id",
            "state",
            "contract_id",
            "reason",
            "strays",
            "at",
        ],
        "reports": ["name", "digest", "rows"],
        "wal": ["mark"],
    } == columns
