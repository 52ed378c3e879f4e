"""A call can be cancelled at any await, and nothing is lost by it."""

from __future__ import annotations

from collections.abc import Iterator

import anyio

from proof.claim import Claim, Row, Scale
from proof.cut.scenes import SCENES, Scene
from proof.cut.trial import Broken, cancelled_at
from proof.site import Site, Way, serving
from support.calling import World


_FAR = 500  # Waits that no call has.


def _rows(scale: Scale) -> Iterator[Row]:
    for way in (Way.HTTP, Way.HTTPS):
        with serving(way, scale.seed) as site:
            for scene in SCENES:
                for world in (World.ASYNCIO, World.TRIO):
                    yield row_of(scene, world, site, scale)


def row_of(scene: Scene, world: World, site: Site, scale: Scale) -> Row:
    """Play one scene in one event loop."""
    violations: list[str] = []
    counts: list[int] = []

    async def main() -> None:
        for number in range(scale.runs):
            name = f"{world}/{scene.what}/{number}"
            counts.append(await _stepped(scene, site, name, violations))

    anyio.run(main, backend=str(world))
    return Row(
        what=f"{site.way}, {world}: {scene.what}",
        runs=sum(counts),
        violations=tuple(violations),
        figure=_waits(min(counts), max(counts)),
    )


def _waits(least: int, most: int) -> str:
    return f"{most} awaits" if least == most else f"{least} to {most} awaits"


async def _stepped(
    scene: Scene, site: Site, name: str, violations: list[str]
) -> int:
    """Cancel at one wait after the other; return how many there are."""
    for at in range(1, _FAR):
        waited = False
        try:
            waited = await cancelled_at(scene, site, at, f"{name}/{at}")
        except* Broken as found:
            violations.append(f"cancelled at wait {at}: {found.exceptions}")
        # What is lost once would be lost at the next waits as well.
        if not waited:
            return at - 1
    raise AssertionError("a call without an end")


CLAIM = Claim(
    name="cancellation",
    promise=(
        "A call can be cancelled at each await at which it really waits, and "
        "nothing is lost by it: no token, no turn, no connection, no task; "
        "it leaves word of its outcome, which is the one in the ledger, and "
        "calls beside and after it do well."
    ),
    rows=_rows,
    runs=20,
    short=1,
)
