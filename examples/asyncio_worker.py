"""Several asyncio workers report the orders in a file.

Run it with the SESAMY_* variables set:
``python asyncio_worker.py [SPRING-12 orders.jsonl]``, with an order per line,
as JSON with Sesamy's names.

Ctrl-C or SIGTERM ends it cleanly: calls that are under way are finished,
and orders that were not begun are reported.  It can be run again at any time,
also after a kill, and beside itself: each order gets one contract.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path

from sesamy_async import AsyncSesamy, NewContract, Outcome, SesamyError


ORDERS = str(Path(__file__).with_name("orders.jsonl"))
# All runs share a file in the current folder, if the variable names none.
STORE = os.environ.get("SESAMY_IDEMPOTENCY") or "sqlite:orders.db"
WORKERS = 4
NOT_BEGUN = "NOT_BEGUN"
DONE = "DONE"


async def onboard(
    sesamy: AsyncSesamy, promo_code: str, order: NewContract
) -> str:
    """Onboard one order, print what became of it, and return that."""
    try:
        done = await sesamy.contracts.onboard(promo_code, order)
    except SesamyError as error:
        # The message names the order and says what to do next; it holds
        # no personal data, so it may go to a log.
        print(order.external_order_id, error.outcome, error, flush=True)
        return error.outcome
    print(order.external_order_id, DONE, done.contract.id, flush=True)
    return DONE


async def work(
    sesamy: AsyncSesamy,
    promo_code: str,
    queue: asyncio.Queue[NewContract],
    stopping: asyncio.Event,
    ended: Counter[str],
) -> None:
    """Take one order after the other, until none is left or we stop."""
    # An order is only taken to be onboarded at once, never to be dropped.
    while not stopping.is_set() and not queue.empty():
        ended[await onboard(sesamy, promo_code, queue.get_nowait())] += 1


async def run(promo_code: str, orders: list[NewContract]) -> Counter[str]:
    """Onboard the orders; return how many ended how."""
    queue: asyncio.Queue[NewContract] = asyncio.Queue()
    for order in orders:
        queue.put_nowait(order)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not on Windows; there, see `signal.signal`.
        loop.add_signal_handler(number, stopping.set)
    ended: Counter[str] = Counter()
    # No call takes longer than this, so neither does the shutdown.
    async with (
        AsyncSesamy(deadline=60.0, idempotency=STORE) as sesamy,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(WORKERS):
            group.create_task(work(sesamy, promo_code, queue, stopping, ended))
    while not queue.empty():
        print(queue.get_nowait().external_order_id, NOT_BEGUN, flush=True)
        ended[NOT_BEGUN] += 1
    return ended


def main() -> int:
    """Read the orders before anything is sent; return the exit code."""
    promo_code, path = sys.argv[1:3] or ("SPRING-12", ORDERS)
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    try:
        orders = [NewContract.from_json(line) for line in lines]
        ended = asyncio.run(run(promo_code, orders))
    except SesamyError as error:
        print(error, file=sys.stderr)
        return 2
    print(*(f"{name}={count}" for name, count in sorted(ended.items())))
    if ended[Outcome.UNKNOWN] or ended[Outcome.APPLIED]:
        return 4
    return 0 if set(ended) <= {DONE} else 1


if __name__ == "__main__":
    sys.exit(main())
