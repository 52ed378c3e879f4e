"""An import meets lost answers, mixed-up answers and outages."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async import RetryPolicy
from sesamy_async.bulk import Confirm, Ending, Importer, JournalError, State
from sesamy_async.bulk.journal import Journal
from sesamy_async.sandbox import Answer, Endpoint, SandboxRequest
from sesamy_async.sandbox._exchange import find_route
from sesamy_async.sandbox._transport import HandlerTransport
from support.import_world import ONCE, World
from support.sources import Listed, listed


@attrs.frozen
class Case:
    """What goes wrong in an import, and what becomes of its orders.

    Attributes:
        what: The rule.
        faults: Each with how often, and where it strikes.
        ends: Rows that are confirmed, rejected and unknown, and strays.
        count: How many orders there are.
        confirm: When they are confirmed.
        retry: What the client itself repeats.
    """

    what: str
    faults: Sequence[tuple[str, int, str]]
    ends: tuple[int, int, int, int]
    count: int = 5
    confirm: Confirm = Confirm.SEPARATELY
    retry: RetryPolicy = ONCE


CASES = [
    *(
        Case(f"create repeated: {fault}", [(fault, 1, "create")], (5, 0, 0, 1))
        for fault in ("drop-after", "half", "malformed")
    ),
    Case(
        "retries of the client are strays, too",
        [("drop-after", 2, "create")],
        (5, 0, 0, 2),
        retry=RetryPolicy(attempts=4, base=0.0),
    ),
    Case("confirm repeated", [("drop-after", 1, "confirm")], (5, 0, 0, 0)),
    Case("refused order", [("status:422", 1, "create")], (4, 1, 0, 0)),
    Case("refused confirm", [("status:409", 1, "confirm")], (4, 1, 0, 1)),
    Case(
        "confirm refused that may have been done",
        [("drop-after", 1, "confirm"), ("status:409", 1, "confirm")],
        (0, 0, 1, 0),
        count=1,
    ),
    Case(
        "a strict import asks few people to look",
        [("drop-after", 3, "create")],
        (27, 0, 3, 0),
        count=30,
        confirm=Confirm.AT_ONCE,
    ),
    *(
        Case(f"outage: {what}", [(what, 12, "confirm")], (30, 0, 0, 0), 30)
        for what in ("status:503", "html:200")
    ),
    # The token is refused: no order is to blame.
    Case("refused token", [("status:401", 6, "confirm")], (30, 0, 0, 0), 30),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
async def test_faults(tmp_path: Path, case: Case) -> None:
    """What is surely not done is sent again; doubt is counted or left."""
    world = World(
        folder=tmp_path, source=listed(case.count), confirm=case.confirm
    )
    for fault, times, on in case.faults:
        world.sandbox.faults.add(fault, times=times, on=on)
    summary = await world.run(concurrency=1, retry=case.retry)
    confirmed, _, unknown, strays = case.ends

    assert (*case.ends, Ending.COMPLETE) == (
        summary.confirmed,
        summary.rejected,
        summary.unknown,
        summary.strays,
        summary.ending,
    )
    with world.journal() as journal:
        assert strays == journal.strays()
    assert {0, 1} >= set(world.confirmed())
    assert confirmed + unknown == sum(world.confirmed())
    # A refused order has no contract, and a refused confirm left a stray.
    assert confirmed + unknown + strays == sum(world.created())
    if case.confirm is Confirm.AT_ONCE:
        assert world.runtime.time > 1006


@pytest.mark.parametrize(
    ("faults", "attempts"),
    [
        (("drop-after", "status:409"), 1),
        # The last attempt of the first call is certainly not done.
        (("drop-after", "wait:500", "status:409"), 2),
    ],
)
async def test_a_conflict_after_a_lost_create(
    tmp_path: Path, faults: tuple[str, ...], attempts: int
) -> None:
    """The conflict may be with the contract of the lost create."""
    one = World(folder=tmp_path, source=listed(1))
    for fault in faults:
        one.sandbox.faults.add(fault, on="create")
    summary = await one.run(retry=RetryPolicy(attempts=attempts, budget=None))

    assert (0, 1, 1) == (summary.rejected, summary.unknown, summary.strays)


@pytest.mark.parametrize("mixed_up", [False, True])
@pytest.mark.parametrize(
    ("confirm", "strays"),
    [
        (Confirm.AT_ONCE, True),
        (Confirm.AT_ONCE, False),
        (Confirm.SEPARATELY, False),
        (Confirm.NO, False),
    ],
)
async def test_a_create_that_must_not_be_repeated(
    tmp_path: Path, confirm: Confirm, *, strays: bool, mixed_up: bool
) -> None:
    """Where it is lost, or has another's contract, the order is unknown."""
    world = World(
        folder=tmp_path, source=listed(5), confirm=confirm, strays=strays
    )
    if mixed_up:
        mixed = gateway(world, always=False)
        summary = await world.run(transport=mixed, concurrency=1)
    else:
        world.sandbox.faults.add("drop-after", on="create")
        summary = await world.run(concurrency=1)
    again = await world.run()
    with world.journal() as journal:
        [unknown] = journal.entries(states={State.UNKNOWN})

    assert (4, 1, 0, Ending.COMPLETE) == (
        summary.done,
        summary.unknown,
        summary.strays,
        summary.ending,
    )
    assert (1, 0) == (again.unknown, again.calls)
    assert [1] * 5 == world.created()
    assert unknown.contract_id is None


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
    # The shortest pause, if all eight failed before it.
    assert crowd.runtime.time >= 1001


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
    ("fault", "words", "on"),
    [
        ("status:503", "503", "create"),
        ("html:200", "not JSON", "confirm"),
    ],
)
async def test_an_outage_that_does_not_end(
    crowd: World, fault: str, words: str, on: str
) -> None:
    """When its patience ends, it stops; the same command goes on."""
    await crowd.run(watch=lambda each: each.stop())
    crowd.sandbox.faults.add(fault, times=10_000, on=on)
    summary = await crowd.run(patience=100.0)
    with crowd.journal() as journal:
        left, strays = journal.counts(), journal.strays()
    crowd.sandbox.faults.clear()
    again = await crowd.run()

    assert Ending.OUTAGE is summary.ending
    assert words in str(summary.reason)
    assert 30 == left[State.PENDING] + left[State.CREATED]
    assert summary.strays == strays
    assert (30, 0) == (summary.unprocessed, summary.rejected)
    assert (30, [1] * 30) == (again.confirmed, crowd.confirmed())


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


