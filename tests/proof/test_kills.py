"""Whoever judges imports that are killed finds what is broken on purpose."""

from __future__ import annotations

import random
from pathlib import Path

import attrs
import pytest

from proof.kills.campaign import Campaign
from proof.kills.job import Job
from proof.kills.judge import Import, judged
from proof.kills.moments import SENDING, Moment, claimed, in_hand
from proof.kills.plan import Deck, killing, moments_of
from proof.kills.served import Served
from proof.kills.zygote import Zygote
from sesamy_async.bulk import Confirm, Entry, State


_IN_MID_AIR = (Moment.OUT, Moment.ANSWERED, Moment.OUT, Moment.HEAD)


@pytest.mark.parametrize(
    ("bug", "confirm", "found"),
    [
        ("the intent is written after sending", "separately", "contracts"),
        ("the intent is written after sending", "at-once", "confirmed"),
        ("what is written is not on disk", "separately", "contracts"),
        ("what is written is not on disk", "at-once", "confirmed"),
        ("what was cut off is taken for fresh", "separately", "contracts"),
        ("what was cut off is taken for fresh", "at-once", "confirmed"),
        ("what was cut off is taken for fresh", "no", "contracts"),
        ("what was cut off is dropped", "separately", "neither done"),
        ("what was cut off is dropped", "at-once", "neither done"),
        ("what was created is taken for confirmed", "separately", "confirmed"),
    ],
)
def test_what_is_broken_is_found(
    bug: str,
    confirm: str,
    found: str,
    processes: tuple[Zygote, Served],
    tmp_path: Path,
) -> None:
    """A judge who finds nothing here would find nothing anywhere."""
    runner, sandbox = processes
    job = Job(
        folder=str(tmp_path),
        settings=sandbox.settings,
        confirm=confirm,
        bug=bug,
    )
    plan = [
        attrs.evolve(job, moment=moment, passage=1 + each)
        for each, moment in enumerate(_IN_MID_AIR)
    ]

    violations = Campaign("a", job, runner, sandbox).carry_out(plan).violations

    assert any(found in each for each in violations), violations


_ENTRY = Entry(row=2, order_id="A-2", state=State.CONFIRMED, contract_id="c")
_MADE = {"id": "c", "confirmed": False}
_CONFIRMED = {"id": "c", "confirmed": True}
_STRAY = {"id": "s", "confirmed": False}
_SECOND = {"id": "s", "confirmed": True}


@pytest.mark.parametrize(
    ("confirm", "state", "contracts", "right"),
    [
        ("separately", "CONFIRMED", [_CONFIRMED], True),
        ("separately", "CONFIRMED", [_STRAY, _CONFIRMED], False),
        ("separately", "CONFIRMED", [_MADE], False),
        ("separately", "CONFIRMED", [_SECOND], False),
        ("separately", "CONFIRMED", [_SECOND, _CONFIRMED], False),
        ("separately", "CONFIRMED", [], False),
        ("separately", "CREATED", [_MADE], False),
        ("separately", "UNKNOWN", [], False),
        ("separately", "REJECTED", [], False),
        ("at-once", "CONFIRMED", [_CONFIRMED], True),
        ("at-once", "CONFIRMED", [_SECOND, _CONFIRMED], False),
        ("at-once", "UNKNOWN", [], True),
        ("at-once", "UNKNOWN", [_SECOND], True),
        ("at-once", "UNKNOWN", [_SECOND, _CONFIRMED], False),
        ("at-once", "PENDING", [], False),
        ("no", "CREATED", [_MADE], True),
        ("no", "CREATED", [_CONFIRMED], False),
        ("no", "CREATED", [_STRAY], False),
    ],
)
def test_one_order(
    confirm: str, state: str, contracts: list[dict[str, object]], right: bool
) -> None:
    """The ledger bears out the state, the contract and the strays."""
    done = Import(
        confirm=Confirm(confirm),
        repeatable=Confirm(confirm).repeatable,
        entries=[attrs.evolve(_ENTRY, state=State(state))],
        contracts={"A-2": contracts},
        in_hand=1,
    )

    assert right is not bool(list(judged(done)))


def test_a_stray_that_is_noted() -> None:
    """A stray is no double, if the journal says that it may be there."""
    done = Import(
        confirm=Confirm.SEPARATELY,
        repeatable=True,
        entries=[attrs.evolve(_ENTRY, strays=1)],
        contracts={"A-2": [_STRAY, _CONFIRMED]},
        in_hand=0,
        lost=1,
    )

    assert [] == list(judged(done))
    assert ["1 strays noted of 0 doubts"] == list(
        judged(attrs.evolve(done, lost=0))
    )


def test_an_unknown_without_a_doubt() -> None:
    """An order is unknown only where its create may have been cut off."""
    done = Import(
        confirm=Confirm.AT_ONCE,
        repeatable=False,
        entries=[attrs.evolve(_ENTRY, state=State.UNKNOWN)],
        contracts={},
        in_hand=0,
    )

    assert ["1 unknown of 0 doubts"] == list(judged(done))


def test_what_is_confirmed_but_unknown() -> None:
    """With `separately`, only a contract that is written down is confirmed."""
    done = Import(
        confirm=Confirm.SEPARATELY,
        repeatable=False,
        entries=[attrs.evolve(_ENTRY, state=State.UNKNOWN)],
        contracts={"A-2": [_SECOND]},
        in_hand=1,
    )

    assert 1 == len(list(judged(done)))


def test_what_is_in_hand() -> None:
    """A create may be under way from its intent to its outcome."""
    trace = f"{Moment.INTENT}:2\n{Moment.INTENDED}:2\n{Moment.INTENT}:3\n"

    assert {2, 3} == in_hand(trace)
    assert {3} == in_hand(f"{trace}{Moment.RECORDED}:2\n")


def test_what_is_claimed() -> None:
    """An order may be claimed from its start until it is in hand."""
    trace = f"{SENDING}:2\n{SENDING}:3\n{SENDING}:4\n{Moment.INTENT}:4\n"

    assert {2, 3} == claimed(trace)
    assert {3} == claimed(f"{trace}{Moment.RECORDED}:2\n")


def test_every_moment_gets_its_turn() -> None:
    """One that nobody was killed at comes again, before all others."""
    deck = Deck.of(Confirm.SEPARATELY, random.Random(1))  # noqa: S311 - repeatable
    drawn = deck.draw(len(deck.moments))
    deck.put_back([Moment.HEAD])

    assert set(drawn) == {*moments_of(Confirm.SEPARATELY), None}
    assert [Moment.HEAD] == deck.draw(1)


def test_a_plan_can_be_repeated() -> None:
    """What a run is told depends on chance that has a seed."""

    def planned(seed: int) -> list[Job]:
        chance = random.Random(seed)  # noqa: S311 - repeatable
        moments = (*Moment, None)
        return [killing(Job(), each, chance, 1.0) for each in moments]

    assert planned(1) == planned(1)
    assert planned(1) != planned(2)
