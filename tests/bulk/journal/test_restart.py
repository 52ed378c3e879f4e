"""After a crash, and with other options, no order is doubled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async.bulk import (
    Change,
    Confirm,
    Entry,
    JournalMismatchError,
    State,
    Terms,
)
from sesamy_async.bulk.journal._journal import CUT_OFF, after_cut, differences
from support.journals import AT, TERMS, bring, new_journal


AGAIN = Change(row=7, state=State.PENDING, strays=1)
CHANGED = (
    "orders.csv has changed, or how it is read (encoding, delimiter, "
    "mapping, --allow-unknown)"
)
ANEW = (
    "or begin anew, for no order of it has a contract: `sesamy journal purge "
    "{} --yes --force` removes it"
)
APART = (
    "or import what is new from a file of its own, with none of the orders "
    "that this journal knows, for they would be sent again"
)
LOOK = Change(row=7, state=State.UNKNOWN, reason=CUT_OFF)


@pytest.mark.parametrize(
    ("confirm", "strays", "becomes"),
    [
        (Confirm.SEPARATELY, True, AGAIN),
        (Confirm.NO, True, AGAIN),
        (Confirm.AT_ONCE, True, LOOK),
        (Confirm.SEPARATELY, False, LOOK),
        (Confirm.NO, False, LOOK),
        (Confirm.AT_ONCE, False, LOOK),
    ],
)
def test_after_cut(
    confirm: Confirm,
    becomes: Change,
    *,
    strays: bool,
) -> None:
    """A create is repeated only where it leaves a stray at worst."""
    terms = attrs.evolve(TERMS, confirm=confirm, strays=strays)

    assert becomes == after_cut(7, terms)


def test_reason() -> None:
    """The reason says what happened, in a sentence."""
    assert CUT_OFF == (
        "The import ended while this order was being sent; nobody has seen "
        "the answer."
    )


def test_restart(tmp_path: Path) -> None:
    """Only the orders that were being sent are decided on, once."""
    with new_journal(tmp_path / "j", rows=6) as journal:
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
                state=State.PENDING,
                strays=1,
                at=AT,
            )
        ] == [entry for entry in after if entry not in before]
        assert 1 == journal.strays()


def test_restart_of_a_strict_import(tmp_path: Path) -> None:
    """Where nothing may be sent twice, a person has to look."""
    terms = attrs.evolve(TERMS, confirm=Confirm.AT_ONCE)
    with new_journal(tmp_path / "j", terms) as journal:
        bring(journal, 3, State.INTENT)
        journal.restart()
        entry = journal.entry("A-3")

        assert entry is not None
        assert (State.UNKNOWN, CUT_OFF, 0) == (
            entry.state,
            entry.reason,
            entry.strays,
        )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ()),
        ({"source": "renamed.csv"}, ()),
        (
            {"fingerprint": "f2"},
            (CHANGED,),
        ),
        (
            {"promo_code": "X"},
            ("--promo was SPRING-12, and is X",),
        ),
        (
            {"promo_code": None},
            ("--promo was SPRING-12, and is not given",),
        ),
        ({"vendor_id": "b"}, ("--vendor was acme, and is b",)),
        (
            {"base_url": "https://b"},
            ("--base-url was https://api.sesamy.com, and is https://b",),
        ),
        (
            {"confirm": Confirm.NO},
            ("--confirm was separately, and is no",),
        ),
        (
            {"strays": False},
            ("--no-strays was not given, and is given",),
        ),
        (
            {"strays": False, "vendor_id": "b", "fingerprint": "f2"},
            (
                CHANGED,
                "--vendor was acme, and is b",
                "--no-strays was not given, and is given",
            ),
        ),
    ],
)
def test_differences(change: dict[str, Any], said: tuple[str, ...]) -> None:
    """Every difference is named, as the option that makes it."""
    now: Terms = attrs.evolve(TERMS, **change)

    assert said == tuple(differences(TERMS, now))


def test_no_strays_before() -> None:
    """--no-strays is told from both sides."""
    before = attrs.evolve(TERMS, strays=False)

    assert ["--no-strays was given, and is not given"] == [
        *differences(before, TERMS)
    ]


@pytest.mark.parametrize(
    ("state", "onward"),
    [
        (State.PENDING, ANEW),
        (State.REJECTED, ANEW),
        (State.INTENT, APART),
        (State.CREATED, APART),
        (State.CONFIRMED, APART),
        (State.UNKNOWN, APART),
    ],
)
def test_agree(tmp_path: Path, state: State, onward: str) -> None:
    """A journal of another import is refused, with what to do."""
    path = tmp_path / "j"
    with new_journal(path) as journal:
        bring(journal, 2, state)
        journal.agree(TERMS)
        with pytest.raises(JournalMismatchError) as raised:
            journal.agree(attrs.evolve(TERMS, promo_code="B", vendor_id="b"))

    assert (
        f"The journal {path} is of another import: --promo was SPRING-12, "
        "and is B; --vendor was acme, and is b. Go on as it began; "
        f"{onward.format(path)}."
    ) == raised.value.args[0]


def test_a_stray_is_no_new_beginning(tmp_path: Path) -> None:
    """An order that may have left a contract is not forgotten."""
    with new_journal(tmp_path / "j") as journal:
        journal.apply([Change(row=2, state=State.PENDING, strays=1)])
        with pytest.raises(JournalMismatchError, match="file of its own"):
            journal.agree(attrs.evolve(TERMS, promo_code="B"))
