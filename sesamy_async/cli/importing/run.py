"""Send the orders, and show how it goes."""

from __future__ import annotations

import asyncio
from functools import partial

import attrs

from sesamy_async import AsyncSesamy
from sesamy_async.bulk.importer import Importer
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.source import Source
from sesamy_async.bulk.summary import ImportSummary
from sesamy_async.cli.options import Api
from sesamy_async.cli.target import Target

from .options import Sending
from .stop import Presses, in_loop
from .watch import Watch


_FIRST = (
    "Stopping: what is in flight is finished and written down. "
    "Press again to stop at once; nothing is lost or doubled by that either."
)


@attrs.frozen(kw_only=True)
class Run:
    """All that a run needs.

    Attributes:
        source: The orders.
        journal: What is to be sent.
        target: Where to.
        options: Those of all API commands.
        sending: How.
        said: What Sesamy said of refused rows is put here.
    """

    source: Source
    journal: Journal
    target: Target
    options: Api
    sending: Sending
    said: dict[int, str] = attrs.field(factory=dict[int, str], repr=False)

    def go(self, watch: Watch, presses: Presses) -> ImportSummary | None:
        """Send what is to be sent.

        Returns:
            How it ended; None where it was stopped at once.
        """
        return asyncio.run(self._go(watch, presses))

    async def _go(
        self, watch: Watch, presses: Presses
    ) -> ImportSummary | None:
        target = self.target
        async with AsyncSesamy(
            target.vendor_id,
            auth=target.credentials,
            base_url=target.base_url,
            token_url=target.token_url,
            timeout=self.options.timeout,
            deadline=self.options.deadline,
            transport=target.connections,
        ) as client:
            importer = Importer(
                client,
                self.source,
                self.journal,
                concurrency=self.sending.concurrency,
                patience=self.sending.patience,
            )
            running = asyncio.create_task(importer.run())
            showing = asyncio.create_task(_show(importer, watch))
            presses.then(
                in_loop(partial(_stop, importer, watch)),
                in_loop(running.cancel),
            )
            try:
                return await running
            except asyncio.CancelledError:
                return None
            finally:
                presses.nothing()
                self.said.update(importer.said)
                # It ends with the run; what it shows is not worth an error.
                await asyncio.wait([showing])


def _stop(importer: Importer, watch: Watch) -> None:
    importer.stop()
    watch.say(_FIRST)


async def _show(importer: Importer, watch: Watch) -> None:
    async for progress in importer.updates():
        watch.show(progress)
