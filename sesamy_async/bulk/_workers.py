"""Several orders at once, with retries and a circuit breaker."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from functools import partial
from operator import itemgetter

import anyio
import attrs

from sesamy_async._call import Event, Runtime
from sesamy_async.errors import SesamyError

from ._counts import Meter, Tally
from ._judge import Cause, Claim, Trouble, Verdict
from ._states import State
from ._steps import Steps


MOST_TRIES = 3
"""How often an order is tried in one run, if there is no outage."""

PAUSE = 10.0
"""Seconds before the second try; before the third, twice as many."""


class RetryQueue:
    """Orders that failed, each with the time of its next try."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, Claim]] = []
        self._tries: Counter[int] = Counter()

    def add(self, claim: Claim, now: float, *, outage: bool = False) -> None:
        """Keep an order that failed, unless it was tried often enough.

        In an outage its tries don't count.
        """
        if outage:
            self.forget(claim)
            pause = 0.0
        else:
            row = claim.entry.row
            self._tries[row] += 1
            if self._tries[row] == MOST_TRIES:
                return
            pause = PAUSE * self._tries[row]
        insort(self._waiting, (now + pause, claim), key=itemgetter(0))

    def forget(self, claim: Claim) -> None:
        """Reset how often an order was tried."""
        self._tries.pop(claim.entry.row, None)

    def due(self, now: float) -> Claim | None:
        """Take out the first order that is due."""
        if self._waiting and self._waiting[0][0] <= now:
            return self._waiting.pop(0)[1]
        return None

    def wait(self, now: float) -> float | None:
        """Return the seconds until the first is due; None if none is kept."""
        return max(0.0, self._waiting[0][0] - now) if self._waiting else None


FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
LONGEST_COSTLY_PAUSE = 600.0

_ENOUGH = {Cause.UNREACHABLE: 5, Cause.OUTAGE: 5, Cause.REFUSED: 1}
_AT_FIRST = {Cause.UNREACHABLE: 0.0, Cause.OUTAGE: 30.0, Cause.REFUSED: 0.0}
_PROBED_AGAIN = 1.0


@attrs.define(eq=False, repr=False)
class Circuit:
    """A circuit breaker: an outage must not fail every order of a file.

    It opens when orders fail in a row for a reason that is not theirs.
    After a pause, a single order is the probe.  If nothing has worked in
    this run yet, somebody probably watches, and the run ends soon.

    If it is costly, because a person may have to look at an order that
    fails, it opens at the first one, and probes less often.
    """

    began: float
    patience: float
    costly: bool = False
    # Why nothing is sent now, and why nothing more will be sent.
    trouble: Trouble | None = attrs.field(default=None, init=False)
    over: Trouble | None = attrs.field(default=None, init=False)
    _good: float | None = attrs.field(default=None, init=False)
    _failures: int = attrs.field(default=0, init=False)
    _pause: float = attrs.field(default=FIRST_PAUSE, init=False)
    _until: float = attrs.field(default=0.0, init=False)
    _probing: bool = attrs.field(default=False, init=False)

    def wait(self, now: float) -> float:
        """Return for how many seconds nothing may be sent.

        If it is 0 while there is trouble, the caller is the probe: it must
        send an order, or call `pass_on`.
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
        """Note that an order was processed."""
        self._good = now
        self._failures = 0
        self._pause = FIRST_PAUSE
        self.trouble = None

    def failed(self, now: float, trouble: Trouble) -> None:
        """Note that an order failed, and was not the reason."""
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
            last = self.began + min(_AT_FIRST[trouble.cause], self.patience)
        else:
            last = self._good + self.patience
        if now >= last:
            self.over = trouble


ALL_REFUSED = 10
"""An import stops after so many refusals if nothing else happened."""

MOST_SAID = 20_000
"""Sesamy's words on so many rows are kept in memory until the report."""


@attrs.define(eq=False, repr=False)
class Workers:
    """Workers that each take one order after the other through its steps."""

    _steps: Steps
    _tally: Tally
    _circuit: Circuit
    _meter: Meter
    _runtime: Runtime
    # Whether no order was processed in an earlier run.
    first: bool = attrs.field(kw_only=True)
    in_flight: int = attrs.field(default=0, init=False)
    stopping: bool = attrs.field(default=False, init=False)
    # Why the journal, the file or the client can't be used.
    broken: SesamyError | None = attrs.field(default=None, init=False)
    last: str | None = attrs.field(default=None, init=False)  # Trouble.
    said: dict[int, str] = attrs.field(factory=dict[int, str], init=False)
    _refusals: int = attrs.field(default=0, init=False)
    _retries: RetryQueue = attrs.field(factory=RetryQueue, init=False)
    _event: Event = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._event = self._runtime.event()

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
        now, self._event = self._event, self._runtime.event()
        now.set()

    async def _next(self) -> Claim | None:
        while not (self.stopping or self._circuit.over or self.broken):
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
        if self._circuit.trouble is None:
            return self._retries.due(now) or await self._steps.claim()
        # A new order is the better probe: one that failed may be the cause.
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
            claim = claim.after(verdict, sum(strays))
            if verdict.trouble is not None:
                self._failed(claim, verdict.trouble)
                return
            self._worked(claim, verdict)
            goal = self._tally.confirm.goal
            if change.state is not State.CREATED or goal is State.CREATED:
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
            outage = self._circuit.trouble is not None
            self._retries.add(claim, now, outage=outage)
        self._wake()

    def _worked(self, claim: Claim, verdict: Verdict) -> None:
        self._circuit.worked(self._runtime.now())
        self._retries.forget(claim)
        if verdict.change.state is State.REJECTED:
            self._refused(verdict)
        self._wake()

    def _refused(self, verdict: Verdict) -> None:
        change = verdict.change
        if verdict.said is not None and len(self.said) < MOST_SAID:
            self.said[change.row] = verdict.said
        self._refusals += 1
        only_refusals = self.first and not self._tally.now.done
        if only_refusals and self._refusals >= ALL_REFUSED:
            text = (
                f"All of the first {self._refusals} orders were refused, the "
                f"last one with: {change.reason} No contract was created. If "
                "the promo code is wrong, purge the journal and start over; "
                "if these orders are wrong, the same command continues with "
                "the others."
            )
            self._circuit.over = Trouble(Cause.REFUSED, text)
