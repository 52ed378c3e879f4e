"""An import sends each order, and says what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from sesamy_async import ConfigurationError
from sesamy_async.bulk import (
    Change,
    Confirm,
    Ending,
    Importer,
    State,
)
from sesamy_async.bulk._steps import first_orders
from sesamy_async.bulk.journal._writer import Writer
from support.import_world import World
from support.journals import bring, change
from support.sources import Listed, listed


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
    """Each order has exactly one, and a second run sends nothing."""
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
    ledger = world.sandbox.ledger
    with world.journal() as journal:
        assert [
            (each, ledger.contracts(each)[0].id) for each in world.source.ids
        ] == [(each.order_id, each.contract_id) for each in journal.entries()]

    before = ledger.requests()
    again = await world.run()

    assert (5, 0, Ending.COMPLETE) == (again.done, again.calls, again.ending)
    assert before == ledger.requests()


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
    assert summary.reason == (
        "orders.csv changed while it was imported: row 6 is not what it was. "
        "Restore the file, and run the same command again."
    )
    assert 0 == world.sandbox.ledger.count("X")


@pytest.mark.parametrize("state", [State.PENDING, State.CREATED])
async def test_a_client_that_is_closed(world: World, state: State) -> None:
    """A client that can't be used rejects no order."""
    with world.journal() as journal:
        for row in range(2, 7):
            bring(journal, row, state)
        before = journal.counts()
        async with world.client() as client:
            pass
        importer = Importer(
            client, world.source, journal, runtime=world.runtime
        )
        with pytest.raises(ConfigurationError, match="closed"):
            await importer.run()

        assert before == journal.counts()


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
    ],
)
async def test_impossible(
    world: World, setting: dict[str, Any], said: str
) -> None:
    """A wrong number is named before anything is sent."""
    with pytest.raises(ConfigurationError) as raised:
        await world.run(**setting)

    assert said == raised.value.args[0]


async def test_stop(world: World) -> None:
    """What was begun is finished, and a later run goes on."""
    summary = await world.run(watch=lambda importer: importer.stop())
    again = await world.run()
    # What was complete all the same was not interrupted.
    last = await world.run(watch=lambda importer: importer.stop())

    assert Ending.COMPLETE is last.ending
    assert (0, 5, Ending.INTERRUPTED) == (
        summary.done,
        summary.unprocessed,
        summary.ending,
    )
    assert (5, [1] * 5) == (again.done, world.confirmed())


@pytest.mark.parametrize(
    ("confirm", "unknown", "strays"),
    [(Confirm.SEPARATELY, 0, 1), (Confirm.AT_ONCE, 1, 0)],
)
async def test_interrupted(
    tmp_path: Path, confirm: Confirm, unknown: int, strays: int
) -> None:
    """A contract is confirmed, not made again; a create in doubt may be."""
    world = World(folder=tmp_path, source=listed(5), confirm=confirm)
    with world.journal() as journal:
        async with world.client() as client:
            sale: Any = world.source.read(next(world.source.records()))
            contract = await client.contracts.create("SPRING-12", sale.order)
        bring(journal, 3, State.INTENT)
        bring(journal, 2, State.INTENT)
        journal.apply([change(2, State.CREATED, contract_id=contract.id)])
    summary = await world.run()

    assert (5 - unknown, unknown, strays) == (
        summary.done,
        summary.unknown,
        summary.strays,
    )
    assert 5 - unknown == sum(world.created()) == sum(world.confirmed())


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
        await world.run(concurrency=1)
    with world.journal() as journal:
        first = next(journal.entries())

    assert State.CREATED is first.state


async def test_the_first(world: World) -> None:
    """The first are sent, and are the same in each run; then the others."""
    runs = [await world.run(first=2, concurrency=3) for _ in range(2)]
    created = world.created()
    rest = await world.run()

    assert [(2, 3, Ending.FIRST, calls) for calls in (4, 0)] == [
        (it.done, it.unprocessed, it.ending, it.calls) for it in runs
    ]
    assert [1, 1, 0, 0, 0] == created
    assert (5, Ending.COMPLETE, [1] * 5) == (
        rest.done,
        rest.ending,
        world.confirmed(),
    )


@pytest.mark.parametrize(
    ("first", "ending", "sent"),
    [
        (1, Ending.FIRST, ["A-5"]),
        (2, Ending.FIRST, ["A-5", "A-6"]),
        (3, Ending.COMPLETE, ["A-5", "A-6", "A-7"]),
        (9, Ending.COMPLETE, ["A-5", "A-6", "A-7"]),
    ],
)
async def test_which_are_the_first(
    tmp_path: Path, first: int, ending: Ending, sent: list[str]
) -> None:
    """Rows that can't be sent, or were sent elsewhere, are none of them."""
    source = Listed(("", "", "A-4", "A-5", "A-6", "A-7"))
    world = World(folder=tmp_path, source=source)
    with world.journal() as journal:
        bring(journal, 4, State.ALREADY)
    world.sandbox.faults.add("status:422", on="create")
    summary = await world.run(first=first, concurrency=1)
    with world.journal() as journal:
        orders = first_orders(journal, first)

    assert (ending, 3, len(sent) - 1) == (
        summary.ending,
        summary.rejected,
        summary.confirmed,
    )
    assert sent == [each.order_id for each in orders]


async def test_the_first_in_trouble(world: World) -> None:
    """What stops them is told, and is no reason to ask for the others."""
    stopped = await world.run(first=2, watch=lambda it: it.stop())
    for _ in range(50):
        world.sandbox.faults.add("status:503", on="create")
    failed = await world.run(first=2)

    assert [Ending.INTERRUPTED, Ending.OUTAGE] == [
        stopped.ending,
        failed.ending,
    ]


@pytest.mark.parametrize("first", [None, 2])
async def test_how_long_the_others_take(
    world: World, first: int | None
) -> None:
    """With the first ones, no time is foretold."""
    importers: list[Importer] = []
    await world.run(first=3)
    await world.run(first=first, watch=importers.append)
    [importer] = importers

    assert (first is None) is (importer.progress().left is not None)
