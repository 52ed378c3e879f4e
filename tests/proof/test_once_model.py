"""The model of the store's protocol finds what is broken on purpose."""

from __future__ import annotations

import pytest

from proof.once.planted import PLANT
from proof.once.scenes import Scene
from proof.once.states import Kind, Left


_STATES = 60_000
_FEWER = 4_000


@pytest.mark.parametrize("rule", PLANT)
def test_each_rule_is_needed(rule: str) -> None:
    """Without it an order goes wrong, in a world where none does with it."""
    plant, scene = PLANT[rule]
    with plant():
        broken = scene.explored(_STATES).broken

    assert broken is not None
    assert "\n1. " in broken
    assert scene.explored(_FEWER).broken is None


def test_an_order_that_has_a_contract_must_not_be_forgotten() -> None:
    """The store can't know that its confirm is under way: so it is asked."""
    scene = Scene((Kind.ONBOARD, Kind.ONBOARD), Left(settled=1), heedless=True)
    broken = scene.explored(_STATES).broken

    assert broken is not None
    assert "which the store does not hold" in broken


def test_all_is_looked_at() -> None:
    """What is not complete says so."""
    scene = Scene((Kind.ONBOARD, Kind.AT_ONCE), Left())

    assert scene.explored(_STATES).complete
    assert not scene.explored(10).complete
