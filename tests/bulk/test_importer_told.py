"""An import says how far it is, and what it did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import attrs
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
from support.import_world import Hurried, World
from support.journals import bring
from support.runtime import FakeEvent
from support.sources import listed


FIVE_A_SECOND = RateLimit(requests=300, per=60)


@pytest.fixture
def mixed(tmp_path: Path) -> World:
    """Return a world with six orders, each in a state of its own."""
    world = World(folder=tmp_path, source=listed(6))
    with world.journal() as journal:
        journal.apply([Change(row=2, state=State.PENDING, strays=2)])
        for row, state in enumerate(State, start=2):
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


async def test_progress_before_it_runs(mixed: World) -> None:
    """What was done before is told, and how long this run has taken."""
    with mixed.journal() as journal:
        async with mixed.client(rate_limit=FIVE_A_SECOND) as client:
            importer = Importer(
                client, mixed.source, journal, runtime=mixed.runtime
            )
            mixed.runtime.time += 7.0
            told = importer.progress()

    assert told == Progress(
        rows=6,
        done=1,
        rejected=1,
        unknown=1,
        strays=2,
        seconds=7.0,
        permitted=5.0,
    )


async def test_progress_on_the_way(mixed: World) -> None:
    """What is in flight is told, and how long the rest will take."""
    told: list[Progress] = []
    limit = RateLimit(requests=6, per=600, burst=6)

    def watch(importer: Importer) -> None:
        at_each_call(mixed, lambda: told.append(importer.progress()))

    await mixed.run(concurrency=1, watch=watch, rate_limit=limit)
    # The token, the create and the confirm of row 2, the create of row 3.
    last = told[3]

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


@attrs.define
class _Impatient(FakeEvent):
    waits: list[float] = attrs.field(factory=list[float])

    async def wait(self, seconds: float) -> bool:
        """Note for how long, and have waited."""
        self.waits.append(seconds)
        return False


@attrs.define
class _Clock(Hurried):
    waits: list[float] = attrs.field(factory=list[float])

    def event(self) -> FakeEvent:
        """Make an event that notes for how long it is waited for."""
        return _Impatient(self, waits=self.waits)


@pytest.mark.parametrize(
    ("settings", "waits"), [({}, [0.5]), ({"every": 3.0}, [3.0])]
)
async def test_how_often_it_is_told(
    mixed: World, settings: dict[str, float], waits: list[float]
) -> None:
    """Progress comes twice a second, or as often as one likes."""
    clock = _Clock()
    with mixed.journal() as journal:
        async with mixed.client() as client:
            importer = Importer(client, mixed.source, journal, runtime=clock)
            told = importer.updates(**settings)
            await anext(told)
            await anext(told)
            await told.aclose()  # type: ignore[attr-defined]

    assert waits == clock.waits


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
