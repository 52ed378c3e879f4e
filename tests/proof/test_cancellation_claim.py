"""The claim about cancellations would not hold of a worse SDK."""

from __future__ import annotations

import pytest

from proof.claim import Scale
from proof.claims import cancellation
from proof.cut import blocking, judging
from proof.cut.scenes import SCENES, Scene
from proof.site import Way, serving
from sesamy_async._call import Latency, drive
from sesamy_async._call.anyio_runtime import AnyioEvent
from sesamy_async._call.runtime import BlockingEvent
from sesamy_async._http import Connection
from support.calling import World


WAITING = [scene for scene in SCENES if scene.first or scene.then]
ONCE = Scale(runs=1, seed=1)


@pytest.mark.parametrize(
    ("event", "world"),
    [(AnyioEvent, World.TRIO), (BlockingEvent, World.BLOCKING)],
)
@pytest.mark.parametrize("scene", WAITING, ids=lambda scene: scene.what)
def test_it_sees_somebody_wait_in_vain(
    scene: Scene,
    event: type[AnyioEvent | BlockingEvent],
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever is done has to wake those who wait for it."""
    monkeypatch.setattr(event, "set", lambda _: None)
    # Who looks before it is too late sees that its turn has come.
    monkeypatch.setattr(Latency, "latest", lambda *of: of[1].deadline)
    monkeypatch.setattr(judging, "DEADLINE", 2.0)
    with serving(Way.HTTP, 1) as site:
        row = cancellation.row_of(scene, world, site, ONCE)

    found = " ".join(row.violations)
    assert "The deadline passed" in found or "became free" in found


def test_it_sees_a_connection_that_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever throws a connection away has to close it."""
    close = Connection.aclose
    left: list[Connection] = []

    async def leave(connection: Connection) -> None:
        left.append(connection)

    monkeypatch.setattr(Connection, "aclose", leave)
    monkeypatch.setattr(blocking, "_PATIENCE", 0.5)
    with serving(Way.HTTP, 1) as site:
        row = cancellation.row_of(SCENES[0], World.BLOCKING, site, ONCE)
        for each in left:
            drive(close(each))

    assert "connections are left" in " ".join(row.violations)
