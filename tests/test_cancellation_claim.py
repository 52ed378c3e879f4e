"""The claim about cancellations would not hold of a worse SDK."""

from __future__ import annotations

import pytest

from proof.claim import Scale
from proof.claims import cancellation
from proof.cut.scenes import SCENES, Scene
from proof.site import Way, serving
from sesamy_async.runtimes.on_anyio import AnyioEvent
from support.calling import World


WAITING = [scene for scene in SCENES if scene.first or scene.then]


@pytest.mark.parametrize("scene", WAITING, ids=lambda scene: scene.what)
def test_it_sees_somebody_wait_in_vain(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is done has to wake those who wait for it."""
    monkeypatch.setattr(AnyioEvent, "set", lambda _: None)
    with serving(Way.HTTP, 1) as site:
        scale = Scale(runs=1, seed=1)
        row = cancellation.row_of(scene, World.TRIO, site, scale)

    assert "The deadline passed" in " ".join(row.violations)
