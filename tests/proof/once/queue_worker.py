"""A worker of a queue (taskiq on Redis streams) that onboards orders.

``python -m proof.once.queue_worker QUEUE STORE`` works until it is killed;
the SESAMY_* variables lead to the sandbox.
"""

from __future__ import annotations

import asyncio
import sys

from taskiq.api import run_receiver_task
from taskiq_redis import RedisStreamBroker

from sesamy_async import AsyncSesamy, SesamyError

from .tell import order


_PROMO = "SPRING-12"
_PAUSE = 0.05


def broker_of(queue: str) -> RedisStreamBroker:
    """Return the queue, which delivers again what is not acknowledged.

    It does so after 10 minutes by default, and only when another message
    arrives.
    """
    return RedisStreamBroker(
        queue,
        idle_timeout=400,
        xread_block=200,
        xread_count=10,
        unacknowledged_lock_timeout=2,
        consumer_id="0",
    )


def add_tasks(broker: RedisStreamBroker, client: AsyncSesamy) -> None:
    """Add the tasks to a worker's broker."""

    @broker.task("onboard")
    async def onboard(number: str) -> None:
        while True:
            try:
                await client.contracts.onboard(_PROMO, order(number))
            except SesamyError as error:
                if not error.retryable:
                    raise
                await asyncio.sleep(_PAUSE)
            else:
                return

    @broker.task("wake")
    async def wake() -> None:
        """Do nothing: another message lets workers take over what is left."""


async def _work(queue: str, store: str) -> None:
    broker = broker_of(queue)
    broker.is_worker_process = True
    async with AsyncSesamy(idempotency=store, rate_limit=None) as client:
        add_tasks(broker, client)
        await broker.startup()
        await run_receiver_task(broker, max_async_tasks=20)


if __name__ == "__main__":
    asyncio.run(_work(*sys.argv[1:]))
