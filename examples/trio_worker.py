"""Several trio workers report the orders in a file.

Install ``sesamy-async[trio]``, and run it with the SESAMY_* variables set:
``python trio_worker.py [SPRING-12 orders.jsonl]``, with an order per line, as
JSON with Sesamy's names.

Ctrl-C or SIGTERM ends it cleanly: calls that are under way are finished,
and orders that were not begun are reported.  It can be run again at any time,
also after a kill, and beside itself: each order gets one contract.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter, deque
from pathlib import Path

import trio

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
    orders: trio.MemoryReceiveChannel[NewContract],
    ended: Counter[str],
) -> None:
    """Onboard what comes, until nothing more will."""
    async with orders:
        async for order in orders:
            ended[await onboard(sesamy, promo_code, order)] += 1


async def hand_out(
    waiting: deque[NewContract],
    orders: trio.MemorySendChannel[NewContract],
    feeding: trio.CancelScope,
) -> None:
    """Hand orders to idle workers, until none is left or we stop."""
    with feeding:
        async with orders:
            while waiting:
                # A send that is cancelled has handed over nothing.
                await orders.send(waiting[0])
                waiting.popleft()


async def stop_on_signal(feeding: trio.CancelScope) -> None:
    """Hand out no more orders after Ctrl-C or SIGTERM."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    with trio.open_signal_receiver(*numbers) as received:
        async for _ in received:
            feeding.cancel()


async def run(promo_code: str, orders: list[NewContract]) -> Counter[str]:
    """Onboard the orders; return how many ended how."""
    waiting = deque(orders)
    ended: Counter[str] = Counter()
    feeding = trio.CancelScope()
    send, receive = trio.open_memory_channel[NewContract](0)
    # No call takes longer than this, so neither does the shutdown.
    async with (
        AsyncSesamy(deadline=60.0, idempotency=STORE) as sesamy,
        trio.open_nursery() as watch,
    ):
        watch.start_soon(stop_on_signal, feeding)
        async with trio.open_nursery() as nursery, receive:
            nursery.start_soon(hand_out, waiting, send, feeding)
            for _ in range(WORKERS):
                nursery.start_soon(
                    work, sesamy, promo_code, receive.clone(), ended
                )
        watch.cancel_scope.cancel()
    for order in waiting:
        print(order.external_order_id, NOT_BEGUN, flush=True)
        ended[NOT_BEGUN] += 1
    return ended


def main() -> int:
    """Read the orders before anything is sent; return the exit code."""
    promo_code, path = sys.argv[1:3] or ("SPRING-12", ORDERS)
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    try:
        orders = [NewContract.from_json(line) for line in lines]
        ended = trio.run(run, promo_code, orders)
    except SesamyError as error:
        print(error, file=sys.stderr)
        return 2
    print(*(f"{name}={count}" for name, count in sorted(ended.items())))
    if ended[Outcome.UNKNOWN] or ended[Outcome.APPLIED]:
        return 4
    return 0 if set(ended) <= {DONE} else 1


if __name__ == "__main__":
    sys.exit(main())
