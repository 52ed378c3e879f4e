"""Several orders at once, with retries and a circuit breaker."""

from __future__ import annotations

import heapq
from collections import Counter
from functools import partial
from itertools import count

import anyio
import attrs

from sesamy_async._call import Runtime
from sesamy_async.errors import SesamyError

from ._counts import Meter, Tally
from ._judge import Cause, Claim, Trouble, Verdict
from ._states import Change, State
from ._steps import Steps


MOST_TRIES = 3
"""How often an order is tried in one run, while others go through."""

PAUSE = 10.0
"""Seconds until the second try; the third comes after twice as many."""


class RetryQueue:
    """Keeps orders that failed until their time has come."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Claim]] = []
        self._tries: Counter[int] = Counter()
        self._numbers = count()

    def add(self, claim: Claim, now: float) -> None:
        """Keep an order that failed, unless it has failed too often.

        A later run may then try it.
        """
        row = claim.entry.row
        self._tries[row] += 1
        if self._tries[row] < MOST_TRIES:
            self._push(claim, now + PAUSE * self._tries[row])

    def keep(self, claim: Claim, now: float) -> None:
        """Keep an order that failed in an outage: its tries begin anew."""
        self.forget(claim)
        self._push(claim, now)

    def forget(self, claim: Claim) -> None:
        """Forget how often an order failed."""
        self._tries.pop(claim.entry.row, None)

    def due(self, now: float) -> Claim | None:
        """Take out the first order whose time has come."""
        if self._waiting and self._waiting[0][0] <= now:
            return heapq.heappop(self._waiting)[2]
        return None

    def wait(self, now: float) -> float | None:
        """Return the seconds until the first is due; None for none."""
        return max(0.0, self._waiting[0][0] - now) if self._waiting else None

    def _push(self, claim: Claim, due: float) -> None:
        heapq.heappush(self._waiting, (due, next(self._numbers), claim))


FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
LONGEST_COSTLY_PAUSE = 600.0

_ENOUGH = {Cause.UNREACHABLE: 5, Cause.OUTAGE: 5, Cause.REFUSED: 1}
_AT_FIRST = {Cause.UNREACHABLE: 0.0, Cause.OUTAGE: 30.0, Cause.REFUSED: 0.0}
_PROBED_AGAIN = 1.0


@attrs.define(eq=False, repr=False)
class Circuit:
    """Keeps an outage from running through the whole file.

    It opens when orders fail one after the other for a reason that is not
    theirs.  Then nothing is sent for a while, after which a single order
    probes whether all is well again.  If nothing has worked in this run
    yet, somebody is probably watching, and it gives up at once or soon.

    Attributes:
        began: When the run began.
        patience: Seconds an outage may last once anything has worked.
        costly: Whether a person may have to look at an order that fails.
            Then it opens at the first one, and probes less often.
        trouble: Why nothing is sent now; None if orders are sent.
        over: Why nothing more will be sent; None if the run goes on.
    """

    began: float
    patience: float
    costly: bool = False
    trouble: Trouble | None = attrs.field(default=None, init=False)
    over: Trouble | None = attrs.field(default=None, init=False)
    _good: float | None = attrs.field(default=None, init=False)
    _failures: int = attrs.field(default=0, init=False)
    _pause: float = attrs.field(default=FIRST_PAUSE, init=False)
    _until: float = attrs.field(default=0.0, init=False)
    _probing: bool = attrs.field(default=False, init=False)

    def wait(self, now: float) -> float:
        """Return for how many seconds nothing may be sent.

        With 0 while there is trouble, the caller is the probe: it must
        send an order, or `pass_on`.
        """
        if self.trouble is None:
            return 0.0
        if now < self._until:
            return self._until - now
        if self._probing:
            return _PROBED_AGAIN
        self._probing = True
        return 0.0

    def pass_on(self) -> None:
        """Let another worker be the probe."""
        self._probing = False

    def worked(self, now: float) -> None:
        """Note that Sesamy answered as it does when all is well."""
        self._good = now
        self._failures = 0
        self._pause = FIRST_PAUSE
        self.trouble = None

    def failed(self, now: float, trouble: Trouble) -> None:
        """Note that an order failed for a reason that is not its own."""
        self._failures += 1
        if self.trouble is not None and not self._probing:
            return  # It was under way when the circuit opened.
        if self._failures < (1 if self.costly else _ENOUGH[trouble.cause]):
            return
        self.trouble = trouble
        self.pass_on()
        self._until = now + self._pause
        longest = LONGEST_COSTLY_PAUSE if self.costly else LONGEST_PAUSE
        self._pause = min(2 * self._pause, longest)
        if self._good is None:
            at_first = min(_AT_FIRST[trouble.cause], self.patience)
            last = self.began + at_first
        else:
            last = self._good + self.patience
        if now >= last:
            self.over = trouble


ALL_REFUSED = 10
"""An import stops after so many refusals if nothing else happened."""

MOST_SAID = 20_000
"""Sesamy's words on so many rows are kept in memory until the report."""


class Workers:
    """Workers that each take one order after the other through its steps.

    Args:
        steps: Of an order.
        tally: Is kept up to date.
        circuit: Says when to pause, and when to give up.
        meter: Counts the calls.
        runtime: For time and events.
        first: Whether no order was answered in an earlier run.

    Attributes:
        in_flight: How many orders are being processed.
        stopping: Whether no more orders are claimed.
        broken: What ended the run, if the journal, the file or the client
            can't be used.
        last: The latest trouble, in words.
        said: What Sesamy said of rows that it refused, by row.
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
        self._retries = RetryQueue()
        self._event = runtime.event()
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
        self._wake()

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
            self._wake()

    def _wake(self) -> None:
        """Wake the workers that have nothing to do."""
        now, self._event = self._event, self._runtime.event()
        now.set()

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
                due = self._retries.wait(now)
                if due is None:
                    return None
                wait = due
            await self._event.wait(wait)
        return None

    async def _take(self, now: float) -> Claim | None:
        # In trouble, a fresh order is the better probe: those that failed
        # may be what the trouble is about.
        if self._circuit.trouble is None:
            claim = self._retries.due(now)
            return claim or await self._steps.claim()
        return await self._steps.claim() or self._retries.due(now)

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
            claim = claim.after(change, sum(strays))
            if verdict.trouble is not None:
                self._failed(claim, verdict.trouble)
                return
            self._worked(claim, verdict)
            if change.state is not State.CREATED:
                return
            if self._tally.confirm.goal is State.CREATED:
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
                self._retries.add(claim, now)
            else:
                self._retries.keep(claim, now)
        self._wake()

    def _worked(self, claim: Claim, verdict: Verdict) -> None:
        change = verdict.change
        self._circuit.worked(self._runtime.now())
        self._retries.forget(claim)
        if change.state is State.REJECTED:
            if verdict.said is not None and len(self.said) < MOST_SAID:
                self.said[change.row] = verdict.said
            self._refused(change)
        self._wake()

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
