"""An import sends each order, and says what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from sesamy_async import ConfigurationError, RateLimit, RetryPolicy
from sesamy_async.bulk.confirm import Confirm
from sesamy_async.bulk.importer import Importer, time_left
from sesamy_async.bulk.journal.entry import Change
from sesamy_async.bulk.progress import Progress
from sesamy_async.bulk.state import State
from sesamy_async.bulk.summary import Ending
from support.import_world import World
from support.sources import Listed, listed


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world with five orders."""
    return World(folder=tmp_path, source=listed(5))


@pytest.mark.parametrize(
    ("confirm", "confirmed", "created", "calls"),
    [
        (Confirm.SEPARATELY, 5, 0, 10),
        (Confirm.AT_ONCE, 5, 0, 5),
        (Confirm.NO, 0, 5, 5),
    ],
)
async def test_every_order_has_one_contract(
    tmp_path: Path,
    confirm: Confirm,
    confirmed: int,
    created: int,
    calls: int,
) -> None:
    """However contracts are confirmed, each order has exactly one."""
    world = World(folder=tmp_path, source=listed(5), confirm=confirm)
    summary = await world.run()

    assert (5, confirmed, created, 0, Ending.COMPLETE, calls) == (
        summary.rows,
        summary.confirmed,
        summary.created,
        summary.unprocessed,
        summary.ending,
        summary.calls,
    )
    assert [1] * 5 == world.created()
    assert [int(confirmed > 0)] * 5 == world.confirmed()


async def test_the_journal_tells_the_contract(world: World) -> None:
    """The contract of each order is written down."""
    await world.run()
    with world.journal() as journal:
        noted = [
            (entry.order_id, entry.contract_id, entry.state)
            for entry in journal.entries()
        ]
    ledger = world.sandbox.ledger

    assert noted == [
        (each, ledger.contracts(each)[0].id, State.CONFIRMED)
        for each in world.source.ids
    ]


async def test_a_second_run_sends_nothing(world: World) -> None:
    """What is complete stays as it is."""
    await world.run()
    before = world.sandbox.ledger.requests()
    summary = await world.run()

    assert (5, 0, Ending.COMPLETE) == (
        summary.confirmed,
        summary.calls,
        summary.ending,
    )
    assert before == world.sandbox.ledger.requests()


async def test_a_refused_order_troubles_no_other(world: World) -> None:
    """An order that Sesamy refuses is rejected; the others go through."""
    world.sandbox.faults.add("status:422", on="create")
    summary = await world.run(concurrency=1)
    with world.journal() as journal:
        [entry] = journal.entries(states={State.REJECTED})

    assert (4, 1, 0, Ending.COMPLETE) == (
        summary.confirmed,
        summary.rejected,
        summary.unprocessed,
        summary.ending,
    )
    assert "422" in str(entry.reason)


async def test_rows_that_were_planned_as_rejected(tmp_path: Path) -> None:
    """A row without an order is counted, and never sent."""
    world = World(folder=tmp_path, source=Listed(("A", "", "C")))
    summary = await world.run()

    assert (3, 2, 1) == (summary.rows, summary.confirmed, summary.rejected)


async def test_an_own_promo_code(tmp_path: Path) -> None:
    """A row's own promo code and vendor go before the import's."""
    source = Listed(("A", "B"), promo_codes={"B": "FAMILY-6"})
    world = World(folder=tmp_path, source=source)
    await world.run()
    ledger = world.sandbox.ledger

    assert ["SPRING-12", "FAMILY-6"] == [
        ledger.contracts(each)[0].promo_code for each in source.ids
    ]


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

    world.sandbox.answer = poisoned  # type: ignore[method-assign]
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


@pytest.mark.parametrize(
    "source",
    [
        Listed(("A-2", "A-3", "A-4", "A-5", "X")),
        Listed(("A-2", "A-3", "A-4", "A-5", "")),
        Listed(("A-2", "A-3", "A-4", "A-5")),
    ],
)
async def test_a_file_that_changes_meanwhile(
    world: World, source: Listed
) -> None:
    """An order that is not the one that was checked is never sent."""
    world.journal().close()
    world.source = source
    summary = await world.run()

    assert (Ending.FILE, 5) == (summary.ending, summary.rows)
    assert summary.unprocessed
    assert "row 6 is not what it was" in str(summary.reason)
    assert 0 == world.sandbox.ledger.count("X")


async def test_a_client_that_is_closed(world: World) -> None:
    """A client that can't be used rejects no order."""
    with world.journal() as journal:
        async with world.client() as client:
            pass
        importer = Importer(
            client, world.source, journal, runtime=world.runtime
        )
        with pytest.raises(ConfigurationError, match="closed"):
            await importer.run()
        counts = journal.counts()

    assert 5 == counts[State.PENDING]


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": 2.0}, "concurrency"),
        ({"concurrency": True}, "concurrency"),
        ({"patience": -1}, "patience"),
        ({"patience": "x"}, "patience"),
    ],
)
async def test_impossible_settings(
    world: World, setting: dict[str, Any], named: str
) -> None:
    """A wrong number is named before anything is sent."""
    with pytest.raises(ConfigurationError, match=named):
        await world.run(**setting)
