"""The workers of a queue that report sales: taskiq over Redis.

Set the SESAMY_* variables, SESAMY_IDEMPOTENCY among them, SHOP_QUEUE to the
URL of a Redis, and SHOP_DATABASE (see sales.py).  Then run, on any number of
hosts,

    taskiq worker examples.taskiq.tasks:broker --max-async-tasks 10 \
        --wait-tasks-timeout 10 --shutdown-timeout 15

If SHOP_PACE is the URL of a Redis, all workers have one pace and one token.
A worker that gets SIGTERM ends within 30 seconds.  Whatever is killed, each
order gets one contract.
"""

from __future__ import annotations

import asyncio
import logging
import os
from asyncio import to_thread

from redis.asyncio import Redis
from redis.exceptions import RedisError
from taskiq import Context, TaskiqDepends, TaskiqEvents, TaskiqState
from taskiq_redis import RedisStreamBroker

from examples import sales
from sesamy_async import AsyncSesamy, NewContract, SesamyError

from .client import SET_WRONG, new_client


logger = logging.getLogger(__name__)
URL = os.environ["SHOP_QUEUE"]
QUEUE = "orders"
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
    idle_timeout=60_000,
    # A worker that is killed while it takes over messages lets others do so.
    unacknowledged_lock_timeout=10.0,
)


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def start(state: TaskiqState) -> None:
    """Make the one client of this process; without credentials, end."""
    state.sesamy = new_client()
    await state.sesamy.ready()
    state.tidying = asyncio.create_task(tidy_regularly())


@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)
async def stop(state: TaskiqState) -> None:
    """Let orders that have a contract be confirmed."""
    state.tidying.cancel()
    await state.sesamy.aclose(within=GRACE)


@broker.task("report", ack_type="manual")
async def report(
    order_id: str,
    context: Context = TaskiqDepends(),  # noqa: B008 - as taskiq wants it
) -> None:
    """Report a sale to Sesamy."""
    if sale := await to_thread(sales.find, order_id):
        try:
            await onboard(context.state.sesamy, order_id, *sale)
        except SesamyError as error:
            # It is not acknowledged, so it comes again.
            logger.warning("%s", error)
            return
    await context.ack()


async def onboard(
    sesamy: AsyncSesamy, order_id: str, promo_code: str, body: str
) -> None:
    """Onboard an order; raise what will pass by itself."""
    try:
        order = NewContract.from_json(body)
        done = await sesamy.contracts.onboard(promo_code, order)
    except SesamyError as error:
        # A client that is closed, as the worker stops, is one of the latter.
        if error.retryable or isinstance(error, SET_WRONG):
            raise
        # Somebody has to do what the error says, then to release it.
        logger.error("%s is set aside: %s", order_id, error)  # noqa: TRY400
        await to_thread(sales.set_aside, order_id, str(error))
    else:
        logger.info("%s: %s", order_id, done.contract.id)
        await to_thread(sales.note_contract, order_id, done.contract.id)


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
    # An acknowledged message stays otherwise.
    (group,) = await redis.xinfo_groups(QUEUE)
    pending = await redis.xpending(QUEUE, QUEUE)
    first_left = pending["min"] or group["last-delivered-id"]
    await redis.xtrim(QUEUE, minid=first_left, approximate=False)
