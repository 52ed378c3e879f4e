"""An import meets lost answers, mixed-up answers and outages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async import AsyncSesamy, RetryPolicy
from sesamy_async.bulk import Confirm, Ending, Importer, JournalError, State
from sesamy_async.bulk._workers import ALL_REFUSED
from sesamy_async.bulk.journal import Journal
from sesamy_async.sandbox import Answer, Endpoint, SandboxRequest
from sesamy_async.sandbox._exchange import find_route
from sesamy_async.sandbox._transport import HandlerTransport
from support.import_world import World
from support.sources import Listed, listed


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


async def test_a_lost_confirm_that_can_not_be_repeated(world: World) -> None:
    """Where a second confirm is refused, nobody is told to sell it again."""
    world.sandbox.faults.add("drop-after", on="confirm")
    world.sandbox.faults.add("status:409", times=9, on="confirm")
    first = await world.run(concurrency=1)
    second = await world.run()

    assert (1, 4) == (first.unknown, first.rejected)
    assert (1, 4) == (second.unknown, second.rejected)
    assert 1 == sum(world.confirmed())


@pytest.fixture
def one(tmp_path: Path) -> World:
    """Return a world with one order."""
    return World(folder=tmp_path, source=listed(1))


async def test_a_confirm_in_doubt_that_is_refused(one: World) -> None:
    """Sesamy may refuse what it has done already: that is no rejected row."""
    one.sandbox.faults.add("drop-after", on="confirm")
    one.sandbox.faults.add("status:409", on="confirm")
    summary = await one.run()

    assert (0, 1, 0) == (summary.rejected, summary.unknown, summary.strays)
    assert [1] == one.confirmed()


async def test_a_conflict_after_a_lost_create(one: World) -> None:
    """It may be with the lost one, also where the last attempt was not."""
    one.sandbox.faults.add("drop-after", on="create")
    one.sandbox.faults.add("wait:500", on="create")
    one.sandbox.faults.add("status:409", on="create")
    summary = await one.run(retry=RetryPolicy(attempts=2, budget=None))

    assert (0, 1, 1) == (summary.rejected, summary.unknown, summary.strays)


async def test_a_first_confirm_that_is_refused(one: World) -> None:
    """What was never confirmed before is refused for certain: a stray."""
    one.sandbox.faults.add("status:409", on="confirm")
    summary = await one.run()

    assert (1, 0, 1) == (summary.rejected, summary.unknown, summary.strays)


@pytest.fixture
def crowd(tmp_path: Path) -> World:
    """Return a crowd with thirty orders."""
    return World(folder=tmp_path, source=listed(30))


@pytest.mark.parametrize(
    "fault", ["status:503", "drop-before", "wait:3", "html:200"]
)
async def test_an_outage_that_ends(crowd: World, fault: str) -> None:
    """Every order goes through when Sesamy is back; nobody is rejected."""
    crowd.sandbox.faults.add(fault, times=8, on="create")
    summary = await crowd.run()

    assert (30, 0, 0, Ending.COMPLETE) == (
        summary.confirmed,
        summary.rejected,
        summary.unknown,
        summary.ending,
    )
    assert [1] * 30 == crowd.confirmed()
    assert crowd.runtime.time > 1001


@pytest.mark.parametrize("fault", ["status:503", "html:200"])
async def test_an_outage_of_the_confirm(crowd: World, fault: str) -> None:
    """Contracts that are made wait for their confirm, and get it."""
    crowd.sandbox.faults.add(fault, times=12, on="confirm")
    summary = await crowd.run()

    assert (30, 0) == (summary.confirmed, summary.strays)
    assert [1] * 30 == crowd.created()


async def test_an_outage_is_told(crowd: World) -> None:
    """While nothing is sent, the progress says why."""
    crowd.sandbox.faults.add("status:503", times=12, on="create")
    told: set[str | None] = set()
    answer = crowd.sandbox.answer

    def watch(importer: Importer) -> None:
        def answering(request: Any, arrival: Any) -> Any:
            told.add(importer.progress().paused)
            return answer(request, arrival)

        crowd.sandbox.answer = answering  # type: ignore[method-assign]

    await crowd.run(watch=watch)

    assert None in told
    assert any("503" in str(each) for each in told)


@pytest.mark.parametrize(
    ("fault", "words"), [("status:503", "503"), ("html:200", "no JSON")]
)
async def test_an_outage_that_does_not_end(
    crowd: World, fault: str, words: str
) -> None:
    """When its patience ends, it stops; the same command goes on."""
    await crowd.run(watch=lambda each: each.stop())
    crowd.sandbox.faults.add(fault, times=10_000, on="confirm")
    summary = await crowd.run(patience=100.0)
    crowd.sandbox.faults.clear()
    again = await crowd.run()

    assert Ending.OUTAGE is summary.ending
    assert words in str(summary.reason)
    assert (30, 0) == (summary.unprocessed, summary.rejected)
    assert (30, [1] * 30) == (again.confirmed, crowd.confirmed())


async def test_a_strict_import_asks_few_people_to_look(
    tmp_path: Path,
) -> None:
    """In an outage, a strict import leaves few orders unknown."""
    world = World(folder=tmp_path, source=listed(30), confirm=Confirm.AT_ONCE)
    world.sandbox.faults.add("drop-after", times=3, on="create")
    summary = await world.run(concurrency=1)

    assert (27, 3, 0) == (
        summary.confirmed,
        summary.unknown,
        summary.unprocessed,
    )
    assert [1] * 30 == world.created()
    assert world.runtime.time > 1006


async def test_a_wrong_secret(crowd: World) -> None:
    """With credentials that never worked, it stops at once."""
    summary = await crowd.run(concurrency=1, client_secret="wrong")

    assert (30, Ending.REFUSED, 1000.0) == (
        summary.unprocessed,
        summary.ending,
        crowd.runtime.time,
    )
    assert "403" in str(summary.reason)
    # One request for each encoding.
    assert 2 == crowd.sandbox.ledger.requests("token")


async def test_a_secret_that_changes_meanwhile(crowd: World) -> None:
    """When the token is refused, it pauses rather than rejects orders."""
    crowd.sandbox.faults.add("status:401", times=6, on="confirm")
    summary = await crowd.run(concurrency=1)

    assert (30, 0) == (summary.confirmed, summary.rejected)


async def test_no_network(crowd: World) -> None:
    """Where nothing can be reached, it stops within a few orders."""
    summary = await crowd.run(
        transport=None,
        base_url="http://127.0.0.1:9",
        token_url="http://127.0.0.1:9/oauth/token",
    )

    assert (30, Ending.OUTAGE, 0) == (
        summary.unprocessed,
        summary.ending,
        summary.unknown,
    )


async def test_all_are_refused(tmp_path: Path) -> None:
    """A promo code that is unknown does not burn through the file."""
    world = World(folder=tmp_path, source=listed(30), promo_code="AUTUMN")
    summary = await world.run(concurrency=1)
    again = await world.run(concurrency=1)

    assert (ALL_REFUSED, Ending.REFUSED) == (summary.rejected, summary.ending)
    assert "promo code" in str(summary.reason)
    assert (30, Ending.COMPLETE) == (again.rejected, again.ending)


async def test_some_are_refused_at_first(tmp_path: Path) -> None:
    """A row that went through says that not all are refused."""
    ids = tuple(f"A-{row}" for row in range(2, 32))
    wrong = dict.fromkeys(ids[1:], "AUTUMN")
    world = World(folder=tmp_path, source=Listed(ids, promo_codes=wrong))
    summary = await world.run(concurrency=1)

    assert (1, 29, Ending.COMPLETE) == (
        summary.confirmed,
        summary.rejected,
        summary.ending,
    )


@pytest.mark.parametrize("at", [1, 2, 3, 20])
async def test_a_journal_that_fails(
    crowd: World, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """What can't be written down is not sent, and the import stops."""
    apply = Journal.apply
    commits = 0

    def failing(journal: Journal, changes: Any) -> None:
        nonlocal commits
        commits += bool(changes)
        if commits >= at:
            raise JournalError("No space left.")
        apply(journal, changes)

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "apply", failing)
        summary = await crowd.run(concurrency=1)
    noted = sum(crowd.created())
    again = await crowd.run()

    assert Ending.JOURNAL is summary.ending
    assert "No space left." in str(summary.reason)
    assert (at + 1) // 3 >= noted - 1
    assert (30, [1] * 30) == (again.confirmed, crowd.confirmed())


async def test_states_after_an_outage(crowd: World) -> None:
    """After giving up, nothing is left in doubt."""
    crowd.sandbox.faults.add("status:503", times=10_000, on="create")
    summary = await crowd.run()
    with crowd.journal() as journal:
        counts, strays = journal.counts(), journal.strays()

    assert (30, 30, summary.strays) == (
        counts[State.PENDING],
        summary.unprocessed,
        strays,
    )


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
        transport=gateway(world), concurrency=concurrency, patience=60.0
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
    """The client says whether orders may share a contract."""
    shared: list[bool] = []
    with world.journal() as journal:
        async with world.client() as client:
            for kind in (AsyncSesamy, _Sharing):
                client.__class__ = kind
                importer = Importer(client, world.source, journal)
                shared.append(importer._writer._shared)
                importer._writer.close()

    assert [False, True] == shared
