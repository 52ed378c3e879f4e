"""The sending of an import, and what Ctrl-C does to it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import attrs

from sesamy_async._client import AsyncSesamy
from sesamy_async.bulk import Ending, Importer, ImportSummary
from sesamy_async.bulk._steps import first_orders
from sesamy_async.bulk.journal import Journal

from . import import_words as words
from .client import ClientArguments, name_of
from .import_progress import ProgressWatch
from .output import InterruptionError


if TYPE_CHECKING:
    from .import_job import ImportJob


@attrs.frozen
class Sent:
    """How an import ended, and what Sesamy said of refused rows."""

    summary: ImportSummary
    said: Mapping[int, str]
    asked: bool = False  # The first orders were shown.


@attrs.frozen
class Run:
    """The sending of a job: it is shown, it asks, and it can be stopped."""

    job: ImportJob
    journal: Journal
    presses: Presses
    watch: ProgressWatch

    async def send(
        self, client: ClientArguments, said: tuple[str, ...] | None
    ) -> Sent:
        """Send the orders; `said` is of the check, None if it continues."""
        job, journal, new = self.job, self.journal, said is not None
        shared, number = job.sending.shared_contracts, job.sending.first
        async with AsyncSesamy(**client, shared_contracts=shared) as sesamy:
            importer, told = await job.core.importer(
                sesamy, journal, new=new, first=number
            )
            if told is not None:
                store = name_of(client["idempotency"].store)
                self.watch.say(*words.in_store(told, store))
            begins = words.beginning(journal, job.pace, number, begun=not new)
            self.watch.say(*begins, *(said or ()))
            sent = await self._watched(importer)
            # If none was accepted, the others would not be either.
            asks = sent.summary.ending is Ending.FIRST and sent.summary.done
            if not (asks and job.can_ask):
                return sent
            sent = attrs.evolve(sent, asked=True)
            try:
                if not self._goes_on(number or 0):
                    return sent
            except KeyboardInterrupt:
                ended = attrs.evolve(sent.summary, ending=Ending.INTERRUPTED)
                return attrs.evolve(sent, summary=ended)
            importer, _ = await job.core.importer(sesamy, journal, new=False)
            rest = await self._watched(importer)
            summary = attrs.evolve(
                rest.summary,
                calls=sent.summary.calls + rest.summary.calls,
                seconds=sent.summary.seconds + rest.summary.seconds,
            )
            return Sent(summary, {**sent.said, **rest.said}, asked=True)

    async def _watched(self, importer: Importer) -> Sent:
        """Run an import, show its progress, and let Ctrl-C end it."""

        def stop() -> None:
            importer.stop()
            self.watch.say(_STOPPING)

        async def show() -> None:
            async for progress in importer.updates():
                self.watch.show(progress)

        running = asyncio.create_task(importer.run())
        showing = asyncio.create_task(show())
        # A signal may come at any moment, so the loop does it later.
        later = asyncio.get_running_loop().call_soon_threadsafe
        self.presses.then(lambda: later(stop), lambda: later(running.cancel))
        try:
            summary = await running
        except asyncio.CancelledError:
            summary = words.summary_of(self.journal)
        finally:
            self.presses.then()
            # It ends with the run; an error in it is ignored.
            await asyncio.wait([showing])
        return Sent(summary, importer.said)

    def _goes_on(self, number: int) -> bool:
        """Show the first contracts, and ask about the other orders.

        Nothing else is going on, so it may keep the event loop waiting.
        """
        rest = words.summary_of(self.journal).unprocessed
        others = "other order" if rest == 1 else f"other {rest:,}"
        with self.presses.ending():
            first = words.contracts(first_orders(self.journal, number))
            return self.watch.asks(first, f"Send the {others}?")


_STOPPING = (
    "Stopping: requests in flight are completed and recorded. Press Ctrl-C "
    "again to stop at once. Nothing is lost or sent twice by that, but only "
    "the next run finds out what happened to these orders, and somebody may "
    "have to check invoices among them."
)


class NothingSentError(InterruptionError):
    """Ctrl-C before anything was sent."""

    def _advice(self) -> str:
        return "This run sent nothing; run the same command again."


def _interrupt() -> NoReturn:
    raise KeyboardInterrupt


class Presses:
    """What each Ctrl-C does; none gets lost, or interrupts a write."""

    def __init__(self) -> None:
        self._count = 0
        self._actions: list[Callable[[], object]] = [_interrupt]

    def then(self, *actions: Callable[[], object]) -> None:
        """Set what the next presses do; earlier ones count too."""
        before, self._count = self._count, 0
        self._actions = [*actions]
        for _ in range(before):
            self.press()

    @contextmanager
    def ending(self) -> Generator[None]:
        """Let the first press end the block."""
        self.then(_interrupt)
        try:
            yield
        finally:
            self.then()

    def press(self) -> None:
        self._count += 1
        if self._actions:
            self._actions.pop(0)()


@contextmanager
def heeding() -> Generator[Presses]:
    """Turn SIGINT and SIGTERM into presses; for the main thread only.

    Until `Presses.then` is called, the first one ends the block with a
    `NothingSentError`.
    """
    presses = Presses()
    before = {
        each: signal.signal(each, lambda _, __: presses.press())
        for each in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield presses
    except KeyboardInterrupt:
        raise NothingSentError("Interrupted.") from None
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
