"""The journal keeps what was decided, and moves orders only as they may."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async.bulk import (
    Change,
    Confirm,
    Entry,
    JournalError,
    JournalMismatchError,
    Planned,
    State,
)
from sesamy_async.bulk.journal import Journal, Span
from support.journals import AT, TERMS, bring, change, new_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a journal can be."""
    return tmp_path / "orders.csv.journal"


def test_plan(path: Path) -> None:
    """A new journal holds every row: to be sent, or rejected."""
    wrong, known = "externalOrderId: is missing", "is that of row 2"
    rows = [
        Planned(row=2, order_id="A-2"),
        Planned(row=3, order_id=None, reason=wrong),
        Planned(row=9, order_id=None, reason=known),
    ]
    rejected = Entry(row=3, order_id=None, state=State.REJECTED, reason=wrong)
    with new_journal(path, rows=rows) as journal:
        assert [
            Entry(row=2, order_id="A-2", state=State.PENDING),
            rejected,
            attrs.evolve(rejected, row=9, reason=known),
        ] == list(journal.entries())
        assert 3 == sum(journal.counts().values())
        assert path == journal.path


def test_kept(path: Path) -> None:
    """A change keeps the contract, replaces the reason, and adds strays."""
    with new_journal(path) as journal:
        journal.apply([change(3, State.INTENT, strays=1, reason="first")])
        journal.apply(
            [
                change(3, State.CREATED, strays=1, contract_id="c1"),
                change(3, State.CONFIRMED, contract_id=None),
            ]
        )
    with Journal.open(path) as journal:
        assert TERMS == journal.terms
        assert journal.entry("A-99") is None
        assert 2 == journal.strays()
        assert journal.entry("A-3") == Entry(
            row=3,
            order_id="A-3",
            state=State.CONFIRMED,
            contract_id="c1",
            strays=2,
            at=AT,
        )


# From each state on the left, to those marked above.
MOVES = """
           PENDING INTENT CREATED CONFIRMED ALREADY REJECTED UNKNOWN
PENDING    yes     yes    yes     yes       yes     yes      yes
INTENT     yes     yes    yes     yes       yes     yes      yes
CREATED    -       -      yes     yes       yes     yes      yes
CONFIRMED  -       -      -       -         -       -        -
ALREADY    -       -      -       -         -       -        -
REJECTED   -       -      -       -         -       -        -
UNKNOWN    yes     -      yes     yes       yes     yes      yes
"""


def test_moves(path: Path) -> None:
    """An order goes only as the table says."""
    above, *lines = (line.split() for line in MOVES.strip().splitlines())
    pairs = [
        (State(before), State(after), mark == "yes")
        for before, *marks in lines
        for after, mark in zip(above, marks, strict=True)
    ]
    with new_journal(path, rows=len(pairs)) as journal:
        for row, (before, after, allowed) in enumerate(pairs, start=2):
            bring(journal, row, before)
            if allowed:
                journal.apply([change(row, after)])
            else:
                with pytest.raises(JournalError, match=f"{row} to {after}"):
                    journal.apply([change(row, after)])
        found = [each.state for each in journal.entries()]

    assert len(State) ** 2 == len(pairs)
    assert found == [
        after if allowed else before for before, after, allowed in pairs
    ]


