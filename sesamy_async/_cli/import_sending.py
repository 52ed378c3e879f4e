"""The sending of an import: what is shown, asked, and can be stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

import attrs

from sesamy_async._call import RateLimit
from sesamy_async.bulk import (
    Importer,
    ImportSummary,
)
from sesamy_async.bulk._steps import first_orders
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reports._words import count

from .import_check import estimate
from .import_ending import contracts, summary_of
from .import_progress import (
    ProgressWatch,
)
from .presses import Presses, interrupt


@attrs.frozen
class Sent:
    """How an import ended, and what Sesamy said of refused rows.

    Attributes:
        summary: How it ended.
        said: What Sesamy said, by row.
        asked: Whether the first orders were shown, to ask about the others.
    """

    summary: ImportSummary
    said: Mapping[int, str]
    asked: bool = False

    def and_then(self, rest: Sent) -> Sent:
        """Return the same after the other orders were sent."""
        summary = attrs.evolve(
            rest.summary,
            calls=self.summary.calls + rest.summary.calls,
            seconds=self.summary.seconds + rest.summary.seconds,
        )
        return Sent(summary, {**self.said, **rest.said}, self.asked)


async def watched(
    importer: Importer,
    journal: Journal,
    presses: Presses,
    watch: ProgressWatch,
) -> Sent:
    """Run an import, show its progress, and let Ctrl-C end it."""

    def stop() -> None:
        importer.stop()
        watch.say(_STOPPING)

    async def show() -> None:
        async for progress in importer.updates():
            watch.show(progress)

    running = asyncio.create_task(importer.run())
    showing = asyncio.create_task(show())
    # A signal may come at any moment, so the loop does it later.
    later = asyncio.get_running_loop().call_soon_threadsafe
    presses.then(lambda: later(stop), lambda: later(running.cancel))
    try:
        summary = await running
    except asyncio.CancelledError:
        summary = summary_of(journal)
    finally:
        presses.then()
        # It ends with the run; an error in it is ignored.
        await asyncio.wait([showing])
    return Sent(summary, importer.said)


def goes_on(
    journal: Journal, number: int, presses: Presses, watch: ProgressWatch
) -> bool | None:
    """Show the first contracts, and ask; return None after Ctrl-C.

    Nothing else is going on, so it may keep the event loop waiting.
    """
    rest = summary_of(journal).unprocessed
    try:
        presses.then(interrupt)
        first = contracts(first_orders(journal, number))
        others = "other order" if rest == 1 else f"other {rest:,}"
        return watch.asks(first, f"Send the {others}?")
    except KeyboardInterrupt:
        return None
    finally:
        presses.then()


_STOPPING = (
    "Stopping: requests in flight are completed and recorded. Press again to "
    "stop at once: nothing is lost or sent twice by that, but what happens "
    "to these orders is known after the next run only, and invoices among "
    "them may have to be looked at."
)


def beginning(
    journal: Journal, pace: RateLimit, first: int | None, *, begun: bool
) -> Iterator[str]:
    """Yield the lines that are shown before anything is sent."""
    now = summary_of(journal)
    rows = count(now.rows, "row")
    rest = estimate(now.unprocessed * now.confirm.calls, pace)
    if not begun:
        left_out = f" ({now.rejected:,} left out)" if now.rejected else ""
        yield f"{rows}{left_out}: {rest}."
    elif not now.unprocessed:
        yield (
            f"{journal.path} says that this import is complete: nothing is "
            "sent."
        )
    else:
        yield (
            f"Continuing with {journal.path}: "
            f"{now.rows - now.unprocessed:,} of {rows} are settled; {rest}."
        )
    if first is not None and now.unprocessed:
        yield (
            "Now, only the first order will be sent."
            if first == 1
            else f"Now, only the first {first:,} orders will be sent."
        )
