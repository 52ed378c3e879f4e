"""What a shop does with the queue of tasks.py: it sells, and looks after it.

    python -m examples.taskiq.shop sell      # orders.jsonl, or another file
    python -m examples.taskiq.shop send      # queue what is overdue: from cron
    python -m examples.taskiq.shop problems  # what somebody has to look at
    python -m examples.taskiq.shop release A-2026-004711  # when that is done

A shop writes to two systems, and can be killed in between; and a Redis may
lose what is in it.  ``send`` makes up for both; to send an order twice does
no harm.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from examples import sales

from .tasks import broker, report


ORDERS = Path(__file__).parents[1] / "orders.jsonl"


async def send() -> None:
    """Queue what is due."""
    await broker.startup()
    for order_id in sales.take_due():
        await report.kiq(order_id)
    await broker.shutdown()


def main(action: str, *arguments: str) -> None:
    """Do one of the four."""
    if action == "sell":
        sales.sell_file("SPRING-12", Path(*arguments or [ORDERS]))
    elif action == "release":
        for order_id in arguments:
            sales.release(order_id)
    if action == "problems":
        for order_id, problem in sales.problems():
            print(f"{order_id}: {problem}")
    else:
        asyncio.run(send())


if __name__ == "__main__":
    main(*sys.argv[1:])
