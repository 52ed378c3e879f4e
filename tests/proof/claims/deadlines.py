"""No call ends later than 100 ms after its deadline."""

from __future__ import annotations

import random
from collections.abc import Iterator

import attrs

from proof.claim import Claim, Row, Scale, tried
from proof.late.cases import CASES, Case
from proof.late.servers import Servers, serving
from support.calling import WORLDS, create
from support.reaching import direct


_OVERRUN = 0.1
# Tries delay each other, which counts as the SDK's: with six at once, and
# other work on two cores, 24 of 32,000 were more than 100 ms late.
_AT_ONCE = 3


def _rows(scale: Scale) -> Iterator[Row]:
    with serving() as servers:
        for world in WORLDS:
            # What the first call of a process imports is no wait of it.
            world.one(create, **direct(servers["good"]))
        for case in CASES:
            yield _row(case, servers, scale)


def _row(case: Case, servers: Servers, scale: Scale) -> Row:
    overruns: list[float] = []

    def trial(chance: random.Random) -> str | None:
        world = chance.choice(WORLDS)
        deadline = chance.uniform(0.05, 0.15)
        for _ in range(1 + scale.again):
            endings = case.run(world, deadline, servers)
            late = max(ending.seconds for ending in endings) - deadline
            overruns.append(late)
            if late <= _OVERRUN * scale.slack:
                return None
        return f"{world}: {late * 1000:.0f} ms after {deadline:.3f} s"

    at_once = 1 if case.busy else _AT_ONCE
    row = tried(case.what, scale, trial, at_once=at_once)
    worst = max(0.0, *overruns) * 1000
    return attrs.evolve(row, figure=f"at most {worst:.0f} ms late")


CLAIM = Claim(
    name="deadlines",
    promise=(
        "No call ends more than 100 ms after its deadline, whatever the other "
        "side does or does not do."
    ),
    rows=_rows,
    runs=200,
    short=2,
)