def test_all_or_nothing(path: Path) -> None:
    """One forbidden move keeps all changes of its call from disk."""
    changes = [change(2, State.INTENT), change(99, State.INTENT)]
    with new_journal(path) as journal:
        with pytest.raises(JournalError) as raised:
            journal.apply(changes)

        assert 3 == journal.counts()[State.PENDING]
        assert raised.value.args[0] == (
            f"The journal {path} was asked to move row 99 to INTENT, which is "
            "not possible. That is a bug in sesamy-async: please report it."
        )

        # Nor is an order created without its contract's id.
        journal.apply([change(2, State.INTENT)])
        with pytest.raises(JournalError, match="bug in sesamy-async"):
            journal.apply([Change(row=2, state=State.CREATED)])

        assert 1 == journal.counts()[State.INTENT]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("c\ud800 half", "c? half"),
        ("c\0d", "c?d"),
        ("naïve ☃/..'); --", "naïve ☃/..'); --"),
        ("x" * 5000, "x" * 5000),
        ("", ""),
    ],
)
def test_odd_texts(path: Path, text: str, kept: str) -> None:
    """No text makes a journal unreadable, or becomes another order's."""
    rows = [
        Planned(row=1, order_id="å'\"", reason=text),
        Planned(row=2, order_id="A-2"),
    ]
    with new_journal(path, rows=rows) as journal:
        journal.apply([change(2, State.INTENT, reason=text)])
        journal.apply(
            [change(2, State.CREATED, reason=text, contract_id=text)]
        )
        first, second = journal.entries()

    assert ("å'\"", kept) == (first.order_id, first.reason)
    assert (kept, kept) == (second.reason, second.contract_id)


def test_pages(path: Path) -> None:
    """Rows come in order, over pages, from any row, in any states."""
    with new_journal(path, rows=2_500) as journal:
        journal.apply([change(2_400, State.REJECTED)])
        some = [State.REJECTED, State.INTENT]
        found = [
            [each.row for each in entries]
            for entries in (
                journal.entries(),
                journal.entries(after=2_499),
                journal.entries(states=[]),
                journal.entries(after=2_399, states=some),
            )
        ]

    assert [[*range(2, 2_502)], [2_500, 2_501], [], [2_400]] == found


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
    with new_journal(path, rows=80) as journal:

        def work(first: int) -> None:
            for row in range(first, 82, 4):
                journal.apply([change(row, State.INTENT)])
                journal.apply([change(row, State.CREATED)])
                journal.entry(f"A-{row}")

        with ThreadPoolExecutor(4) as threads:
            [*threads.map(work, range(2, 6))]

        assert 80 == journal.counts()[State.CREATED]


def test_nothing_else_is_kept(path: Path) -> None:
    """The file has the columns that it needs, and no more."""
    new_journal(path).close()
    with closing(sqlite3.connect(path)) as db:
        columns = dict(
            db.execute(
                "SELECT t.name, group_concat(c.name, ' ') "
                "FROM sqlite_master t JOIN pragma_table_info(t.name) c "
                "WHERE t.type = 'table' GROUP BY t.name"
            )
        )

    assert {
        "terms": "json",
        "orders": "row order_id state contract_id reason strays at vendor_id",
        "stores": "name",
        "reports": "name digest",
        "wal": "mark",
    } == columns


@pytest.mark.parametrize(
    ("confirm", "created"), [(Confirm.SEPARATELY, 0), (Confirm.NO, 1)]
)
def test_timeline(path: Path, confirm: Confirm, created: int) -> None:
    """Ended orders are counted by time and state; the never sent are not."""
    now = iter([1_000.0, 1_005.0, 1_009.9, 1_010.0, 1_031.0, 1_032.0])
    rows = [
        Planned(row=row, order_id=f"A-{row}", reason="x" if row > 6 else None)
        for row in range(2, 9)
    ]
    terms = attrs.evolve(TERMS, confirm=confirm)
    new_journal(path, terms, rows).close()
    with Journal.open(path, clock=lambda: next(now)) as journal:
        journal.apply([change(row, State.INTENT) for row in range(2, 6)])
        journal.apply([change(2, State.CONFIRMED)])
        journal.apply([change(3, State.CONFIRMED)])
        journal.apply([change(4, State.REJECTED), change(6, State.REJECTED)])
        journal.apply([change(5, State.CREATED)])
        spans = journal.timeline(10)

    late = (Span(start=1_030, ended={State.CREATED: 1}),) * created

    assert (
        Span(start=1_000, ended={State.CONFIRMED: 2}),
        Span(start=1_010, ended={State.REJECTED: 2}),
        *late,
    ) == spans


