"""A queue of orders, and the workers that report them: taskiq over Redis.

``pip install 'sesamy-async[redis]' taskiq taskiq-redis``, set the SESAMY_*
variables, SESAMY_IDEMPOTENCY among them, and SHOP_QUEUE to the URL of a
Redis.  Then run

    taskiq worker taskiq_worker:broker --wait-tasks-timeout 10 \
        --shutdown-timeout 15
    python taskiq_worker.py send      # what a shop does: queue some orders
    python taskiq_worker.py resend    # queue again what was put aside

A worker that gets SIGTERM ends within 30 seconds.  Whatever is killed, each
order gets one contract: what was not acknowledged is delivered again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError
from taskiq import Context, TaskiqDepends, TaskiqEvents, TaskiqState
from taskiq_redis import RedisStreamBroker

from sesamy_async import (
    AsyncSesamy,
    ConfigurationError,
    NewContract,
    SesamyError,
)


logger = logging.getLogger(__name__)
URL = os.environ["SHOP_QUEUE"]
# Without a store, an order that is delivered twice would get two contracts.
STORE = os.environ["SESAMY_IDEMPOTENCY"]
QUEUE, ASIDE = "orders", "orders-aside"
DEADLINE = 60.0  # Seconds that an order may take.
GRACE = 10.0  # Seconds for orders that are under way at the end.
# Seconds; on Python 3.11, a worker may take as long to notice SIGTERM.
TIDY_EVERY = 5.0
broker = RedisStreamBroker(
    URL,
    queue_name=QUEUE,
    consumer_group_name=QUEUE,
    consumer_id="0",  # Also what was queued before the first worker ran.
    xread_count=1,  # A worker that is killed holds up no more than it began.
    # What is not acknowledged by then (in ms) is delivered again: longer than
    # the deadline, so that nothing is that is still under way.
    idle_timeout=90_000,
    # A worker that is killed while it takes over messages lets others do so.
    unacknowledged_lock_timeout=10.0,
)


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def start(state: TaskiqState) -> None:
    """Make the one client of this process; without credentials, end."""
    state.sesamy = AsyncSesamy(deadline=DEADLINE, idempotency=STORE)
    await state.sesamy.ready()
    state.tidying = asyncio.create_task(tidy_regularly())


@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)
async def stop(state: TaskiqState) -> None:
    """Let orders that have a contract be confirmed."""
    state.tidying.cancel()
    await state.sesamy.aclose(within=GRACE)


@broker.task("onboard", ack_type="manual")
async def onboard(
    promo_code: str,
    sale: str,
    context: Context = TaskiqDepends(),  # noqa: B008 - as taskiq wants it
) -> None:
    """Onboard an order, which is JSON as Sesamy documents it."""
    sesamy: AsyncSesamy = context.state.sesamy
    try:
        order = NewContract.from_json(sale)
        done = await sesamy.contracts.onboard(promo_code, order)
    except SesamyError as error:
        if error.retryable or isinstance(error, ConfigurationError):
            # It is not acknowledged, so it comes again.  The latter is no
            # fault of the order: the client is closed, as the worker stops.
            logger.warning("%s", error)
            return
        # Somebody has to do what the error says, then "resend".
        logger.exception("%s is put aside", error.external_order_id)
        aside = onboard.kicker().with_labels(queue_name=ASIDE, why=str(error))
        await aside.kiq(promo_code, sale)
    else:
        logger.info("%s: %s", order.external_order_id, done.contract.id)
    await context.ack()


@broker.task("wake")
async def wake() -> None:
    """Do nothing: only a new message lets workers take over old ones."""


async def tidy_regularly() -> None:
    """Tidy the queue as long as this worker runs."""
    async with Redis.from_url(URL) as redis:
        while True:
            try:
                await tidy(redis)
            except RedisError as error:
                logger.warning("The queue can't be tidied: %s", error)
            await asyncio.sleep(TIDY_EVERY)


async def tidy(redis: Redis) -> None:
    """Take over what others left, and remove what is done."""
    await wake.kiq()
    # An acknowledged message stays otherwise, with the customer's data.
    (group,) = await redis.xinfo_groups(QUEUE)
    pending = await redis.xpending(QUEUE, QUEUE)
    first_left = pending["min"] or group["last-delivered-id"]
    await redis.xtrim(QUEUE, minid=first_left, approximate=False)


async def send(promo_code: str, sales: list[str]) -> None:
    """Queue orders, as a shop does when it has sold something."""
    await broker.startup()
    for sale in sales:
        await onboard.kiq(promo_code, sale)
    await broker.shutdown()


async def resend() -> None:
    """Queue again what was put aside; twice does no harm."""
    async with Redis.from_url(URL) as redis:
        messages: Any = await redis.xrange(ASIDE)
        for number, message in messages:
            await redis.xadd(QUEUE, message)
            await redis.xdel(ASIDE, number)


if __name__ == "__main__":
    orders = Path(__file__).with_name("orders.jsonl").read_text("utf-8")
    again = sys.argv[1:] == ["resend"]
    asyncio.run(resend() if again else send("SPRING-12", orders.splitlines()))
