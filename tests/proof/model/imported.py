"""An import, run again and again, and what must be true of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio.lowlevel
import attrs

from sesamy_async import AsyncSesamy
from sesamy_async.bulk import (
    Change,
    Confirm,
    Entry,
    Importer,
    ImportSummary,
    Planned,
    State,
    Terms,
)
from sesamy_async.bulk._judge import Claim, Verdict
from sesamy_async.bulk._steps import Steps
from sesamy_async.bulk.journal import Journal
from sesamy_async.sandbox import BASE_URL, Ledger
from support.sources import Listed

from .world import World


@attrs.frozen
class _Ticking(Steps):
    """Steps at which something may happen, too."""

    steps: Steps
    tick: Callable[[], None]

    async def look_up(self) -> None:
        await self.steps.look_up()

    async def claim(self) -> Claim | None:
        return await self.steps.claim()

    async def record_intent(self, claim: Claim, lost: int) -> None:
        self.tick()
        await self.steps.record_intent(claim, lost)
        self.tick()

    async def send(
        self, claim: Claim, intent: Callable[[int], Awaitable[None]]
    ) -> Verdict:
        return await self.steps.send(claim, intent)

    async def record_outcome(
        self, claim: Claim, change: Change
    ) -> Verdict | None:
        self.tick()
        instead = await self.steps.record_outcome(claim, change)
        self.tick()
        return instead


@attrs.frozen
class _AtOnce:
    """A writer without a thread, so that a run can be repeated exactly."""

    journal: Journal

    async def write(self, change: Change) -> None:
        self.journal.apply([change])
        await anyio.lowlevel.checkpoint()


@attrs.define
class Imported:
    """An import of a file.

    Attributes:
        path: Where its journal is.
        source: The orders.
        confirm: As `Terms`.
        strays: As `Terms`.
        refused: Whether Sesamy has refused anything for no reason.
        entries: What its journal said after the last run.
        summary: What the last run said, if it was not cancelled.
    """

    path: Path
    source: Listed
    confirm: Confirm
    strays: bool
    refused: bool = False
    entries: Sequence[Entry] = ()
    summary: ImportSummary | None = None

    @property
    def repeatable(self) -> bool:
        """Whether a create in doubt may be repeated."""
        return self.strays and self.confirm.repeatable

    def journal(self) -> Journal:
        """Make its journal, or open the one that is there."""
        if self.path.exists():
            return Journal.open(self.path)
        terms = Terms(
            source=self.source.name,
            fingerprint=self.source.fingerprint(),
            promo_code="SPRING-12",
            vendor_id="acme",
            base_url=BASE_URL,
            confirm=self.confirm,
            strays=self.strays,
        )
        rows = enumerate(self.source.ids, start=2)
        return Journal.create(
            self.path,
            terms,
            [Planned(row=row, order_id=each) for row, each in rows],
        )

    async def run(
        self, client: AsyncSesamy, world: World, concurrency: int
    ) -> ImportSummary:
        """Import what is still to be imported."""
        with self.journal() as journal:
            importer = Importer(
                client,
                self.source,
                journal,
                concurrency=concurrency,
                runtime=world.runtime,
            )
            steps: Any = importer._steps
            steps._writer = _AtOnce(journal)
            importer._steps = _Ticking(steps, world.tick)
            return await importer.run()

    def look(self, summary: ImportSummary | None) -> None:
        """Take in what a run has left."""
        self.summary = summary
        with self.journal() as journal:
            self.entries = list(journal.entries())

    def broken(self, ledger: Ledger) -> Iterator[str]:
        """Yield how the ledger contradicts the journal."""
        for entry in self.entries:
            for said in self._broken(entry, ledger):
                yield f"{self.confirm}, {entry}: {said}"
        yield from self._miscounted()

    def unfinished(self) -> Iterator[str]:
        """Yield what a run without faults should have finished."""
        goal = {self.confirm.goal}
        if self.refused:
            goal.add(State.REJECTED)
        if self.refused or not self.repeatable:
            goal.add(State.UNKNOWN)
        for entry in self.entries:
            if entry.state not in goal:
                yield f"{self.confirm}, {entry}: unfinished"

    def _broken(self, entry: Entry, ledger: Ledger) -> Iterator[str]:
        order_id = entry.order_id or ""
        ids = [each.id for each in ledger.contracts(order_id)]
        confirmed = [each.id for each in ledger.confirmed(order_id)]
        most = entry.strays + (entry.state not in _NONE)
        if len(ids) > (most if self.repeatable else 1):
            yield f"{len(ids)} contracts"
        if len(confirmed) > 1:
            yield f"{len(confirmed)} confirmed"
        if entry.state in _KNOWN and entry.contract_id not in ids:
            yield f"its contract is not among {ids}"
        if not self._may_be(entry, confirmed):
            yield f"{confirmed} confirmed"

    def _may_be(self, entry: Entry, confirmed: Sequence[str]) -> bool:
        match entry.state:
            case State.CONFIRMED:
                return confirmed == [entry.contract_id]
            case State.CREATED if self.confirm is Confirm.SEPARATELY:
                # Its confirm may have been done, and the answer lost.
                return confirmed in ([], [entry.contract_id])
            case State.UNKNOWN if entry.contract_id is not None:
                return confirmed in ([], [entry.contract_id])
            case State.INTENT | State.UNKNOWN:
                return self.confirm is Confirm.AT_ONCE or not confirmed
            case _:
                return not confirmed

    def _miscounted(self) -> Iterator[str]:
        states = Counter(each.state for each in self.entries)
        if states.total() != len(self.source.ids):
            yield f"{states.total()} of {len(self.source.ids)} rows"
        said = self.summary
        if said is None:
            return
        done = said.done + said.rejected + said.unknown + said.unprocessed
        told = (done, said.done, said.rejected, said.unknown, said.strays)
        kept = (
            said.rows,
            states[self.confirm.goal],
            states[State.REJECTED],
            states[State.UNKNOWN],
            sum(each.strays for each in self.entries),
        )
        if told != kept:
            yield f"told {told}, but it is {kept}"


_NONE = {State.PENDING, State.REJECTED}
_KNOWN = {State.CREATED, State.CONFIRMED}