CUT_OFF = (
    "The import ended while this order was being sent; the response was not "
    "read."
)


@pytest.mark.parametrize("strays", [True, False])
@pytest.mark.parametrize("confirm", Confirm)
def test_restart(path: Path, confirm: Confirm, *, strays: bool) -> None:
    """A create that was cut off is repeated if it leaves a stray at worst."""
    repeated = strays and confirm is not Confirm.AT_ONCE
    terms = attrs.evolve(TERMS, confirm=confirm, strays=strays)
    with new_journal(path, terms, rows=len(State)) as journal:
        for row, state in enumerate(State, start=2):
            bring(journal, row, state)
        before = list(journal.entries())
        counts = journal.restart(), journal.restart()
        after = list(journal.entries())

    assert (1, 0) == counts
    assert [
        Entry(
            row=3,
            order_id="A-3",
            state=State.PENDING if repeated else State.UNKNOWN,
            reason=None if repeated else CUT_OFF,
            strays=int(repeated),
            at=AT,
        )
    ] == [entry for entry in after if entry not in before]


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"fingerprint": "f2"}, ["orders.csv has changed, or how it is read"]),
        ({"promo_code": "X"}, ["--promo was SPRING-12, and is X"]),
        ({"promo_code": None}, ["--promo was SPRING-12, and is not given"]),
        ({"vendor_id": "b"}, ["--vendor was acme, and is b"]),
        (
            {"base_url": "https://b"},
            ["--base-url was https://api.sesamy.com, and is https://b"],
        ),
        ({"confirm": Confirm.NO}, ["--confirm was separately, and is no"]),
        (
            {"strays": False, "vendor_id": "b", "fingerprint": "f2"},
            [
                (
                    "orders.csv has changed, or how it is read (encoding, "
                    "delimiter, mapping, --allow-unknown)"
                ),
                "--vendor was acme, and is b",
                "--strays was not given, and is --no-strays",
            ],
        ),
    ],
)
def test_of_another_import(
    path: Path, terms: dict[str, Any], said: list[str]
) -> None:
    """Every difference is named, as the option that makes it."""
    now = attrs.evolve(TERMS, source="renamed.csv", **terms)
    with new_journal(path) as journal:
        with pytest.raises(JournalMismatchError) as raised:
            journal.agree(now)
        # The name of the file alone is no difference.
        journal.agree(attrs.evolve(TERMS, source="renamed.csv"))

    assert raised.value.args[0].startswith(
        f"The journal {path} is of another import: {'; '.join(said)}"
    )


def test_of_a_trial(path: Path) -> None:
    """After a trial in a sandbox, one is told how to send the orders."""
    with (
        new_journal(path, attrs.evolve(TERMS, base_url="sandbox 1")) as trial,
        pytest.raises(JournalMismatchError) as raised,
    ):
        trial.agree(TERMS)

    assert raised.value.args[0].startswith(
        f"{path} is the journal of a trial in a sandbox. To send the orders"
    )


def test_what_to_do_with_another_import(path: Path) -> None:
    """A journal is not forgotten; with a store, another one may begin."""
    with (
        new_journal(path, attrs.evolve(TERMS, strays=False)) as journal,
        pytest.raises(JournalMismatchError) as raised,
    ):
        journal.agree(TERMS)

    assert raised.value.args[0] == (
        f"The journal {path} is of another import: --strays was --no-strays, "
        "and is not given. Change this back, and run the same command again. "
        "To start over, name another journal with --journal: orders that the "
        "store of orders knows are not sent again, but without a store, all "
        "are."
    )


def test_reports(path: Path) -> None:
    """What was written under each name is recalled."""
    with new_journal(path) as journal:
        for name, digest in ("a", b"1"), ("a", b"\0\xff"), ("a", b"1"):
            journal.memory.add(name, digest)
        journal.memory.add("b", b"1")

        assert {"a": {b"1", b"\0\xff"}, "b": {b"1"}} == (
            journal.memory.recall()
        )
