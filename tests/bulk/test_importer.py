"""An import sends each order, and says what became of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sesamy_async import ConfigurationError
from sesamy_async.bulk import Confirm, Ending, Importer, State
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
