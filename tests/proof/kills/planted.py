"""Faults in the importer, made on purpose: a judge must find them.

Each changes the package, in this process, while its block runs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import TypeAlias
from unittest.mock import patch

from sesamy_async.bulk import Change, Entry, State
from sesamy_async.bulk import _judge as judge
from sesamy_async.bulk._judge import Claim, Verdict
from sesamy_async.bulk._steps import Steps as OrderSteps
from sesamy_async.bulk.journal._writer import Writer


Fault: TypeAlias = AbstractContextManager[object]


def _intent_after_sending() -> Fault:
    """Write the intent down when the answer is there."""

    async def send(
        self: OrderSteps,
        claim: Claim,
        intent: Callable[[int], Awaitable[None]],
    ) -> Verdict:
        owed: list[int] = []

        async def later(lost: int) -> None:
            owed.append(lost)

        verdict = await true(self, claim, later)
        for lost in owed:
            await intent(lost)
        return verdict

    true = OrderSteps.send
    return patch.object(OrderSteps, "send", send)


def _written_is_not_on_disk() -> Fault:
    """Put changes on disk at the end only, as if the disk lied."""
    held: list[Change] = []

    async def write(self: Writer, change: Change) -> None:
        del self
        held.append(change)

    def close(self: Writer) -> None:
        for change in held:
            self._thread.submit(self._write, change)
        true(self)

    true = Writer.close
    return patch.multiple(Writer, write=write, close=close)


def _cut_off_is_fresh() -> Fault:
    """Take an order whose create was cut off for one never sent."""
    return _restart_to(State.PENDING)


def _cut_off_is_dropped() -> Fault:
    """Give an order up whose create was cut off."""
    return _restart_to(State.REJECTED)


def _created_is_confirmed() -> Fault:
    """Take a contract for confirmed that is only created."""

    async def confirm(self: OrderSteps, claim: Claim) -> Verdict:
        del self
        return judge.confirmed(claim.entry)

    return patch.object(OrderSteps, "_confirm", confirm)


def _restart_to(state: State) -> Fault:
    def after_cut(entry: Entry, terms: object) -> Change:
        del terms
        return Change(row=entry.row, state=state)

    return patch("sesamy_async.bulk.journal._journal.after_cut", after_cut)


PLANT: Mapping[str, Callable[[], Fault]] = {
    "the intent is written after sending": _intent_after_sending,
    "what is written is not on disk": _written_is_not_on_disk,
    "what was cut off is taken for fresh": _cut_off_is_fresh,
    "what was cut off is dropped": _cut_off_is_dropped,
    "what was created is taken for confirmed": _created_is_confirmed,
}
