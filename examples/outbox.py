"""An outbox: a shop writes what it sells to its database, a relay reports it.

``pip install 'sesamy-async[postgres]'``, set the SESAMY_* variables, and
SHOP_DATABASE to the URL of a Postgres.  Then run

    python outbox.py setup    # make the tables
    python outbox.py sell     # what a shop does: sell some orders
    python outbox.py relay    # until SIGTERM; on any number of hosts

A sale and its row in the outbox are written in one transaction.  A relay can
be killed at any moment; another one, or the next one, reports what it left.
What a person must look at, and how to report it again:

    SELECT order_id, problem FROM outbox WHERE problem IS NOT NULL;
    UPDATE outbox SET problem = NULL, due = now() WHERE order_id = '...';
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from psycopg import AsyncConnection

from sesamy_async import AsyncSesamy, NewContract, SesamyError


URL = os.environ["SHOP_DATABASE"]
STORE = os.environ.get("SESAMY_IDEMPOTENCY") or URL
DEADLINE = 20.0  # Seconds; a relay that gets SIGTERM ends within them.
TABLES = """
CREATE TABLE sales (order_id text PRIMARY KEY, contract_id text);
CREATE TABLE outbox (
    order_id text PRIMARY KEY REFERENCES sales,
    promo_code text NOT NULL,
    body text NOT NULL,
    due timestamptz NOT NULL DEFAULT now(),
    problem text
);
"""
# What a relay takes is due again after the deadline, even if it is killed.
TAKE = """
UPDATE outbox SET due = now() + interval '30 seconds' WHERE order_id IN (
    SELECT order_id FROM outbox WHERE problem IS NULL AND due <= now()
    ORDER BY due LIMIT 20 FOR UPDATE SKIP LOCKED
) RETURNING order_id, promo_code, body
"""
# One statement, so both or neither.  The customer's data are deleted.
DONE = """
WITH reported AS (DELETE FROM outbox WHERE order_id = %(order_id)s)
UPDATE sales SET contract_id = %(contract_id)s WHERE order_id = %(order_id)s
"""


async def sell(shop: AsyncConnection, promo_code: str, body: str) -> None:
    """Write a sale, and what is to be reported; or neither."""
    order = NewContract.from_json(body)  # Raises if it can't be sent.
    async with shop.transaction():
        await shop.execute(
            "INSERT INTO sales (order_id) VALUES (%s)",
            [order.external_order_id],
        )
        await shop.execute(
            "INSERT INTO outbox (order_id, promo_code, body)"
            " VALUES (%s, %s, %s)",
            [order.external_order_id, promo_code, body],
        )


async def report(
    shop: AsyncConnection,
    sesamy: AsyncSesamy,
    order_id: str,
    promo_code: str,
    body: str,
) -> None:
    """Report an order, and write down what became of it."""
    try:
        order = NewContract.from_json(body)
        done = await sesamy.contracts.onboard(promo_code, order)
    except SesamyError as error:
        print(error, file=sys.stderr, flush=True)
        if not error.retryable:  # Otherwise, it will be due again.
            await shop.execute(
                "UPDATE outbox SET problem = %s WHERE order_id = %s",
                [str(error), order_id],
            )
    else:
        ids = {"order_id": order_id, "contract_id": done.contract.id}
        await shop.execute(DONE, ids)


async def relay(shop: AsyncConnection) -> None:
    """Report what is due, until SIGTERM or Ctrl-C."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncSesamy(deadline=DEADLINE, idempotency=STORE) as sesamy:
        await sesamy.ready()
        while not stopping.is_set():
            rows = await (await shop.execute(TAKE)).fetchall()
            async with asyncio.TaskGroup() as group:
                for row in rows:
                    group.create_task(report(shop, sesamy, *row))
            if not rows:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), 1.0)


async def main(action: str) -> None:
    """Do one of the three."""
    async with await AsyncConnection.connect(URL, autocommit=True) as shop:
        if action == "setup":
            await shop.execute(TABLES)
        elif action == "sell":
            path = Path(__file__).with_name("orders.jsonl")
            for body in path.read_text("utf-8").splitlines():
                await sell(shop, "SPRING-12", body)
        else:
            await relay(shop)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
