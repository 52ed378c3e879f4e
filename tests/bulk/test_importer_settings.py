"""What an importer can be told, and what it does if it is told nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sesamy_async import ConfigurationError
from sesamy_async.bulk import Importer
from support.import_world import World
from support.sources import listed


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world with an order."""
    return World(folder=tmp_path, source=listed(1))


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            {"concurrency": 0},
            "concurrency must be a finite number, at least 1; got 0.",
        ),
        ({"concurrency": 2.0}, "concurrency must be a whole number."),
        ({"concurrency": True}, "concurrency must be a whole number."),
        (
            {"patience": -1},
            "patience must be a finite number, at least 0; got -1.",
        ),
        (
            {"patience": "x"},
            "patience must be a number, at least 0; got str.",
        ),
    ],
)
async def test_impossible(
    world: World, setting: dict[str, Any], said: str
) -> None:
    """A wrong number is named before anything is sent."""
    with pytest.raises(ConfigurationError) as raised:
        await world.run(**setting)

    assert said == raised.value.args[0]


async def test_smallest(world: World) -> None:
    """One order at once, and no patience at all, can be had."""
    summary = await world.run(concurrency=1, patience=0)

    assert 1 == summary.done


async def test_nothing_said(world: World) -> None:
    """Ten orders go at once, and an outage may last an hour."""
    with world.journal() as journal:
        async with world.client() as client:
            importer = Importer(client, world.source, journal)

    assert (10, 3600.0) == (importer._concurrency, importer._circuit.patience)
