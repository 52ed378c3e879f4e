"""An import that was stopped goes on where it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sesamy_async.bulk import Change, Confirm, Ending, State
from support.import_world import World
from support.sources import listed


async def test_stop(world: World) -> None:
    """Whoever asks it to stop gets what was begun, and may go on later."""
    summary = await world.run(watch=lambda importer: importer.stop())
    again = await world.run()

    assert (0, 5, Ending.INTERRUPTED) == (
        summary.done,
        summary.unprocessed,
        summary.ending,
    )
    assert (5, [1] * 5) == (again.done, world.confirmed())


async def test_stop_after_the_last_order(world: World) -> None:
    """What was complete all the same was not interrupted."""
    await world.run()
    summary = await world.run(watch=lambda importer: importer.stop())

    assert Ending.COMPLETE is summary.ending


async def test_a_created_order_is_confirmed_later(world: World) -> None:
    """A contract that is written down is confirmed, not made again."""
    with world.journal() as journal:
        async with world.client() as client:
            sale: Any = world.source.read(next(world.source.records()))
            contract = await client.contracts.create("SPRING-12", sale.order)
        journal.apply([Change(row=2, state=State.INTENT)])
        journal.apply(
            [Change(row=2, state=State.CREATED, contract_id=contract.id)]
        )
    await world.run()

    assert [1] * 5 == world.created() == world.confirmed()


@pytest.mark.parametrize(
    ("confirm", "unknown", "strays"),
    [(Confirm.SEPARATELY, 0, 1), (Confirm.AT_ONCE, 1, 0)],
)
async def test_an_interrupted_create(
    tmp_path: Path, confirm: Confirm, unknown: int, strays: int
) -> None:
    """A restart repeats what was cut off, or leaves it to a person."""
    world = World(folder=tmp_path, source=listed(5), confirm=confirm)
    with world.journal() as journal:
        journal.apply([Change(row=2, state=State.INTENT)])
    summary = await world.run()

    assert (5 - unknown, unknown, strays) == (
        summary.done,
        summary.unknown,
        summary.strays,
    )
