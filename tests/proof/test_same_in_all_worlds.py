"""What a server does means the same to all clients."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from proof.lies import Lie, a_lie
from sesamy_async import Outcome
from support.calling import WORLDS, Ending, World, create, later
from support.fault_server import FaultServer, Peer, Step
from support.faults import good
from support.patience import when
from support.reaching import direct
from support.tls import server_context


COUNT = 50
SOON = later(0.01, create)  # All that was sent has arrived.


class Liar:
    """Counts the lies that were told to their end."""

    def __init__(self) -> None:
        self.told = 0

    def step(self, lie: Lie) -> Step:
        """Return what a server does to tell one."""

        def step(peer: Peer) -> None:
            try:
                lie(peer)
            finally:
                self.told += 1

        return step

    def has_told(self, count: int) -> Callable[[], bool]:
        """Return whether it has told so many."""
        return lambda: self.told >= count


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
    liar = Liar()
    script = [step for lie in lies for step in (liar.step(lie), good)]
    operations = [
        operation
        for number in range(len(lies))
        for operation in (create, when(liar.has_told(number + 1), SOON))
    ]
    context = server_context() if tls else None
    with FaultServer(script, good, context=context) as server:
        endings = world.run(operations, **direct(server))
    return [told(ending) for ending in endings]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_the_same_lies(tls: bool) -> None:
    """No lie is told apart, taken for a refusal to send, or outlives it."""
    random = Random(f"1 {tls}")  # noqa: S311 - nothing is secret here
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
