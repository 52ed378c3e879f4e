"""The steps of an order, one at a time, as another engine drives them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, Mock, call

import anyio
import attrs
import pytest

from sesamy_async import AsyncSesamy, Contract, RetryPolicy
from sesamy_async.bulk import Confirm, Entry, Sale, State
from sesamy_async.bulk._judge import Claim
from sesamy_async.bulk._steps import Steps, claims
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal._writer import Writer
from support.import_world import World
from support.journals import bring
from support.sources import listed
from support.wire import ORDER


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world with 100 orders."""
    return World(folder=tmp_path, source=listed(100))


def steps_of(world: World, journal: Journal, client: AsyncSesamy) -> Steps:
    """Return the steps as an importer puts them together."""
    return Steps(client, world.source, journal, Writer(journal))


@asynccontextmanager
async def begun(
    world: World, **settings: Any
) -> AsyncIterator[tuple[Steps, Claim, Journal]]:
    """Yield steps, and the first order that they have claimed."""
    with world.journal() as journal:
        async with world.client(**settings) as client:
            steps = steps_of(world, journal, client)
            claim = await steps.claim()
            assert claim is not None
            yield steps, claim, journal


async def _nothing(lost: int) -> None:
    del lost


async def test_each_order_is_claimed_once(world: World) -> None:
    """Two who claim at the same time get two orders."""
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


async def test_a_few_are_read_ahead(world: World) -> None:
    """A file of a million orders is not read before the first is sent."""
    async with begun(world) as (steps, _, _):
        # Row 2 is the first one.
        following = next(steps._rest)

    assert 2 + 64 == following.entry.row


async def test_an_intent_for_each_attempt_in_doubt(world: World) -> None:
    """An attempt after one that was certainly not done writes none."""
    for fault in ("drop-after", "wait:0"):
        world.sandbox.faults.add(fault, on="create")
    intent = AsyncMock()
    retry = RetryPolicy(attempts=4, base=0.0)
    async with begun(world, retry=retry) as (steps, claim, _):
        verdict = await steps.send(claim, intent)

    assert [call(0), call(1)] == intent.await_args_list
    assert (0, 3) == (verdict.change.strays, verdict.calls)


@pytest.mark.parametrize(
    ("own", "ours", "sent"),
    [
        ({}, "SPRING-12", ("SPRING-12", "acme")),
        ({"promo_code": "B"}, "SPRING-12", ("B", "acme")),
        ({"vendor_id": "b"}, "SPRING-12", ("SPRING-12", "b")),
        # It is refused, for it is none.
        ({}, None, ("", "acme")),
    ],
)
async def test_promo_code_and_vendor(
    world: World,
    own: dict[str, Any],
    ours: str | None,
    sent: tuple[str, str],
) -> None:
    """The promo code and vendor of a row precede those of the terms."""
    client: Any = Mock(contracts=AsyncMock())
    client._caller.shared.once = None
    client.contracts.create.return_value = Contract(id="c2")
    world.promo_code = ours
    sale = attrs.evolve(Sale(order=ORDER), **own)
    made = Entry(row=2, order_id="A", state=State.CREATED, contract_id="c1")
    with world.journal() as journal:
        steps = steps_of(world, journal, client)
        for entry in attrs.evolve(made, state=State.PENDING), made:
            await steps.send(Claim(entry, sale), _nothing)
    created = client.contracts.create.await_args
    confirmed = client.contracts.confirm.await_args

    assert sent == (created.args[0], created.kwargs["vendor_id"])
    assert sent == (confirmed.args[0], confirmed.kwargs["vendor_id"])
    assert "c1" == confirmed.args[1]


@pytest.mark.parametrize(
    ("confirm", "claimed"),
    [
        (Confirm.SEPARATELY, [("A-2", False), ("A-4", True)]),
        (Confirm.AT_ONCE, [("A-2", False), ("A-4", True)]),
        (Confirm.NO, [("A-2", False)]),
    ],
)
def test_what_is_claimed(
    tmp_path: Path, confirm: Confirm, claimed: list[tuple[str, bool]]
) -> None:
    """What is to be created is claimed, and what may have been confirmed."""
    world = World(folder=tmp_path, source=listed(len(State)), confirm=confirm)
    with world.journal() as journal:
        for row, state in enumerate(State, start=2):
            bring(journal, row, state)
        found = [*claims(world.source, journal)]

    assert claimed == [(each.entry.order_id, each.asked) for each in found]
    assert [order_id for order_id, _ in claimed] == [
        each.sale.order.external_order_id for each in found
    ]
