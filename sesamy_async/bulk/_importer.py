"""Send the orders of a journal, and report the progress."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from functools import partial

import anyio

from sesamy_async._call import AnyioRuntime, Runtime, present
from sesamy_async._checks import check_number
from sesamy_async._client import AsyncSesamy, told_from
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal._writer import Writer
from sesamy_async.errors import ConfigurationError, SesamyError

from ._circuit import Circuit, RetryQueue
from ._counts import (
    Ending,
    ImportSummary,
    Meter,
    Progress,
    Tally,
    time_left,
)
from ._judge import Cause, Claim, Trouble, Verdict
from ._order_store import StoreCounts
from ._rows import Source
from ._states import InputFileError, JournalError, State
from ._steps import Steps


_DAY = 86_400.0
_LONGEST_QUEUE = 20.0  # Seconds.

ALL_REFUSED = 10
"""An import stops after so many refusals if nothing else happened."""

MOST_SAID = 20_000
"""Sesamy's words on so many rows are kept in memory until the report."""


class Importer:
    """Sends the orders that a journal has to send, and records them there.

    For each order, its intent is recorded, it is sent, and its outcome is
    recorded; so after a crash at any moment the next run sends no order
    twice.  Retries within a call, pace and token are those of the client.
    If the client has a store of orders, an order that was reported before is
    not sent again, whatever the file and the journal are called.  It runs on
    asyncio and trio, and only once.

    Args:
        client: Its deadline limits each call, with the wait for the pace.
        source: The file that the journal was made for.
        journal: The orders, and what was done with each.
        concurrency: How many orders are sent at once, at least 1; at most
            as many as the client's pace permits in 20 seconds, because
            more would only wait for their deadlines.
        patience: Seconds that an outage may last before the import stops,
            at least 0.  If nothing has worked in this run yet, it stops
            within half a minute.
        first: How many orders are sent, in the order of the rows, at least
            1, with those of earlier runs.  Then the run ends, and another
            one without it sends the others.  None for all.
        runtime: Time and events, for tests.

    Raises:
        ConfigurationError: A number is impossible.
    """

    def __init__(
        self,
        client: AsyncSesamy,
        source: Source,
        journal: Journal,
        *,
        concurrency: int = 10,
        patience: float = 3600.0,
        first: int | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        _check_count("concurrency", concurrency)
        check_number("patience", patience)
        if first is not None:
            _check_count("first", first)
        self._first = first
        self._first_done = False
        self._client = client = told_from(client, source.name)
        self._journal = journal
        pace = client.permitted_rate
        if pace is not None:
            useful = max(1, int(pace * _LONGEST_QUEUE))
            concurrency = min(concurrency, useful)
        self._concurrency = concurrency
        self._runtime = runtime = runtime or present(AnyioRuntime())
        self._began = runtime.now()
        self._told: StoreCounts | None = None
        self._said: dict[int, str] = {}
        # Whether no order was processed in an earlier run.
        self._is_new = not journal.timeline(_DAY)
        costly = not journal.terms.repeatable
        self._circuit = Circuit(self._began, patience, costly=costly)
        self._meter = Meter(self._began)
        self._tally = Tally.of(journal)
        self._retries = RetryQueue()
        self._refusals = 0
        self._in_flight = 0
        self._stopping = False
        # Why the journal, the file or the client can't be used.
        self._broken: SesamyError | None = None
        self._trouble: str | None = None  # The latest.
        self._change = runtime.event()
        self._over = runtime.event()
        self._ended = False
        self._writer = Writer(
            journal, shared_contracts=client.shared_contracts
        )
        self._steps = Steps(client, source, journal, self._writer)

    async def look_up(self) -> StoreCounts | None:
        """Ask the client's store which orders were reported before.

        What it knows is put into the journal.  `run` does this, too.

        Returns:
            What it knew; None if there is no store.

        Raises:
            StoreUnavailable: The store can't be used now.
            InputFileError: The file has changed.
            JournalError: The journal can't be read or written.
        """
        if self._told is None:
            self._told = await self._steps.look_up()
            # The store may know what became of what was cut off.
            self._journal.restart()
            self._tally.count(self._journal)
        return self._told

    async def run(self) -> ImportSummary:
        """Process all orders, or as many as is possible now.

        Returns:
            What became of every row, in this run and in earlier ones.

        Raises:
            ConfigurationError: The client can't be used (any more); the
                journal is correct.
            StoreUnavailable: Its store can't be used; nothing was sent.
        """
        try:
            await self.look_up()
            await self._run()
        except (JournalError, InputFileError) as error:
            self._broken = error
        finally:
            # Or the journal would change after a cancelled run.
            self._writer.close()
            self._ended = True
            self._over.set()
        ends = JournalError | InputFileError
        if self._broken is not None and not isinstance(self._broken, ends):
            raise self._broken
        ending, reason = self._how_it_ended()
        return self._tally.summary(
            ending,
            reason=reason,
            seconds=self._runtime.now() - self._began,
            calls=self._meter.total,
            permitted=self._client.permitted_rate,
        )

    async def _run(self) -> None:
        if self._first is not None:
            await self._steps.end_after(self._first)
        async with anyio.create_task_group() as group:
            for _ in range(self._concurrency):
                group.start_soon(self._work)
        if self._first is not None:
            self._first_done = await self._steps.have_sent(self._first)

    def stop(self) -> None:
        """Begin no more orders; those in flight are finished.

        Call it in the event loop of `run`.
        """
        self._stopping = True
        self._wake()

    async def updates(
        self, every: float = 0.5
    ) -> AsyncGenerator[Progress, None]:
        """Yield the progress until the run has ended.

        Args:
            every: Seconds between two of them, more than 0.
        """
        while not self._ended:
            yield self.progress()
            await self._over.wait(every)
        yield self.progress()

    def progress(self) -> Progress:
        """Return the progress."""
        now = self._runtime.now()
        client, so_far = self._client, self._tally.now
        trouble = self._circuit.trouble
        rate, permitted = self._meter.rate(now), client.permitted_rate
        calls = so_far.unprocessed * so_far.confirm.calls
        left = None
        if self._first is None:
            at_once = client.permitted_at_once
            left = time_left(calls, rate, permitted, at_once)
        return Progress(
            rows=so_far.rows,
            done=so_far.done,
            rejected=so_far.rejected,
            unknown=so_far.unknown,
            strays=so_far.strays,
            in_flight=self._in_flight,
            seconds=now - self._began,
            rate=rate,
            permitted=permitted,
            left=left,
            paused=None if trouble is None else trouble.text,
        )

    @property
    def said(self) -> Mapping[int, str]:
        """What Sesamy said of rows that it refused in this run, by row.

        It may be about the buyer: it is for the rejected report only (see
        `write_reports`).
        """
        return self._said

    async def _work(self) -> None:
        try:
            while (claim := await self._next()) is not None:
                self._in_flight += 1
                try:
                    await self._process(claim)
                finally:
                    self._in_flight -= 1
        except SesamyError as error:
            self._broken = self._broken or error
            self._wake()

    def _wake(self) -> None:
        now, self._change = self._change, self._runtime.event()
        now.set()

    async def _next(self) -> Claim | None:
        while not (self._stopping or self._circuit.over or self._broken):
            wait = self._circuit.wait(self._runtime.now())
            if not wait:
                claim = await self._take()
                if claim is None:
                    self._circuit.pass_on()
                return claim
            await self._change.wait(wait)
        return None

    async def _take(self) -> Claim | None:
        if not self._circuit.failing:
            return self._retries.take() or await self._steps.claim()
        # A new order is the better probe: one that failed may be the cause.
        return await self._steps.claim() or self._retries.take()

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
        self._trouble = trouble.text
        self._circuit.failed(self._runtime.now(), trouble)
        if claim.entry.state is not State.UNKNOWN:
            outage = self._circuit.trouble is not None
            self._retries.add(claim, outage=outage)
        self._wake()

    def _worked(self, claim: Claim, verdict: Verdict) -> None:
        self._circuit.worked(self._runtime.now())
        self._retries.forget(claim)
        if verdict.change.state is State.REJECTED:
            self._refused(verdict)
        self._wake()

    def _refused(self, verdict: Verdict) -> None:
        change = verdict.change
        if verdict.said is not None and len(self._said) < MOST_SAID:
            self._said[change.row] = verdict.said
        self._refusals += 1
        only_refusals = self._is_new and not self._tally.now.done
        if only_refusals and self._refusals >= ALL_REFUSED:
            text = (
                f"All of the first {self._refusals} orders were refused, the "
                f"last one with: {change.reason} No contract was created. If "
                "the promo code is wrong, purge the journal and start over; "
                "if these orders are wrong, the same command continues with "
                "the others."
            )
            self._circuit.over = Trouble(Cause.REFUSED, text)

    def _how_it_ended(self) -> tuple[Ending, str | None]:
        broken, over = self._broken, self._circuit.over
        if isinstance(broken, InputFileError):
            # Without its advice: "nothing was sent".
            return Ending.FILE, str(broken.args[0])
        if broken is not None:
            return Ending.JOURNAL, str(broken.args[0])
        if over is not None:
            refused = over.cause is Cause.REFUSED
            return Ending.REFUSED if refused else Ending.OUTAGE, over.text
        reason = None
        if not self._tally.now.unprocessed:
            ending = Ending.COMPLETE
        elif self._stopping:
            ending = Ending.INTERRUPTED
        elif self._first_done:
            ending = Ending.FIRST
        else:
            # Some orders failed each time, while others went through.
            ending, reason = Ending.OUTAGE, self._trouble
        return ending, reason


def _check_count(name: str, value: object) -> None:
    if type(value) is not int:
        raise ConfigurationError(f"{name} must be a whole number.")
    check_number(name, value, least=1)
