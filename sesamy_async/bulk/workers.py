"""Several orders at once: who takes which, and when they all stop."""

from __future__ import annotations

from functools import partial

import anyio
import attrs

from sesamy_async.core.runtime import Runtime
from sesamy_async.errors import SesamyError

from .again import Again
from .bell import Bell
from .circuit import Circuit
from .claim import Claim
from .journal.entry import Change
from .meter import Meter
from .state import State
from .steps import Steps
from .tally import Tally
from .verdict import Cause, Trouble, Verdict


ALL_REFUSED = 10
"""After how many refusals, if there was nothing else, an import stops."""

MOST_SAID = 20_000
"""Of how many rows Sesamy's words are kept in memory until the report."""


class Workers:
    """Each takes an order through its steps, then the next one.

    Args:
        steps: What is done for an order.
        tally: Kept up to date.
        circuit: Says when to pause, and when to give up.
        meter: Counts the calls.
        runtime: For time and events.
        first: Whether none of the orders was ever answered.
    """

    def __init__(
        self,
        steps: Steps,
        tally: Tally,
        circuit: Circuit,
        meter: Meter,
        runtime: Runtime,
        *,
        first: bool,
    ) -> None:
        self._steps = steps
        self._tally = tally
        self._circuit = circuit
        self._meter = meter
        self._runtime = runtime
        self._again = Again()
        self._bell = Bell(runtime)
        self._first = first
        self._refusals = 0
        self.in_flight: int = 0
        self.stopping: bool = False
        self.broken: SesamyError | None = None
        self.last: str | None = None
        self.said: dict[int, str] = {}

    async def run(self, concurrency: int) -> None:
        """Process orders until none is left, or no more can be sent."""
        async with anyio.create_task_group() as group:
            for _ in range(concurrency):
                group.start_soon(self._work)

    def stop(self) -> None:
        """Claim nothing more; what is in flight is finished."""
        self.stopping = True
        self._bell.ring()

    async def _work(self) -> None:
        try:
            while (claim := await self._next()) is not None:
                self.in_flight += 1
                try:
                    await self._process(claim)
                finally:
                    self.in_flight -= 1
        except SesamyError as error:
            self.broken = self.broken or error
            self._bell.ring()

    @property
    def _ending(self) -> bool:
        over = self._circuit.over is not None
        return self.stopping or over or self.broken is not None

    async def _next(self) -> Claim | None:
        while not self._ending:
            now = self._runtime.now()
            wait = self._circuit.wait(now)
            if not wait:
                claim = await self._take(now)
                if claim is not None:
                    return claim
                self._circuit.pass_on()
                due = self._again.wait(now)
                if due is None:
                    return None
                wait = due
            await self._bell.wait(wait)
        return None

    async def _take(self, now: float) -> Claim | None:
        # In trouble, a fresh order is the better probe: those that failed
        # may be what the trouble is about.
        if self._circuit.trouble is None:
            claim = self._again.due(now)
            return claim or await self._steps.claim()
        return await self._steps.claim() or self._again.due(now)

    async def _process(self, claim: Claim) -> None:
        while True:
            strays: list[int] = []
            intent = partial(self._record_intent, claim, strays)
            verdict = await self._steps.send(claim, intent)
            instead = await self._steps.record_outcome(claim, verdict.change)
            self._meter.add(self._runtime.now(), verdict.calls)
            verdict = instead or verdict
            change = verdict.change
            self._tally.move(claim.entry.state, change)
            claim = _moved(claim, change, sum(strays))
            if verdict.trouble is not None:
                self._failed(claim, verdict.trouble)
                return
            self._worked(claim, verdict)
            if change.state is not State.CREATED:
                return
            if self._tally.goal is State.CREATED:
                return

    async def _record_intent(
        self, claim: Claim, strays: list[int], lost: int
    ) -> None:
        await self._steps.record_intent(claim, lost)
        self._tally.strays += lost
        strays.append(lost)

    def _failed(self, claim: Claim, trouble: Trouble) -> None:
        now = self._runtime.now()
        self.last = trouble.text
        self._circuit.failed(now, trouble)
        if claim.entry.state is not State.UNKNOWN:
            if self._circuit.trouble is None:
                self._again.add(claim, now)
            else:
                self._again.keep(claim, now)
        self._bell.ring()

    def _worked(self, claim: Claim, verdict: Verdict) -> None:
        change = verdict.change
        self._circuit.worked(self._runtime.now())
        self._again.settled(claim)
        if change.state is State.REJECTED:
            if verdict.said is not None and len(self.said) < MOST_SAID:
                self.said[change.row] = verdict.said
            self._refused(change)
        self._bell.ring()

    def _refused(self, change: Change) -> None:
        self._refusals += 1
        if not self._first or self._tally.done:
            return
        if self._refusals >= ALL_REFUSED:
            text = (
                f"All of the first {self._refusals} orders were refused, the "
                f"last one so: {change.reason} No contract was made. If the "
                "promo code is wrong, purge the journal and begin anew; if "
                "these orders are, the same command goes on with the others."
            )
            self._circuit.over = Trouble(Cause.REFUSED, text)


def _moved(claim: Claim, change: Change, strays: int) -> Claim:
    """Return the order as it stands after a change.

    Args:
        claim: As it was.
        change: What became of it.
        strays: How many more were written down with its intents.
    """
    old = claim.entry
    entry = attrs.evolve(
        old,
        state=change.state,
        contract_id=change.contract_id or old.contract_id,
        strays=old.strays + strays + change.strays,
    )
    asked = claim.asked or old.state is State.CREATED
    return attrs.evolve(claim, entry=entry, asked=asked)
