"""What an import says of orders whose answers it may not have seen."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from sesamy_async import RetryPolicy
from sesamy_async.bulk import Change, State
from sesamy_async.bulk.journal import Writer
from support.import_world import World
from support.sources import listed


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world with one order."""
    return World(folder=tmp_path, source=listed(1))


async def test_a_confirm_in_doubt_that_is_refused(world: World) -> None:
    """Sesamy may refuse what it has done already: that is no rejected row."""
    world.sandbox.faults.add("drop-after", on="confirm")
    world.sandbox.faults.add("status:409", on="confirm")
    summary = await world.run()

    assert (0, 1, 0) == (summary.rejected, summary.unknown, summary.strays)
    assert [1] == world.confirmed()


async def test_a_conflict_after_a_lost_create(world: World) -> None:
    """It may be with the lost one, also where the last attempt was not."""
    world.sandbox.faults.add("drop-after", on="create")
    world.sandbox.faults.add("wait:500", on="create")
    world.sandbox.faults.add("status:409", on="create")
    summary = await world.run(retry=RetryPolicy(attempts=2, budget=None))

    assert (0, 1, 1) == (summary.rejected, summary.unknown, summary.strays)


async def test_a_first_confirm_that_is_refused(world: World) -> None:
    """What was never confirmed before is refused for certain: a stray."""
    world.sandbox.faults.add("status:409", on="confirm")
    summary = await world.run()

    assert (1, 0, 1) == (summary.rejected, summary.unknown, summary.strays)


async def test_a_cancelled_import_writes_what_it_knows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that came is on disk before anybody closes the journal."""

    async def cancelled(self: Writer, change: Change) -> None:
        if change.state is State.CREATED:
            scope.cancel()
        await write(self, change)

    write = Writer.write
    monkeypatch.setattr(Writer, "write", cancelled)
    with anyio.CancelScope() as scope:
        await world.run()
    with world.journal() as journal:
        first = next(journal.entries())

    assert State.CREATED is first.state
