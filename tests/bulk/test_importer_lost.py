"""An import repeats what it lost sight of where that is harmless."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sesamy_async import RetryPolicy
from sesamy_async.bulk import Confirm, Ending, State
from support.import_world import World
from support.sources import listed


@pytest.mark.parametrize("fault", ["drop-after", "half", "malformed"])
async def test_a_lost_create_is_repeated(world: World, fault: str) -> None:
    """An unconfirmed create in doubt is sent again; the stray is counted."""
    world.sandbox.faults.add(fault, on="create")
    summary = await world.run(concurrency=1)

    assert (5, 1, 0) == (
        summary.confirmed,
        summary.strays,
        summary.unknown,
    )
    assert [1] * 5 == world.confirmed()
    assert 6 == sum(world.created())


@pytest.mark.parametrize(
    ("confirm", "strays"), [(Confirm.AT_ONCE, True), (Confirm.NO, False)]
)
async def test_a_lost_create_that_must_not_be_repeated(
    tmp_path: Path, confirm: Confirm, *, strays: bool
) -> None:
    """Where a second create is not allowed, a lost one is unknown."""
    world = World(
        folder=tmp_path, source=listed(5), confirm=confirm, strays=strays
    )
    world.sandbox.faults.add("drop-after", on="create")
    summary = await world.run(concurrency=1)
    again = await world.run()

    assert (4, 1, 0, Ending.COMPLETE) == (
        summary.done,
        summary.unknown,
        summary.strays,
        summary.ending,
    )
    assert (1, 0) == (again.unknown, again.calls)
    assert [1] * 5 == world.created()


async def test_each_lost_attempt_is_written_down_before_the_next(
    world: World,
) -> None:
    """The retries of the client's own count as strays, too."""
    world.sandbox.faults.add("drop-after", on="create", times=2)
    retry = RetryPolicy(attempts=4, base=0.0)
    summary = await world.run(concurrency=1, retry=retry)

    assert (5, 2) == (summary.confirmed, summary.strays)
    assert 7 == sum(world.created())


async def test_a_lost_confirm_is_repeated(world: World) -> None:
    """A confirm in doubt is sent again, for the same contract."""
    world.sandbox.faults.add("drop-after", on="confirm")
    summary = await world.run(concurrency=1)

    assert (5, 0, [1] * 5) == (
        summary.confirmed,
        summary.strays,
        world.created(),
    )


async def test_a_poisonous_order_is_set_aside(world: World) -> None:
    """An order that fails each time is left; the others go through."""
    answer = world.sandbox.answer

    def poisoned(request: Any, arrival: Any) -> Any:
        if b'"A-3"' in request.body:
            world.sandbox.faults.add("status:500", on="create")
            arrival = world.sandbox.receive(request.method, request.path)
        return answer(request, arrival)

    world.sandbox.answer = poisoned  # type: ignore[method-assign, assignment]
    summary = await world.run(concurrency=1)
    with world.journal() as journal:
        [entry] = journal.entries(states={State.PENDING})

    assert (4, 1, Ending.OUTAGE) == (
        summary.confirmed,
        summary.unprocessed,
        summary.ending,
    )
    assert ("A-3", 3) == (entry.order_id, entry.strays)
    assert "500" in str(summary.reason)


async def test_a_lost_confirm_that_can_not_be_repeated(world: World) -> None:
    """Where a second confirm is refused, nobody is told to sell it again."""
    world.sandbox.faults.add("drop-after", on="confirm")
    world.sandbox.faults.add("status:409", times=9, on="confirm")
    first = await world.run(concurrency=1)
    second = await world.run()

    assert (1, 4) == (first.unknown, first.rejected)
    assert (1, 4) == (second.unknown, second.rejected)
    assert 1 == sum(world.confirmed())
