"""Write to a journal from an event loop."""

from __future__ import annotations

import copy
import math
from concurrent.futures import ThreadPoolExecutor

import anyio
import anyio.to_thread

from sesamy_async.bulk._states import Change, JournalError

from ._journal import Journal


class Writer:
    """Writes changes to an open journal, one after another, in a thread.

    `shared_contracts` says whether two orders may have the same contract.
    """

    def __init__(
        self, journal: Journal, *, shared_contracts: bool = False
    ) -> None:
        self._journal = journal
        self._shared = shared_contracts
        self._failure: JournalError | None = None
        # Not a thread of `anyio.to_thread`: a change is written even if the
        # task that gave it is cancelled.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._waiting = anyio.CapacityLimiter(math.inf)

    async def write(self, change: Change) -> int | None:
        """Put a change on disk, also if the task is cancelled meanwhile.

        If another row has its contract, return that row, and write nothing.
        After a `JournalError`, no later change is written either.
        """
        written = self._thread.submit(self._write, change)
        return await anyio.to_thread.run_sync(
            written.result, limiter=self._waiting
        )

    def close(self) -> None:
        """Block until all changes are on disk, and take no more."""
        self._thread.shutdown()

    def _write(self, change: Change) -> int | None:
        if self._failure is not None:
            # A copy: raising an error changes its traceback.
            raise copy.copy(self._failure)
        try:
            holder = self._holder(change)
            if holder is None:
                self._journal.apply([change])
        except JournalError as error:
            self._failure = error
        except Exception as error:  # noqa: BLE001 - its frames may hold orders
            self._failure = JournalError(
                "The journal was not written because of an unexpected "
                f"{type(error).__name__}. Please report it."
            )
        else:
            return holder
        raise copy.copy(self._failure)

    def _holder(self, change: Change) -> int | None:
        # Nobody else writes meanwhile: the journal is ours, and this is its
        # only thread.
        contract = change.contract_id
        if self._shared or contract is None:
            return None
        holder = self._journal.holders([contract]).get(contract)
        return None if holder == change.row else holder
