"""The trials of a store of orders find what is broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proof.kills.served import served
from proof.once.forge import forge
from proof.once.job import Kind, Said
from proof.once.judge import doubled, unended, untrue, wasted
from proof.once.trials import Bench, crowd_trial


TWICE = {
    "o": [{"id": "c1", "confirmed": True}, {"id": "c2", "confirmed": True}]
}
ONCE = {
    "o": [{"id": "c1", "confirmed": True}, {"id": "c2", "confirmed": False}]
}
DONE = Said(order="o", kind=Kind.ONBOARD, done=True, contract="c1")
DOUBT = Said(order="o", kind=Kind.ONBOARD, done=False, outcome="UNKNOWN")


def test_without_a_common_store(tmp_path: Path) -> None:
    """Processes that share no store double what they share."""
    with forge() as forged, served(tmp_path / "notes", 1, {}) as sandbox:
        problem, creates = crowd_trial(
            Bench(sandbox, "memory:"),
            forged,
            processes=2,
            orders=3,
            at_once=3,
            most=1.5,
        )

    assert problem is not None
    assert "has 2 confirmed contracts" in problem
    assert 2 == creates


def test_doubled() -> None:
    """Two contracts that give access are one too many."""
    assert "o has 2 confirmed contracts" == doubled(TWICE, ["o"])
    assert None is doubled(ONCE, ["o", "x"])
    assert 1 == wasted(ONCE, ["o", "x"])


@pytest.mark.parametrize(
    ("contracts", "said", "true"),
    [
        (ONCE, DONE, True),
        ({}, DONE, False),
        (TWICE, DONE, False),
        (ONCE, DOUBT, True),
    ],
)
def test_untrue(contracts: Any, said: Said, true: bool) -> None:
    """A call that returned has the one contract that gives access."""
    assert (untrue(contracts, [said]) is None) is true


def test_unended() -> None:
    """Only what was careful may end in doubt."""
    assert None is unended([DONE], [])
    assert "not ended" in (unended([DOUBT], []) or "")
    assert None is unended([DOUBT], ["o"])
