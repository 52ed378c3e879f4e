"""An importer whose steps tell of each moment that they pass."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import attrs

from sesamy_async._http import Connection
from sesamy_async.bulk import Change, Importer, State
from sesamy_async.bulk._judge import Claim, Verdict
from sesamy_async.bulk._order_store import StoreCounts
from sesamy_async.bulk._steps import Steps
from sesamy_async.bulk.journal import Journal

from .moments import SENDING, Moment, Watch
from .plug import flushed, size_of


@attrs.frozen
class WatchedSteps(Steps):
    """The steps of an importer, watched."""

    steps: Steps
    watch: Watch

    async def look_up(self) -> StoreCounts | None:
        """Look up unwatched."""
        return await self.steps.look_up()

    async def claim(self) -> Claim | None:
        """Watch `Steps.claim`."""
        self.watch.passed(Moment.CLAIM)
        claim = await self.steps.claim()
        self.watch.passed(Moment.CLAIMED)
        return claim

    async def record_intent(self, claim: Claim, lost: int) -> None:
        """Watch `Steps.record_intent`."""
        row = claim.entry.row
        self.watch.passed(Moment.INTENT, row)
        await self.steps.record_intent(claim, lost)
        self.watch.passed(Moment.INTENDED, row)

    async def send(
        self, claim: Claim, intent: Callable[[int], Awaitable[None]]
    ) -> Verdict:
        """Watch `Steps.send`."""
        if claim.entry.state is not State.CREATED:
            self.watch.note(f"{SENDING}:{claim.entry.row}\n")
        return await self.steps.send(claim, intent)

    async def record_outcome(
        self, claim: Claim, change: Change
    ) -> Verdict | None:
        """Watch `Steps.record_outcome`."""
        row = claim.entry.row
        self.watch.passed(Moment.ANSWERED, row)
        instead = await self.steps.record_outcome(claim, change)
        self.watch.passed(Moment.RECORDED, row)
        if instead is None and change.state is State.CREATED:
            self.watch.passed(Moment.CREATED, row)
        return instead


def watch_steps(importer: Importer, watch: Watch) -> None:
    """Watch what an importer does for each order."""
    importer._steps = WatchedSteps(importer._steps, watch)


def watch_commits(journal: Journal, watch: Watch) -> None:
    """Watch what a journal puts on disk."""

    def at(statement: str) -> None:
        note()  # What was committed before it, by whoever, is flushed.
        if statement.startswith("COMMIT"):
            watch.passed(Moment.COMMIT)
            watch.passed(Moment.COMMITTING)

    def note() -> None:
        watch.note(flushed(size_of(journal.path)))

    def apply(changes: Sequence[Change]) -> None:
        applied(changes)
        watch.passed(Moment.COMMITTED)
        # Only now, for nobody else knows yet: who dies at this moment may as
        # well have died before it was flushed.
        note()

    note()
    applied = journal.apply
    journal.apply = apply  # type: ignore[method-assign]
    journal._store._db.set_trace_callback(at)


def watch_requests(watch: Watch) -> None:
    """Watch the connections of this process."""

    async def answered(self: Connection, wait: Any) -> Any:
        watch.passed(Moment.OUT)
        head = await answer(self, wait)
        watch.passed(Moment.HEAD)
        return head

    answer = Connection.response
    Connection.response = answered  # type: ignore[method-assign]