@pytest.mark.parametrize("wrong", [30, 29])
async def test_all_are_refused(tmp_path: Path, wrong: int) -> None:
    """An unknown promo code does not burn through the file."""
    ids = tuple(f"A-{row}" for row in range(2, 32))
    codes = dict.fromkeys(ids[30 - wrong :], "AUTUMN")
    world = World(folder=tmp_path, source=Listed(ids, promo_codes=codes))
    summary = await world.run(concurrency=1)
    again = await world.run(concurrency=1)

    # A row that went through says that not all are refused.
    assert (wrong, Ending.COMPLETE) == (again.rejected, again.ending)
    if wrong == 30:
        assert (10, Ending.REFUSED) == (summary.rejected, summary.ending)
        assert re.fullmatch(
            "All of the first 10 orders were refused, the last one with: .* "
            "No contract was created. If the promo code is wrong, purge the "
            "journal and start over; if these orders are wrong, the same "
            "command continues with the others.",
            str(summary.reason),
        )
    else:
        assert (1, wrong) == (summary.confirmed, summary.rejected)
        assert Ending.COMPLETE is summary.ending


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
    assert (at + 1) // 3 == noted
    assert (30, [1] * 30) == (again.confirmed, crowd.confirmed())


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


async def test_one_answer_of_another(world: World) -> None:
    """An order whose create is repeatable is created again: a stray more."""
    mixed = gateway(world, always=False)
    summary = await world.run(transport=mixed, concurrency=1)

    assert (5, 0, 1) == (summary.confirmed, summary.unknown, summary.strays)
    assert 6 == sum(world.created())


@pytest.mark.parametrize("concurrency", [1, 5])
async def test_kept_answers(world: World, concurrency: int) -> None:
    """Of all orders that are answered with one contract, one is confirmed."""
    kept = Gateway(world.sandbox.handle)
    for patience in (60.0, 0.0):
        summary = await world.run(
            transport=HandlerTransport(kept),
            concurrency=concurrency,
            patience=patience,
        )
        with world.journal() as journal:
            contracts = [each.contract_id for each in journal.entries()]

        assert (1, 4) == (summary.confirmed, summary.unprocessed)
        assert 4 == contracts.count(None)
        assert [0, 0, 0, 0, 1] == sorted(world.confirmed())


@pytest.mark.parametrize("shared", [False, True])
async def test_shared_contracts(world: World, *, shared: bool) -> None:
    """The client says whether orders may share a contract."""
    with world.journal() as journal:
        async with world.client(shared_contracts=shared) as client:
            importer = Importer(client, world.source, journal)
            importer._writer.close()

    assert shared is importer._writer._shared
