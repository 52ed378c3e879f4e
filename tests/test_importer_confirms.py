"""An order whose confirm is refused is told apart from one without access."""

from __future__ import annotations

from support.import_world import World


async def test_a_lost_confirm_that_can_not_be_repeated(world: World) -> None:
    """Where a second confirm is refused, nobody is told to sell it again."""
    world.sandbox.faults.add("drop-after", on="confirm")
    world.sandbox.faults.add("status:409", times=9, on="confirm")
    first = await world.run(concurrency=1)
    second = await world.run()

    assert (1, 4) == (first.unknown, first.rejected)
    assert (1, 4) == (second.unknown, second.rejected)
    assert 1 == sum(world.confirmed())
