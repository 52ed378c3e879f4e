"""The workers of a queue that report sales: Celery over Redis.

Set the SESAMY_* variables, SESAMY_IDEMPOTENCY among them, SHOP_QUEUE to the
URL of a Redis, and SHOP_DATABASE (see sales.py).  Then run, on any number of
hosts,

    REMAP_SIGTERM=SIGQUIT celery -A examples.celery.tasks worker \
        --concurrency 4

If SHOP_PACE is the URL of a Redis, all workers have one pace and one token.
A worker that gets SIGTERM ends within 25 seconds.  Whatever is killed, each
order gets one contract.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import Any

from celery import Celery, Task
from celery.signals import worker_init
from celery.utils.log import get_task_logger

from examples import sales
from sesamy_async import NewContract, SesamyError

from .client import DEADLINE, SET_WRONG, new_client


logger = get_task_logger(__name__)
PAUSES = 30.0, 60.0  # Seconds until an order is tried again: least, most.
app = Celery("shop", broker=os.environ["SHOP_QUEUE"])
app.conf.update(
    task_default_queue="orders",
    task_ignore_result=True,
    task_acks_late=True,
    # A task whose process is killed is delivered again, at once.
    task_reject_on_worker_lost=True,
    # A worker that is killed holds up no more than it began.
    worker_prefetch_multiplier=1,
    broker_transport_options={
        # What is not acknowledged by then is delivered again: in seconds, and
        # longer than the deadline and the pause.
        "visibility_timeout": 120,
        "unacked_restore_throttle": 1,  # Look for that every 10 seconds.
    },
    # After SIGTERM, what is under way may end; then it is put back.
    worker_soft_shutdown_timeout=DEADLINE,
    broker_connection_retry_on_startup=True,
)
# Of a process of the pool.
client = functools.cache(new_client)


@worker_init.connect
def check(**_: object) -> None:
    """End a worker whose credentials are wrong before it takes an order."""
    with new_client() as sesamy:
        try:
            sesamy.ready()
        except SesamyError as error:
            sys.exit(str(error))


@app.task(
    name="report",
    bind=True,
    max_retries=None,
    # Whatever else goes wrong, such as a database that is away, may pass.
    autoretry_for=(Exception,),
    default_retry_delay=30,
)
def report(task: Task[Any, Any], order_id: str) -> None:
    """Report a sale to Sesamy."""
    sale = sales.find(order_id)
    if sale is None:
        return  # It was delivered twice.
    promo_code, body = sale
    try:
        order = NewContract.from_json(body)
        done = client().contracts.onboard(promo_code, order)
    except SesamyError as error:
        if error.retryable or isinstance(error, SET_WRONG):
            logger.warning("%s", error)
            least, most = PAUSES
            asked = getattr(error, "retry_after", None) or least
            raise task.retry(countdown=min(max(asked, least), most)) from None
        # Somebody has to do what the error says, then to release it.
        logger.error("%s is set aside: %s", order_id, error)  # noqa: TRY400
        sales.set_aside(order_id, str(error))
    else:
        sales.note_contract(order_id, done.contract.id)
