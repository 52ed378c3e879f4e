"""The steps of an order, one at a time, as another engine drives them."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from sesamy_async import (
    AsyncSesamy,
    ConfigurationError,
    OutcomeUnknownError,
    RetryPolicy,
)
from sesamy_async.bulk.claim import Claim
from sesamy_async.bulk.claims import Claims
from sesamy_async.bulk.journal.journal import Journal
from sesamy_async.bulk.journal.writer import Writer
from sesamy_async.bulk.order_steps import OrderSteps
from sesamy_async.bulk.state import State
from support.import_world import World
from support.sources import listed


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world with 100 orders."""
    return World(folder=tmp_path, source=listed(100))


def steps_of(
    world: World, journal: Journal, client: AsyncSesamy
) -> OrderSteps:
    """Return the steps as an importer puts them together."""
    return OrderSteps(
        client, journal.terms, Claims(world.source, journal), Writer(journal)
    )


async def _nothing(lost: int) -> None:
    del lost


async def test_each_order_is_claimed_once(world: World) -> None:
    """Whoever claims at the same time gets another order."""
    claimed: list[Claim | None] = []
    with world.journal() as journal:
        async with world.client() as client:
            steps = steps_of(world, journal, client)

            async def claim() -> None:
                while (found := await steps.claim()) is not None:
                    claimed.append(found)

            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(claim)

    assert list(world.source.ids) == [
        each.entry.order_id for each in claimed if each
    ]


async def test_an_intent_for_each_attempt_in_doubt(world: World) -> None:
    """An attempt after one that was surely not done adds no stray."""
    faults = world.sandbox.faults
    faults.add("drop-after", on="create")
    faults.add("wait:0", on="create")
    intents: list[int] = []

    async def note(lost: int) -> None:
        intents.append(lost)

    with world.journal() as journal:
        retry = RetryPolicy(attempts=4, base=0.0)
        async with world.client(retry=retry) as client:
            steps = steps_of(world, journal, client)
            claim = await steps.claim()
            assert claim is not None
            verdict = await steps.send(claim, note)

    assert ([0, 1], State.CREATED, 0, 3) == (
        intents,
        verdict.change.state,
        verdict.change.strays,
        verdict.calls,
    )


async def test_a_confirm_with_a_closed_client(world: World) -> None:
    """A client that is closed is nobody's fault but ours."""
    with world.journal() as journal:
        async with world.client() as client:
            steps = steps_of(world, journal, client)
            claim = await steps.claim()
            assert claim is not None
        entry = claim.entry
        made = Claim(
            type(entry)(
                row=entry.row,
                order_id=entry.order_id,
                state=State.CREATED,
                contract_id="c1",
            ),
            claim.sale,
        )
        with pytest.raises(ConfigurationError, match="closed"):
            await steps.send(made, _nothing)


async def test_a_broken_intent_is_no_verdict(world: World) -> None:
    """An intent that can't be written down ends the step, not the order."""

    async def fail(lost: int) -> None:
        del lost
        raise OutcomeUnknownError("x")

    with world.journal() as journal:
        async with world.client() as client:
            steps = steps_of(world, journal, client)
            claim = await steps.claim()
            assert claim is not None
            verdict = await steps.send(claim, fail)

    assert (State.PENDING, 0) == (
        verdict.change.state,
        world.sandbox.ledger.total,
    )
