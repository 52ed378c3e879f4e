"""Write for many orders at once."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import anyio.lowlevel
import attrs

from sesamy_async.bulk._states import Change, JournalError

from ._journal import Journal
from ._schema import in_json


_GATHER = 0.004
"""Seconds in which changes come together before a commit begins.

A commit costs as much processor time as the call it is for; an order that
waits so long is none the slower for it at any pace that Sesamy permits.
"""


@attrs.define
class _Batch:
    """Changes that go to disk together, and who waits for them."""

    soon: Callable[[Callable[[], None]], object]
    done: anyio.Event = attrs.field(factory=anyio.Event)
    changes: list[Change] = attrs.field(factory=list[Change])
    holders: dict[int, int] = attrs.field(factory=dict[int, int])
    failure: JournalError | None = None


class Writer:
    """Writes changes of concurrent orders to a journal, in few commits.

    While a commit is on its way to the disk, the changes that come in are
    gathered for the next one.  It serves one event loop, of asyncio or
    trio.

    Args:
        journal: Stays open until nothing is written any more.
        shared_contracts: Whether two orders may have the same contract.
    """

    def __init__(
        self, journal: Journal, *, shared_contracts: bool = False
    ) -> None:
        self._journal = journal
        self._shared = shared_contracts
        self._lock = threading.Lock()
        self._gathering: _Batch | None = None
        self._failure: JournalError | None = None
        # Not `anyio.to_thread`, for there a commit belongs to the task that
        # has called it, and that one may be cancelled.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")

    async def write(self, change: Change) -> int | None:
        """Put a change on disk, unless its contract is another order's.

        Whoever is cancelled while waiting does not take it back: it is
        written all the same.

        Returns:
            The row that has its contract; then it is not written.  None
            where it is.

        Raises:
            JournalError: It is not on disk, or nobody knows; after that,
                no change is taken any more.
        """
        batch, number = self._join(change)
        await batch.done.wait()
        _check(batch.failure)
        return batch.holders.get(number)

    def close(self) -> None:
        """Wait until all that was given is on disk, and take no more.

        Blocks for a commit at most.  It is for the end, for a change may
        be under way whose task was cancelled.
        """
        self._thread.shutdown()

    def _join(self, change: Change) -> tuple[_Batch, int]:
        with self._lock:
            batch = self._gathering
            if batch is None:
                batch = _Batch(_soon())
                self._thread.submit(self._commit, batch)
                self._gathering = batch
            batch.changes.append(change)
            return batch, len(batch.changes) - 1

    def _commit(self, batch: _Batch) -> None:
        time.sleep(_GATHER)
        with self._lock:
            self._gathering = None
        if self._failure is None:
            self._failure = self._apply(batch)
        batch.failure = self._failure
        # Where the loop has ended, nobody waits any more; nor does anybody
        # look at the future in which this then leaves a RuntimeError.
        batch.soon(batch.done.set)

    def _apply(self, batch: _Batch) -> JournalError | None:
        try:
            if not self._shared:
                batch.holders = self._others(batch.changes)
            self._journal.apply(
                [
                    change
                    for number, change in enumerate(batch.changes)
                    if number not in batch.holders
                ]
            )
        except JournalError as error:
            return error
        except Exception as error:  # noqa: BLE001 - or all would wait forever
            return JournalError(
                "The journal was not written, for a reason that nobody "
                f"thought of ({type(error).__name__}). Please report it."
            )
        return None

    def _others(self, changes: Sequence[Change]) -> dict[int, int]:
        """Return which changes bring a contract of another row, and which.

        Nobody else writes meanwhile: the journal is ours, and this thread
        is the only one.
        """
        given = [
            (number, change.row, contract)
            for number, change in enumerate(changes)
            if (contract := in_json(change.contract_id)) is not None
        ]
        if not given:
            return {}
        rows = dict(self._journal.holders(each[2] for each in given))
        return {
            number: holder
            for number, row, contract in given
            if (holder := rows.setdefault(contract, row)) != row
        }


def _check(failure: JournalError | None) -> None:
    if failure is not None:
        # Each has one of their own, for raising it writes on it.
        raise copy.copy(failure)


def _soon() -> Callable[[Callable[[], None]], object]:
    """Return what calls a function in the running loop, from any thread."""
    # Not `anyio.from_thread`, which waits for a loop that may be ending.
    loop: Any = anyio.lowlevel.current_token().native_token
    soon: Callable[[Callable[[], None]], object] = (
        loop.run_sync_soon
        if hasattr(loop, "run_sync_soon")
        else loop.call_soon_threadsafe
    )
    return soon
