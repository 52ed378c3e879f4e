"""An import sends each order, and says what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from sesamy_async import ConfigurationError
from sesamy_async.bulk import (
    Change,
    Confirm,
    Ending,
    Importer,
    State,
)
from sesamy_async.bulk.journal import Writer
from support.import_world import World
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

    before = world.sandbox.ledger.requests()
    again = await world.run()

    assert (5, 0, Ending.COMPLETE) == (again.done, again.calls, again.ending)
    assert before == world.sandbox.ledger.requests()


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


async def test_rows_that_were_planned_as_rejected(tmp_path: Path) -> None:
    """A row without an order is counted, and never sent."""
    world = World(folder=tmp_path, source=Listed(("A", "", "C")))
    summary = await world.run()

    assert (3, 2, 1) == (summary.rows, summary.confirmed, summary.rejected)


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
        "Restore it, and give the same command again."
    )
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


async def test_nothing_said(world: World) -> None:
    """Ten orders go at once, and an outage may last an hour."""
    with world.journal() as journal:
        async with world.client() as client:
            importer = Importer(client, world.source, journal)

    assert (10, 3600.0) == (importer._concurrency, importer._circuit.patience)


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
