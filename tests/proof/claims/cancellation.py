"""A call can be cancelled at any await, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator

import anyio

from proof.claim import Claim, Row, Scale
from proof.cut.blocking import interrupted_at
from proof.cut.judging import Broken
from proof.cut.scenes import SCENES, Scene
from proof.cut.trial import cancelled_at
from proof.site import Site, Way, serving
from support.calling import WORLDS, World


_FAR = 500  # Moments that no call has.


def _rows(scale: Scale) -> Iterator[Row]:
    for way in (Way.HTTP, Way.HTTPS):
        with serving(way, scale.seed) as site:
            for scene in SCENES:
                if scale.brief and way is not _brief_way(scene):
                    continue
                for world in WORLDS:
                    yield row_of(scene, world, site, scale)


def _brief_way(scene: Scene) -> Way:
    """Return where one way is enough; TLS adds waits to one call alone."""
    waits = scene.first or scene.then or scene.settings
    return Way.HTTP if waits else Way.HTTPS


def row_of(scene: Scene, world: World, site: Site, scale: Scale) -> Row:
    """Play one scene in one world."""
    violations: list[str] = []
    counts = [
        _stepped(
            scene, world, site, f"{world}/{scene.what}/{number}", violations
        )
        for number in range(scale.runs)
    ]
    return Row(
        what=f"{site.way}, {world}: {scene.what}",
        runs=sum(counts),
        violations=tuple(violations),
        figure=_moments(world, min(counts), max(counts)),
    )


def _moments(world: World, least: int, most: int) -> str:
    what = "moments" if world is World.BLOCKING else "awaits"
    return f"{most} {what}" if least == most else f"{least} to {most} {what}"


def _stepped(
    scene: Scene, world: World, site: Site, name: str, violations: list[str]
) -> int:
    """Cut it off at one moment after the other; return how many there are."""
    for at in range(1, _FAR):
        waited = False
        try:
            waited = _cut(scene, world, site, at, f"{name}/{at}")
        except* Broken as found:
            violations.append(f"cut off at moment {at}: {found.exceptions}")
        # What is lost once would be lost at the next moments as well.
        if not waited:
            return at - 1
    raise AssertionError("a call without an end")


def _cut(scene: Scene, world: World, site: Site, at: int, name: str) -> bool:
    if world is World.BLOCKING:
        return interrupted_at(scene, site, at, name)
    return anyio.run(cancelled_at, scene, site, at, name, backend=str(world))


CLAIM = Claim(
    name="cancellation",
    promise=(
        "A call can be cancelled at each await that really waits, and a "
        "blocking call can be interrupted with Ctrl-C at each moment of its "
        "waits (as one begins, or has just ended). No token, turn, connection "
        "or task is lost. The exception carries a note of the call's outcome, "
        "which is the one in the ledger, and the calls beside and after it "
        "are not affected."
    ),
    rows=_rows,
    runs=20,
    short=1,
)
