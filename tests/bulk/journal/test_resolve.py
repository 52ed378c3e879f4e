"""What somebody found out settles unknown orders: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from sesamy_async.bulk import (
    Change,
    Confirm,
    Entry,
    Found,
    InputFileError,
    State,
)
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal._settling import (
    Finding,
    decide,
    objection,
    resolve,
    settle,
)
from support.journals import TERMS, bring, new_journal


SETTLED = "and only what is UNKNOWN can be settled"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Return a journal in which A-2 to A-4 are unknown, and A-5 is not."""
    with new_journal(tmp_path / "j", rows=4) as journal:
        for row in (2, 3, 4):
            bring(journal, row, State.UNKNOWN)
        yield journal


def entry(state: State) -> Entry:
    """Return an order in a state."""
    return Entry(row=7, order_id="A-7", state=state, reason="cut off")


def found(order_id: str, contract_id: str | None = None) -> Finding:
    """Return what was found out."""
    return Finding(order_id=order_id, contract_id=contract_id)


@pytest.mark.parametrize("state", State)
def test_objection(state: State) -> None:
    """Only what is unknown can be settled."""
    said = None if state is State.UNKNOWN else f"is {state}, {SETTLED}"

    assert said == objection(entry(state))


def test_settle() -> None:
    """A confirmed contract ends an order; none lets it be sent again."""
    unknown = entry(State.UNKNOWN)
    bare = Found(contract_id="c1", confirmed=False)

    for goal in (State.CREATED, State.CONFIRMED):
        assert Change(row=7, state=State.CREATED, contract_id="c1") == settle(
            unknown, bare, goal
        )
        assert Change(row=7, state=goal, contract_id="c1") == settle(
            unknown, attrs.evolve(bare, confirmed=True), goal
        )
        assert Change(row=7, state=State.PENDING) == settle(
            unknown, None, goal
        )


def test_decide() -> None:
    """All that is wrong is named, with where it stands."""
    known = {"A-7": entry(State.UNKNOWN), "A-8": entry(State.CREATED)}
    findings = [
        Finding(order_id="A-7", contract_id="c1", where="row 2"),
        Finding(order_id="A-7", contract_id="c2", where="row 3"),
        Finding(order_id="A-8", contract_id=None, where="row 4"),
        found("A-9"),
        found("A-9"),
    ]
    changes, problems = decide(findings, known.get, {}, State.CONFIRMED)

    assert [Change(row=7, state=State.CREATED, contract_id="c1")] == changes
    assert [
        "row 3: order 'A-7' stands twice",
        f"row 4: order 'A-8' is CREATED, {SETTLED}",
        "order 'A-9' is not in the journal",
        "order 'A-9' stands twice",
    ] == problems


def test_one_contract_for_two_orders(journal: Journal) -> None:
    """An order is never settled with the contract of another one."""
    bring(journal, 5, State.CREATED)
    with pytest.raises(InputFileError) as caught:
        resolve(
            journal,
            [found("A-2", "c1"), found("A-3", "c1"), found("A-4", "c-5")],
        )

    assert (
        "order 'A-3' can't have the contract of row 2",
        "order 'A-4' can't have the contract of row 5",
    ) == caught.value.problems


def test_none_for_two_orders(journal: Journal) -> None:
    """That there is no contract may be said of many orders."""
    assert 2 == resolve(journal, [found("A-2"), found("A-3")])


def test_its_own_contract(journal: Journal) -> None:
    """The contract of which a confirm was refused may be its own."""
    bring(journal, 5, State.CREATED)
    journal.apply([Change(row=5, state=State.UNKNOWN)])

    assert 1 == resolve(journal, [found("A-5", "c-5")])


def test_resolve(journal: Journal) -> None:
    """What is settled is in the journal, without its reason."""
    count = resolve(journal, [found("A-2", "c1"), found("A-3")])
    created, pending = journal.entry("A-2"), journal.entry("A-3")

    assert count == 2
    assert created is not None
    assert pending is not None
    assert (State.CREATED, "c1", None) == (
        created.state,
        created.contract_id,
        created.reason,
    )
    assert (State.PENDING, None, None) == (
        pending.state,
        pending.contract_id,
        pending.reason,
    )


@pytest.mark.parametrize(
    ("confirm", "state"),
    [(Confirm.AT_ONCE, State.CONFIRMED), (Confirm.NO, State.CREATED)],
)
def test_confirmed(tmp_path: Path, confirm: Confirm, state: State) -> None:
    """An order whose contract is confirmed is done, whatever is done there."""
    terms = attrs.evolve(TERMS, confirm=confirm)
    with new_journal(tmp_path / "k", terms) as journal:
        bring(journal, 2, State.UNKNOWN)
        settled = resolve(
            journal,
            [Finding(order_id="A-2", contract_id="c1", confirmed=True)],
        )

        assert (1, 1) == (settled, journal.counts()[state])


def test_all_or_nothing(journal: Journal) -> None:
    """One finding that is wrong keeps all of them out."""
    with pytest.raises(InputFileError) as raised:
        resolve(journal, [found("A-2", "c1"), found("A-5"), found("A-9")])

    assert (
        f"order 'A-5' is PENDING, {SETTLED}",
        "order 'A-9' is not in the journal",
    ) == raised.value.problems
    assert raised.value.args[0] == (
        f"Nothing was settled: order 'A-5' is PENDING, {SETTLED}; "
        "order 'A-9' is not in the journal."
    )
    assert 3 == journal.counts()[State.UNKNOWN]
