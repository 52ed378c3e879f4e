"""A worker, ``python -m temporal.worker``; any number, on any host."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from datetime import timedelta

from temporalio.worker import Worker

from sesamy_async import AsyncSesamy, RateLimit
from sesamy_async.redis import RedisPacer

from .activities import DEADLINE, Activities
from .orders import QUEUE, connect
from .workflow import OnboardOrder


# Without a store, an order that is tried again could get two contracts.
STORE = os.environ["SESAMY_IDEMPOTENCY"]
AT_ONCE = 10  # Orders of a worker.
# One pace for all workers: the URL of a Redis that keeps it.
PACE = os.environ.get("SHOP_PACE")
# Else Temporal does: an order takes two of Sesamy's 300 requests a minute.
ORDERS_PER_SECOND = None if PACE else 2.5
GRACE = DEADLINE + 5  # Seconds after SIGTERM: what is under way ends.


async def main() -> None:
    """Work until SIGTERM or Ctrl-C."""
    logging.basicConfig(level=logging.INFO)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    client = await connect()
    async with AsyncSesamy(
        deadline=DEADLINE,
        idempotency=STORE,
        rate_limit=RedisPacer(PACE) if PACE else RateLimit(),
    ) as sesamy:
        await sesamy.ready()  # Without credentials, end.
        async with Worker(
            client,
            task_queue=QUEUE,
            workflows=[OnboardOrder],
            activities=[Activities(sesamy).onboard],
            max_concurrent_activities=AT_ONCE,
            max_task_queue_activities_per_second=ORDERS_PER_SECOND,
            graceful_shutdown_timeout=timedelta(seconds=GRACE),
        ):
            await stopping.wait()


if __name__ == "__main__":
    asyncio.run(main())
