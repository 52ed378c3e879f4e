"""An import believes no contract that another of its orders has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from sesamy_async import AsyncSesamy
from sesamy_async.bulk import Change, Confirm, Found, Importer, State
from sesamy_async.bulk.journal import Journal, Writer
from sesamy_async.bulk.journal._settling import reconcile
from sesamy_async.sandbox import Answer, Endpoint, SandboxRequest
from sesamy_async.sandbox._exchange import find_route
from sesamy_async.sandbox._transport import HandlerTransport
from support.import_world import World
from support.journals import bring, change, new_journal
from support.sources import listed


@attrs.define
class Gateway:
    """Answers creates with what another one was answered.

    Attributes:
        handle: Where requests go.
        always: Whether it keeps on; else it does it once.
    """

    handle: Callable[[SandboxRequest], Answer]
    always: bool = True
    kept: Answer | None = None
    done: bool = False

    def __call__(self, request: SandboxRequest) -> Answer:
        """Answer a request; each of them reaches the sandbox."""
        answer = self.handle(request)
        route = find_route(request.method, request.path)
        if route.endpoint is not Endpoint.CREATE or self.done:
            return answer
        if self.kept is None:
            self.kept = answer
            return answer
        self.done = not self.always
        return self.kept


def gateway(world: World, *, always: bool = True) -> HandlerTransport:
    """Return a transport that mixes up the answers of a sandbox."""
    return HandlerTransport(Gateway(world.sandbox.handle, always=always))


@pytest.mark.parametrize("concurrency", [1, 5])
async def test_kept_answers(world: World, concurrency: int) -> None:
    """Of orders that are answered with one contract, one is confirmed."""
    summary = await world.run(
        transport=gateway(world), concurrency=concurrency
    )
    with world.journal() as journal:
        holders = [
            each.order_id
            for each in journal.entries()
            if each.contract_id is not None
        ]

    assert 1 == summary.confirmed == len(holders)
    assert 4 == summary.unprocessed
    assert [0, 0, 0, 0, 1] == sorted(world.confirmed())


async def test_kept_in_an_earlier_run(world: World) -> None:
    """The contracts of all runs count, however long ago they were made."""
    kept = Gateway(world.sandbox.handle)
    for _ in range(2):
        summary = await world.run(
            transport=HandlerTransport(kept), concurrency=1, patience=0.0
        )

    assert 1 == summary.confirmed
    assert [1, 0, 0, 0, 0] == world.confirmed()


async def test_one_answer_of_another(world: World) -> None:
    """An order whose create is repeatable is created again: a stray more."""
    summary = await world.run(
        transport=gateway(world, always=False), concurrency=1
    )

    assert (5, 0, 1) == (summary.confirmed, summary.unknown, summary.strays)
    assert [1] * 5 == world.confirmed()
    assert 6 == sum(world.created())


@pytest.mark.parametrize("confirm", [Confirm.AT_ONCE, Confirm.SEPARATELY])
async def test_not_repeatable(tmp_path: Path, confirm: Confirm) -> None:
    """An order whose create is not repeatable is unknown."""
    world = World(
        folder=tmp_path, source=listed(5), confirm=confirm, strays=False
    )
    summary = await world.run(
        transport=gateway(world, always=False), concurrency=1
    )
    with world.journal() as journal:
        [unknown] = journal.entries(states={State.UNKNOWN})

    assert (4, 1) == (summary.confirmed, summary.unknown)
    assert unknown.contract_id is None


class _Sharing(AsyncSesamy):
    """A client that knows that orders share contracts."""

    shared_contracts = True


async def test_shared_contracts(world: World) -> None:
    """Whoever knows that orders share contracts says so to the client."""
    shared: list[bool] = []
    with world.journal() as journal:
        async with world.client() as client:
            for kind in (AsyncSesamy, _Sharing):
                client.__class__ = kind
                importer = Importer(client, world.source, journal)
                shared.append(importer._writer._shared)
                importer._writer.close()

    assert [False, True] == shared


async def test_written_though_shared(journal: Journal) -> None:
    """Then a contract of another order is written as any other."""
    writer = Writer(journal, shared_contracts=True)
    with journal:
        await writer.write(Change(row=3, state=State.INTENT))
        holder = await writer.write(
            change(3, State.CREATED, contract_id="c-2")
        )
        states = [each.state for each in journal.entries()]
        writer.close()

    assert holder is None
    assert State.CREATED is states[1]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Return a journal in which row 2 has contract c-2."""
    journal = new_journal(tmp_path / "orders.journal", rows=5)
    bring(journal, 2, State.CONFIRMED)
    return journal


@pytest.mark.parametrize("contract", ["c-2", "c\0-2", "c\ud800-2"])
async def test_written(journal: Journal, contract: str) -> None:
    """A contract is told from others as the journal keeps it."""
    writer = Writer(journal)
    with journal:
        for row in (3, 4):
            await writer.write(Change(row=row, state=State.INTENT))
        first = await writer.write(
            change(3, State.CREATED, contract_id=contract)
        )
        second = await writer.write(
            change(4, State.CREATED, contract_id=contract)
        )
        states = [each.state for each in journal.entries()]
        writer.close()

    holder = 2 if contract == "c-2" else 3

    assert (2 if contract == "c-2" else None) == first
    assert holder == second
    assert State.INTENT is states[2]


async def test_one_at_a_time(journal: Journal) -> None:
    """That a contract is taken is found without reading all rows."""
    with journal:
        [[*_, how]] = journal._store.read(
            "EXPLAIN QUERY PLAN SELECT row FROM orders WHERE contract_id = ?",
            "c-2",
        )

    assert "USING COVERING INDEX contract_ids" in how


async def test_looked_up(journal: Journal) -> None:
    """An order for which the contract of another is found stays unknown."""

    class Known:
        async def find(self, external_order_id: str) -> Found:
            del external_order_id
            return Found(contract_id="c-2", confirmed=True)

    with journal:
        bring(journal, 3, State.UNKNOWN)
        result = await reconcile(journal, Known())
        states = [each.state for each in journal.entries()]

    assert {"contract of row 2": 1} == result.failures
    assert State.UNKNOWN is states[1]
