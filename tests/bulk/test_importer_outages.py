"""An import waits for an outage to end, and gives up in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sesamy_async.bulk import Confirm, Ending, Importer, JournalError, State
from sesamy_async.bulk._workers import ALL_REFUSED
from sesamy_async.bulk.journal import Journal
from support.import_world import World
from support.sources import Listed, listed


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a world with thirty orders."""
    return World(folder=tmp_path, source=listed(30))


@pytest.mark.parametrize(
    "fault", ["status:503", "drop-before", "wait:3", "html:200"]
)
async def test_an_outage_that_ends(world: World, fault: str) -> None:
    """Every order goes through when Sesamy is back; nobody is rejected."""
    world.sandbox.faults.add(fault, times=8, on="create")
    summary = await world.run()

    assert (30, 0, 0, Ending.COMPLETE) == (
        summary.confirmed,
        summary.rejected,
        summary.unknown,
        summary.ending,
    )
    assert [1] * 30 == world.confirmed()
    assert world.runtime.time > 1001


@pytest.mark.parametrize("fault", ["status:503", "html:200"])
async def test_an_outage_of_the_confirm(world: World, fault: str) -> None:
    """Contracts that are made wait for their confirm, and get it."""
    world.sandbox.faults.add(fault, times=12, on="confirm")
    summary = await world.run()

    assert (30, 0) == (summary.confirmed, summary.strays)
    assert [1] * 30 == world.created()


async def test_an_outage_is_told(world: World) -> None:
    """While nothing is sent, the progress says why."""
    world.sandbox.faults.add("status:503", times=12, on="create")
    told: set[str | None] = set()
    answer = world.sandbox.answer

    def watch(importer: Importer) -> None:
        def answering(request: Any, arrival: Any) -> Any:
            told.add(importer.progress().paused)
            return answer(request, arrival)

        world.sandbox.answer = answering  # type: ignore[method-assign, assignment]

    await world.run(watch=watch)

    assert None in told
    assert any("503" in str(each) for each in told)


@pytest.mark.parametrize(
    ("fault", "words"), [("status:503", "503"), ("html:200", "no JSON")]
)
async def test_an_outage_that_does_not_end(
    world: World, fault: str, words: str
) -> None:
    """When its patience ends, it stops; the same command goes on."""
    await world.run(watch=lambda each: each.stop())
    world.sandbox.faults.add(fault, times=10_000, on="confirm")
    summary = await world.run(patience=100.0)
    world.sandbox.faults.clear()
    again = await world.run()

    assert Ending.OUTAGE is summary.ending
    assert words in str(summary.reason)
    assert (30, 0) == (summary.unprocessed, summary.rejected)
    assert (30, [1] * 30) == (again.confirmed, world.confirmed())


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


async def test_a_wrong_secret(world: World) -> None:
    """With credentials that never worked, it stops at once."""
    summary = await world.run(concurrency=1, client_secret="wrong")

    assert (30, Ending.REFUSED, 1000.0) == (
        summary.unprocessed,
        summary.ending,
        world.runtime.time,
    )
    assert "403" in str(summary.reason)
    # One request for each encoding.
    assert 2 == world.sandbox.ledger.requests("token")


async def test_a_secret_that_changes_meanwhile(world: World) -> None:
    """When the token is refused, it pauses rather than rejects orders."""
    world.sandbox.faults.add("status:401", times=6, on="confirm")
    summary = await world.run(concurrency=1)

    assert (30, 0) == (summary.confirmed, summary.rejected)


async def test_no_network(world: World) -> None:
    """Where nothing can be reached, it stops within a few orders."""
    summary = await world.run(
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
    world: World, monkeypatch: pytest.MonkeyPatch, at: int
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
        summary = await world.run(concurrency=1)
    noted = sum(world.created())
    again = await world.run()

    assert Ending.JOURNAL is summary.ending
    assert "No space left." in str(summary.reason)
    assert (at + 1) // 3 >= noted - 1
    assert (30, [1] * 30) == (again.confirmed, world.confirmed())


async def test_states_after_an_outage(world: World) -> None:
    """After giving up, nothing is left in doubt."""
    world.sandbox.faults.add("status:503", times=10_000, on="create")
    summary = await world.run()
    with world.journal() as journal:
        counts, strays = journal.counts(), journal.strays()

    assert (30, 30, summary.strays) == (
        counts[State.PENDING],
        summary.unprocessed,
        strays,
    )
