"""An import tells how far it is, and how long it will take."""

from __future__ import annotations

import anyio
import pytest

from sesamy_async import RateLimit
from sesamy_async.bulk import Importer, Progress
from sesamy_async.bulk._importer import time_left
from support.import_world import World


async def test_progress_adds_up(world: World) -> None:
    """What is told on the way ends in what is told at the end."""
    told: list[Progress] = []

    async def listen(importer: Importer) -> None:
        told.extend([each async for each in importer.updates(0.001)])

    with world.journal() as journal:
        async with world.client() as client, anyio.create_task_group() as all_:
            importer = Importer(client, world.source, journal)
            all_.start_soon(listen, importer)
            await importer.run()

    first, last = told[0], told[-1]

    assert (5, 0, None) == (first.rows, first.settled, first.paused)
    assert (5, 5, 0, 0) == (
        last.rows,
        last.settled,
        last.in_flight,
        last.left,
    )
    assert last.rate > 0


async def test_how_long_it_takes(world: World) -> None:
    """The time left counts with the calls to come and the pace so far."""
    world.runtime.time += 10
    with world.journal() as journal:
        async with world.client(rate_limit=None) as client:
            importer = Importer(
                client, world.source, journal, runtime=world.runtime
            )
            nothing_yet = importer.progress().left
            await importer.run()
            summary = importer.progress()

    assert (None, 0.0, None) == (
        nothing_yet,
        summary.left,
        summary.permitted,
    )


@pytest.mark.parametrize(
    ("calls", "rate", "permitted", "at_once", "left"),
    [
        (100, 0.0, 5.0, 500.0, None),
        (0, 10.0, 5.0, 0.0, 0.0),
        (100, 50.0, None, None, 2.0),
        (100, 50.0, None, 5.0, 2.0),
        (100, 50.0, 5.0, None, 2.0),
        (100, 50.0, 5.0, 500.0, 2.0),
        (100, 50.0, 5.0, 50.0, 1.0 + 10.0),
        (100, 2.0, 5.0, 0.0, 50.0),
    ],
)
def test_time_left(
    calls: float,
    rate: float,
    permitted: float | None,
    at_once: float | None,
    left: float | None,
) -> None:
    """What is left of the burst goes as fast as of late, the rest by pace."""
    assert left == time_left(calls, rate, permitted, at_once)


@pytest.mark.parametrize(
    ("limit", "most"),
    [
        (None, 300),
        (RateLimit(requests=300, per=60), 100),
        (RateLimit(requests=900, per=60), 300),
        (RateLimit(requests=1, per=60), 1),
    ],
)
async def test_no_more_at_once_than_the_pace_permits(
    world: World, limit: RateLimit | None, most: int
) -> None:
    """Orders that would only wait for their pace are not claimed yet."""
    with world.journal() as journal:
        async with world.client(rate_limit=limit) as client:
            importer = Importer(client, world.source, journal, concurrency=300)

    assert most == importer._concurrency
