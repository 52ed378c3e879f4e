"""An import says how far it is, and what it did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import anyio
import pytest

from sesamy_async import RateLimit
from sesamy_async.bulk import (
    Change,
    Confirm,
    Importer,
    ImportSummary,
    Progress,
    State,
)
from support.import_world import World
from support.journals import bring
from support.sources import listed


FIVE_A_SECOND = RateLimit(requests=300, per=60)


@pytest.fixture
def mixed(tmp_path: Path) -> World:
    """Return a world with six orders, each in a state of its own."""
    world = World(folder=tmp_path, source=listed(6))
    with world.journal() as journal:
        journal.apply([Change(row=2, state=State.PENDING, strays=2)])
        states = [each for each in State if each is not State.ALREADY]
        for row, state in enumerate(states, start=2):
            if state is not State.INTENT:
                bring(journal, row, state)
    return world


def at_each_call(world: World, look: Callable[[], None]) -> None:
    """Have ten seconds pass in each call, and look before its answer."""
    answer = world.sandbox.answer

    def answering(request: Any, arrival: Any) -> Any:
        world.runtime.time += 10.0
        look()
        return answer(request, arrival)

    world.sandbox.answer = answering  # type: ignore[method-assign]


async def test_progress_on_the_way(mixed: World) -> None:
    """It says what earlier runs did, what is in flight, and what is left."""
    told: list[Progress] = []
    limit = RateLimit(requests=6, per=600, burst=6)

    def watch(importer: Importer) -> None:
        told.append(importer.progress())
        at_each_call(mixed, lambda: told.append(importer.progress()))

    await mixed.run(concurrency=1, watch=watch, rate_limit=limit)
    # The token, the create and the confirm of row 2, the create of row 3.
    first, *_, last = told[:5]

    assert first == Progress(
        rows=6, done=1, rejected=1, unknown=1, strays=2, permitted=0.01
    )
    assert (1, 40.0, 0.05, 0.01) == (
        last.in_flight,
        last.seconds,
        last.rate,
        last.permitted,
    )
    # Of four calls that are left, three are within the burst of six.
    assert pytest.approx(3 / 0.05 + 1 / 0.01, rel=0.01) == last.left


async def test_summary(mixed: World) -> None:
    """The end says what became of every row, and what this run did."""
    at_each_call(mixed, lambda: None)
    mixed.sandbox.faults.add("status:409", on="confirm")
    summary = await mixed.run(concurrency=1, rate_limit=FIVE_A_SECOND)

    assert summary == ImportSummary(
        rows=6,
        confirmed=2,
        rejected=2,
        unknown=2,
        strays=3,
        confirm=Confirm.SEPARATELY,
        seconds=60.0,
        calls=5,
        permitted=5.0,
    )


@pytest.mark.parametrize(
    ("settings", "seconds"), [({}, 0.5), ({"every": 3.0}, 3.0)]
)
async def test_how_often_progress_comes(
    world: World, settings: dict[str, float], seconds: float
) -> None:
    """Progress comes twice a second, or as often as is asked for."""
    with world.journal() as journal:
        async with world.client() as client:
            importer = Importer(client, world.source, journal)
            importer._over = AsyncMock()
            updates = importer.updates(**settings)
            await anext(updates)
            await anext(updates)
            await updates.aclose()
            importer._over.wait.assert_awaited_once_with(seconds)


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


@pytest.mark.parametrize(
    ("given", "limit", "most"),
    [
        ({}, None, 10),
        ({"concurrency": 300}, None, 300),
        ({"concurrency": 300}, RateLimit(requests=300, per=60), 100),
        ({"concurrency": 300}, RateLimit(requests=900, per=60), 300),
        ({"concurrency": 300}, RateLimit(requests=1, per=60), 1),
    ],
)
async def test_how_many_at_once(
    world: World, given: dict[str, int], limit: RateLimit | None, most: int
) -> None:
    """Orders that would only wait for their pace are not claimed yet."""
    with world.journal() as journal:
        async with world.client(rate_limit=limit) as client:
            importer = Importer(client, world.source, journal, **given)  # type: ignore[arg-type]

    assert (most, 3600.0) == (
        importer._concurrency,
        importer._circuit.patience,
    )
