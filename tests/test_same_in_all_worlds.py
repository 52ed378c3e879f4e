"""What a server does means the same to all clients."""

from __future__ import annotations

from random import Random

import pytest

from sesamy_async import Outcome
from support.calling import WORLDS, Ending, World, create, later
from support.fault_server import FaultServer, Step
from support.faults import good
from support.lies import Lie, a_lie
from support.reaching import direct
from support.tls import server_context


COUNT = 50
SOON = later(0.01, create)  # All that was sent has arrived.


def told(ending: Ending) -> tuple[object, ...]:
    """Return what a caller is told."""
    if ending.error is None:
        return (ending.value.id,)
    status = getattr(ending.error, "status_code", None)
    return (type(ending.error).__name__, ending.outcome, status)


def experienced(
    world: World, lies: list[Lie], *, tls: bool
) -> list[tuple[object, ...]]:
    """Return how creates end that meet a lie, and a good server after it."""
    script: list[Step] = [step for lie in lies for step in (lie, good)]
    context = server_context() if tls else None
    with FaultServer(script, good, context=context) as server:
        endings = world.run(
            [create, SOON] * len(lies), **{**direct(server), "timeout": 3.0}
        )
    return [told(ending) for ending in endings]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_lies(seed: int, tls: bool) -> None:
    """No lie is told apart, taken for a refusal to send, or outlives it."""
    random = Random(f"{seed} {tls}")  # noqa: S311 - nothing is secret here
    lies = [a_lie(random, f"lie-{number}") for number in range(COUNT)]
    by_world = [experienced(world, lies, tls=tls) for world in WORLDS]
    endings = list(zip(*by_world, strict=True))
    lied = dict(zip(lies, endings[::2], strict=True))

    assert {} == {lie: ends for lie, ends in lied.items() if len({*ends}) > 1}
    assert not any(Outcome.NOT_SENT in each for each, *_ in lied.values())
    assert [
        ((f"c-{number}",),) * len(WORLDS)
        for number in range(2, 2 * COUNT + 1, 2)
    ] == endings[1::2]
    created = [(lie, end) for lie, (end, *_) in lied.items() if len(end) == 1]
    assert created
    assert all(end == (lie.contract,) for lie, end in created)
