"""Concurrent orders share commits, and none loses what it wrote."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from sesamy_async.bulk import Change, JournalError, State
from sesamy_async.bulk.journal import Journal, Writer
from support.journals import change, new_journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Return a journal of fifty orders."""
    with new_journal(tmp_path / "j", rows=50) as journal:
        yield journal


class Gate:
    """Holds commits back, counts them, and lets them fail."""

    def __init__(
        self, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.begun = 0
        self.commits: list[int] = []
        self.threads: list[str] = []
        self.failure: Exception | None = None
        self._opened = threading.Event()
        self._entered = threading.Event()
        self._apply = journal.apply
        monkeypatch.setattr(journal, "apply", self._held)

    def _held(self, changes: Sequence[Change]) -> None:
        self.begun += 1
        self.threads.append(threading.current_thread().name)
        self._entered.set()
        self._opened.wait(10)
        self.commits.append(len(changes))
        if self.failure is not None:
            raise self.failure
        self._apply(changes)

    def open(self) -> None:
        """Let all commits pass."""
        self._opened.set()

    async def reached(self) -> None:
        """Wait until a commit is held."""
        await anyio.to_thread.run_sync(self._entered.wait, 10)


@pytest.fixture
def gate(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Return what holds the commits of the journal."""
    return Gate(journal, monkeypatch)


async def test_on_disk(journal: Journal) -> None:
    """A change is in the journal when `write` returns."""
    writer = Writer(journal)
    await writer.write(change(2, State.INTENT))
    await writer.write(change(2, State.CREATED))
    entry = journal.entry("A-2")

    assert entry is not None
    assert (State.CREATED, "c-2") == (entry.state, entry.contract_id)


async def test_shared(journal: Journal, gate: Gate) -> None:
    """What comes in during a commit is written with one more."""
    writer = Writer(journal)
    async with anyio.create_task_group() as group:
        group.start_soon(writer.write, change(2, State.INTENT))
        await gate.reached()
        for row in range(3, 52):
            group.start_soon(writer.write, change(row, State.INTENT))
        await anyio.wait_all_tasks_blocked()
        gate.open()

    assert [1, 49] == gate.commits
    assert 50 == journal.counts()[State.INTENT]


async def test_one_at_a_time(journal: Journal, gate: Gate) -> None:
    """A commit waits for the one before it, so changes keep their order."""
    writer = Writer(journal)
    async with anyio.create_task_group() as group:
        group.start_soon(writer.write, change(2, State.INTENT))
        await gate.reached()
        group.start_soon(writer.write, change(3, State.INTENT))
        # Long enough for a second thread to begin.
        await anyio.sleep(0.05)
        begun = gate.begun
        gate.open()

    assert 1 == begun
    assert ["journal_0", "journal_0"] == gate.threads


async def test_waits(journal: Journal, gate: Gate) -> None:
    """Nobody is told that a change is on disk before it is."""
    writer = Writer(journal)
    done: list[int] = []

    async def write(row: int) -> None:
        await writer.write(change(row, State.INTENT))
        done.append(row)

    async with anyio.create_task_group() as group:
        group.start_soon(write, 2)
        await gate.reached()
        group.start_soon(write, 3)
        await anyio.wait_all_tasks_blocked()
        before = list(done)
        gate.open()

    assert [] == before
    assert [2, 3] == sorted(done)


async def test_cancelled(journal: Journal, gate: Gate) -> None:
    """Whoever is cancelled loses no change: its own, or another's."""
    writer = Writer(journal)
    async with anyio.create_task_group() as kept:
        async with anyio.create_task_group() as gone:
            gone.start_soon(writer.write, change(2, State.INTENT))
            await gate.reached()
            gone.start_soon(writer.write, change(3, State.INTENT))
            await anyio.wait_all_tasks_blocked()
            kept.start_soon(writer.write, change(4, State.INTENT))
            await anyio.wait_all_tasks_blocked()
            gone.cancel_scope.cancel()
        gate.open()

    assert [1, 2] == gate.commits
    assert 3 == journal.counts()[State.INTENT]


def test_cancelled_by_asyncio(journal: Journal, gate: Gate) -> None:
    """So it is where asyncio itself cancels the task that came first."""

    async def main() -> None:
        writer = Writer(journal)
        first = asyncio.create_task(writer.write(change(2, State.INTENT)))
        await asyncio.to_thread(gate._entered.wait, 10)
        second = asyncio.create_task(writer.write(change(3, State.INTENT)))
        third = asyncio.create_task(writer.write(change(4, State.INTENT)))
        await asyncio.sleep(0)
        first.cancel()
        second.cancel()
        await asyncio.wait([first, second])
        gate.open()
        await third

    asyncio.run(main())

    assert [1, 2] == gate.commits
    assert 3 == journal.counts()[State.INTENT]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_loop_ends(journal: Journal, gate: Gate, backend: str) -> None:
    """A change goes to disk even where its event loop has ended."""
    writers: list[Writer] = []

    async def main() -> None:
        writers.append(Writer(journal))
        async with anyio.create_task_group() as group:
            group.start_soon(writers[0].write, change(2, State.INTENT))
            await gate.reached()
            group.cancel_scope.cancel()

    anyio.run(main, backend=backend)
    gate.open()
    writers[0]._thread.shutdown()

    assert 1 == journal.counts()[State.INTENT]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (JournalError("its disk is full."), r"^its disk is full\."),
        (
            MemoryError(),
            r"^The journal .* nobody thought of \(MemoryError\)\. Please",
        ),
    ],
)
async def test_failure(
    journal: Journal, gate: Gate, failure: Exception, said: str
) -> None:
    """A failed commit fails all who wait, and all who come later."""
    writer = Writer(journal)
    gate.failure = failure
    errors: list[JournalError] = []

    async def write(row: int) -> None:
        with pytest.raises(JournalError, match=said) as raised:
            await writer.write(change(row, State.INTENT))
        errors.append(raised.value)

    async with anyio.create_task_group() as group:
        group.start_soon(write, 2)
        await gate.reached()
        group.start_soon(write, 3)
        group.start_soon(write, 4)
        await anyio.wait_all_tasks_blocked()
        gate.open()
    await write(5)

    assert 4 == len({id(error) for error in errors})
    assert [1] == gate.commits
    assert 0 == journal.counts()[State.INTENT]


async def test_success_before_failure(journal: Journal, gate: Gate) -> None:
    """What is on disk is not called lost because the next commit fails."""
    writer = Writer(journal)
    async with anyio.create_task_group() as group:
        group.start_soon(writer.write, change(2, State.INTENT))
        await gate.reached()
        # The loop sees the first commit only when the second has failed.
        batch, _ = writer._join(change(3, State.CREATED))
        gate.open()
        writer._thread.shutdown()

    assert batch.failure is not None
    assert 1 == journal.counts()[State.INTENT]


async def test_closed_after_a_cancellation(
    journal: Journal, gate: Gate
) -> None:
    """Once it is closed, what was under way is on disk."""
    writer = Writer(journal)
    async with anyio.create_task_group() as group:
        group.start_soon(writer.write, change(2, State.INTENT))
        await gate.reached()
        group.cancel_scope.cancel()
    threading.Timer(0.05, gate.open).start()
    writer.close()

    assert 1 == journal.counts()[State.INTENT]
