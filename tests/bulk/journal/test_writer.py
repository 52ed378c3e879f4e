"""What is given to a writer is on disk, one change after another."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from sesamy_async.bulk import Change, JournalError, State
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal._writer import Writer
from support.journals import bring, change, new_journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Return a journal in which row 2 has contract c-2."""
    with new_journal(tmp_path / "j", rows=9) as journal:
        bring(journal, 2, State.CONFIRMED)
        yield journal


class Gate:
    """Holds commits back, notes them, and lets them fail."""

    def __init__(
        self, journal: Journal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.begun: list[int] = []
        self.threads: set[str] = set()
        self.failure: Exception | None = None
        self._opened = threading.Event()
        self.entered = threading.Event()
        self._apply = journal.apply
        monkeypatch.setattr(journal, "apply", self._held)

    def _held(self, changes: Sequence[Change]) -> None:
        self.begun += [each.row for each in changes]
        self.threads.add(threading.current_thread().name)
        self.entered.set()
        self._opened.wait(10)
        if self.failure is not None:
            raise self.failure
        self._apply(changes)

    def open(self) -> None:
        """Let all commits pass."""
        self._opened.set()

    async def reached(self) -> None:
        """Wait until a commit is held."""
        await anyio.to_thread.run_sync(self.entered.wait, 10)


@pytest.fixture
def gate(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Return what holds the commits of the journal."""
    return Gate(journal, monkeypatch)


async def test_one_after_another(journal: Journal, gate: Gate) -> None:
    """A commit waits for the one before it, and its task for the commit."""
    writer = Writer(journal)
    done: list[int] = []

    async def write(row: int) -> None:
        await writer.write(change(row, State.INTENT))
        done.append(row)

    async with anyio.create_task_group() as group:
        group.start_soon(write, 3)
        await gate.reached()
        for row in range(4, 9):
            group.start_soon(write, row)
        # Long enough for a second thread to begin.
        await anyio.sleep(0.05)
        before = [*gate.begun], [*done]
        gate.open()

    assert ([3], []) == before
    assert [3, 4, 5, 6, 7, 8] == sorted(gate.begun) == sorted(done)
    assert 6 == journal.counts()[State.INTENT]
    assert {"journal_0"} == gate.threads


async def test_cancelled(journal: Journal, gate: Gate) -> None:
    """What a cancelled task has given is on disk once the writer is closed."""
    writer = Writer(journal)
    async with anyio.create_task_group() as group:
        for row in (3, 4):
            group.start_soon(writer.write, change(row, State.INTENT))
        await gate.reached()
        threading.Timer(0.05, gate.open).start()
        group.cancel_scope.cancel()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await writer.write(change(5, State.INTENT))
    writer.close()

    assert scope.cancelled_caught
    assert 3 == journal.counts()[State.INTENT]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (JournalError("its disk is full."), r"^its disk is full\."),
        (
            MemoryError(),
            "^The journal was not .* an unexpected MemoryError. Please",
        ),
    ],
)
async def test_failure(
    journal: Journal, gate: Gate, failure: Exception, said: str
) -> None:
    """A failed commit fails its task, and all changes that follow."""
    writer = Writer(journal)
    gate.failure = failure
    errors: list[JournalError] = []

    async def write(row: int) -> None:
        with pytest.raises(JournalError, match=said) as raised:
            await writer.write(change(row, State.INTENT))
        errors.append(raised.value)

    async with anyio.create_task_group() as group:
        for row in (3, 4, 5):
            group.start_soon(write, row)
        await gate.reached()
        gate.open()
    await write(6)
    writer.close()

    assert 4 == len({id(error) for error in errors})
    assert 1 == len(gate.begun)
    assert 0 == journal.counts()[State.INTENT]


@pytest.mark.parametrize(
    ("contract", "first"), [("c-2", 2), ("c\0-2", None), ("c\ud800-2", None)]
)
async def test_contract_of_another_order(
    journal: Journal, contract: str, first: int | None
) -> None:
    """A contract that another row has is not written a second time."""
    writer = Writer(journal)
    holders: list[int | None] = []
    for row in (3, 4):
        await writer.write(change(row, State.INTENT))
        holders.append(
            await writer.write(
                change(row, State.CREATED, contract_id=contract)
            )
        )
    writer.close()

    assert [first, first or 3] == holders
    assert [None] == [
        each.contract_id for each in journal.entries() if each.row == 4
    ]


@pytest.mark.parametrize("shared", [False, True])
async def test_contract_that_may_be_written(
    journal: Journal, *, shared: bool
) -> None:
    """It is the row's own, or orders share contracts."""
    steps = (State.INTENT, State.CREATED, State.UNKNOWN)
    for state in steps[: 1 if shared else 3]:
        journal.apply([change(3, state)])
    writer = Writer(journal, shared_contracts=shared)
    contract = "c-2" if shared else "c-3"
    holder = await writer.write(
        change(3, State.CONFIRMED, contract_id=contract)
    )
    writer.close()

    assert (None, 2) == (holder, journal.counts()[State.CONFIRMED])


def test_holders_are_found_by_an_index(journal: Journal) -> None:
    """That a contract is taken is found without reading all rows."""
    [[*_, how]] = journal._store.read(
        "EXPLAIN QUERY PLAN SELECT row FROM orders WHERE contract_id = ?",
        "c-2",
    )

    assert "USING COVERING INDEX contract_ids" in how
