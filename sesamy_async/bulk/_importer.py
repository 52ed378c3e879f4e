"""Send the orders of a journal, and report the progress."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

import attrs

from sesamy_async._call import AnyioRuntime, Runtime, present
from sesamy_async._checks import check_number
from sesamy_async._client import AsyncSesamy, told_from
from sesamy_async.bulk.journal import Journal, Writer
from sesamy_async.errors import ConfigurationError

from ._counts import Ending, ImportSummary, Meter, Tally
from ._judge import Cause
from ._rows import Source
from ._states import InputFileError, JournalError
from ._steps import Steps
from ._told import Told
from ._workers import Circuit, Workers


@attrs.frozen(kw_only=True)
class Progress:
    """How far a running import has come.

    Attributes:
        rows: All rows of the file.
        done: Orders that have reached the goal: confirmed, or created if
            nothing is to be confirmed.
        rejected: Rows that can't be sent, or that Sesamy refused.
        unknown: Orders that a person has to look at.
        strays: Unconfirmed contracts that may be left over.
        in_flight: Orders that are being sent now.
        seconds: Since this run began.
        rate: Calls per second over the last minute.
        permitted: Calls per second that Sesamy permits, as far as known;
            None for no limit.
        left: Seconds that the rest takes at this rate; None if unknown.
        paused: Why nothing is sent now; None if orders are sent.
    """

    rows: int
    done: int = 0
    rejected: int = 0
    unknown: int = 0
    strays: int = 0
    in_flight: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    permitted: float | None = None
    left: float | None = None
    paused: str | None = None

    @property
    def settled(self) -> int:
        """Rows that are finished."""
        return self.done + self.rejected + self.unknown


_DAY = 86_400.0
_LONGEST_QUEUE = 20.0  # Seconds.


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
        self._told: Told | None = None
        costly = not journal.terms.repeatable
        self._circuit = Circuit(self._began, patience, costly=costly)
        self._meter = Meter(self._began)
        self._tally = Tally.of(journal)
        self._over = runtime.event()
        self._ended = False
        self._writer = Writer(
            journal, shared_contracts=client.shared_contracts
        )
        self._steps = Steps(client, source, journal, self._writer)
        self._workers = Workers(
            self._steps,
            self._tally,
            self._circuit,
            self._meter,
            runtime,
            first=not journal.timeline(_DAY),
        )

    async def look_up(self) -> Told | None:
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
            self._workers.broken = error
        finally:
            # Or the journal would change after a cancelled run.
            self._writer.close()
            self._ended = True
            self._over.set()
        broken = self._workers.broken
        ends = JournalError | InputFileError
        if broken is not None and not isinstance(broken, ends):
            raise broken
        ending, reason = self._how_it_ended()
        return self._tally.summary(
            ending,
            reason=reason,
            seconds=self._runtime.now() - self._began,
            calls=self._meter.total,
            permitted=self._client.permitted_rate,
        )

    async def _run(self) -> None:
        if self._first is None:
            await self._workers.run(self._concurrency)
            return
        await self._steps.end_after(self._first)
        await self._workers.run(self._concurrency)
        self._first_done = await self._steps.have_sent(self._first)

    def stop(self) -> None:
        """Begin no more orders; those in flight are finished.

        Call it in the event loop of `run`.
        """
        self._workers.stop()

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
            in_flight=self._workers.in_flight,
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
        return self._workers.said

    def _how_it_ended(self) -> tuple[Ending, str | None]:
        workers, over = self._workers, self._circuit.over
        broken = workers.broken
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
        elif workers.stopping:
            ending = Ending.INTERRUPTED
        elif self._first_done:
            ending = Ending.FIRST
        else:
            # Some orders failed each time, while others went through.
            ending, reason = Ending.OUTAGE, workers.last
        return ending, reason


def _check_count(name: str, value: object) -> None:
    if type(value) is not int:
        raise ConfigurationError(f"{name} must be a whole number.")
    check_number(name, value, least=1)


def time_left(
    calls: float,
    rate: float,
    permitted: float | None,
    at_once: float | None,
) -> float | None:
    """Return the seconds that calls will take; None if that is unknown.

    `rate` and `permitted` are calls per second; `at_once` calls need not
    wait for what is permitted.  None is no limit.
    """
    if not rate:
        return None
    if permitted is None or at_once is None:
        return calls / rate
    quick = min(calls, at_once)
    return quick / rate + (calls - quick) / min(rate, permitted)
