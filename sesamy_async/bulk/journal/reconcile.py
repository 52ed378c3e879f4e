"""Let somebody who knows settle the unknown orders."""

from __future__ import annotations

from collections import Counter
from typing import cast

import anyio
import attrs

from sesamy_async.bulk.errors import JournalError
from sesamy_async.bulk.lookup import Lookup
from sesamy_async.bulk.state import State
from sesamy_async.errors import InvalidRequestError
from sesamy_async.paths import is_segment

from .entry import Change, Entry
from .journal import Journal
from .resolve import settle
from .writer import Writer


@attrs.define(kw_only=True)
class Reconciled:
    """What became of the orders that were unknown.

    Attributes:
        created: Those with a contract; the next run confirms it, if that
            is wanted and not done yet.
        not_created: Those without; the next run sends them again.
        failures: Of those that are still unknown, how often each error
            was why.

    .. versionadded:: 0.1.0
    """

    created: int = 0
    not_created: int = 0
    failures: Counter[str] = attrs.field(factory=Counter[str])

    def add(self, answer: Change | str) -> None:
        """Count what became of an order, or why nobody could say."""
        if isinstance(answer, str):
            self.failures[answer] += 1
        elif answer.contract_id is None:
            self.not_created += 1
        else:
            self.created += 1

    @property
    def unknown(self) -> int:
        """How many are still unknown."""
        return self.failures.total()


async def reconcile(
    journal: Journal, lookup: Lookup, *, concurrency: int = 8
) -> Reconciled:
    """Ask for every unknown order whether it has a contract.

    An order of which the lookup can't say it, whatever it raises, stays
    unknown.

    Args:
        journal: Where they are unknown.
        lookup: Who knows.
        concurrency: How many are asked for at once, at least 1.

    Raises:
        JournalError: The journal can't be read or written; what was
            written before stays settled.

    .. versionadded:: 0.1.0
    """
    result = Reconciled()
    writer = Writer(journal)
    entries = journal.entries(states={State.UNKNOWN})
    goal = journal.terms.confirm.goal
    failed: list[JournalError] = []

    async def work() -> None:
        try:
            for entry in entries:
                answer = await _answer(lookup, entry, goal)
                if isinstance(answer, Change):
                    holder = await writer.write(answer)
                    if holder is not None:
                        # Or one of the two would never be confirmed.
                        answer = f"contract of row {holder}"
                result.add(answer)
        except JournalError as error:
            failed.append(error)

    try:
        async with anyio.create_task_group() as group:
            for _ in range(concurrency):
                group.start_soon(work)
    finally:
        writer.close()
    if failed:
        raise failed[0]
    return result


async def _answer(lookup: Lookup, entry: Entry, goal: State) -> Change | str:
    """Return what becomes of an order, or why that can't be said."""
    try:
        # An order that was sent has an id.
        found = await lookup.find(cast("str", entry.order_id))
        if found is not None and not is_segment(found.contract_id):
            # It names no contract, and does not say that there is none.
            return InvalidRequestError.__name__
        change = settle(entry, found, goal)
    except Exception as error:  # noqa: BLE001 - the lookup is not ours
        # Not its message, for that may be personal.
        return type(error).__name__
    return change
