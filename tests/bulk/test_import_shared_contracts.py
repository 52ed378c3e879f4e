"""An import believes no contract that another of its orders has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from sesamy_async import AsyncSesamy
from sesamy_async.bulk import Confirm, Found, Importer, State
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal._settling import reconcile
from sesamy_async.sandbox import Answer, Endpoint, SandboxRequest
from sesamy_async.sandbox._exchange import find_route
from sesamy_async.sandbox._transport import HandlerTransport
from support.import_world import World
from support.journals import bring, new_journal
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


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Return a journal in which row 2 has contract c-2."""
    journal = new_journal(tmp_path / "orders.journal", rows=5)
    bring(journal, 2, State.CONFIRMED)
    return journal


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
