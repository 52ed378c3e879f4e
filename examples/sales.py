"""The database of a shop: what it sold, and what became of that at Sesamy.

It stands for your own one, which all workers reach: the examples of queues
put nothing but the id of a sale into a message, so no customer's data are
where a queue keeps, logs or shows its messages.  SHOP_DATABASE is a file.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sesamy_async import NewContract


TABLE = """
CREATE TABLE IF NOT EXISTS sales (
    order_id TEXT PRIMARY KEY,
    promo_code TEXT NOT NULL,
    body TEXT NOT NULL,  -- As Sesamy documents it: JSON.
    queued_at TEXT,
    contract_id TEXT,
    problem TEXT  -- What somebody has to look at.
)
"""
# Longer than a sale ever waits in the queue.
OVERDUE = "-6 hours"
DUE = """
UPDATE sales SET queued_at = datetime('now')
WHERE contract_id IS NULL AND problem IS NULL
AND (queued_at IS NULL OR queued_at < datetime('now', ?))
RETURNING order_id
"""
OPEN = """
SELECT promo_code, body FROM sales
WHERE order_id = ? AND contract_id IS NULL AND problem IS NULL
"""
DONE = "UPDATE sales SET contract_id = ? WHERE order_id = ?"
SET_ASIDE = "UPDATE sales SET problem = ? WHERE order_id = ?"
PROBLEMS = """
SELECT order_id, problem FROM sales WHERE problem IS NOT NULL
ORDER BY order_id
"""
RELEASE = """
UPDATE sales SET problem = NULL, queued_at = NULL WHERE order_id = ?
"""


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    """Open the database; each statement is a transaction."""
    path = os.environ["SHOP_DATABASE"]
    with closing(
        sqlite3.connect(path, timeout=30.0, isolation_level=None)
    ) as shop:
        shop.execute(TABLE)
        yield shop


def sell(promo_code: str, body: str) -> None:
    """Write down a sale, unless it is there."""
    order = NewContract.from_json(body)  # Raises if it can't be sent.
    with database() as shop:
        shop.execute(
            "INSERT OR IGNORE INTO sales (order_id, promo_code, body)"
            " VALUES (?, ?, ?)",
            [order.external_order_id, promo_code, body],
        )


def sell_file(promo_code: str, path: Path) -> None:
    """Write down the sales of a file, one per line."""
    for body in path.read_text("utf-8").splitlines():
        sell(promo_code, body)


def take_due() -> list[str]:
    """Take the sales to queue: new ones, and those that a queue has lost."""
    with database() as shop:
        return [order_id for (order_id,) in shop.execute(DUE, [OVERDUE])]


def find(order_id: str) -> tuple[str, str] | None:
    """Return promo code and body of a sale; None if there is nothing to do."""
    with database() as shop:
        found: tuple[str, str] | None
        found = shop.execute(OPEN, [order_id]).fetchone()
        return found


def note_contract(order_id: str, contract_id: str) -> None:
    """Write down the contract of a sale that is reported."""
    with database() as shop:
        shop.execute(DONE, [contract_id, order_id])


def set_aside(order_id: str, problem: str) -> None:
    """Report a sale no more until somebody has done what the problem says."""
    with database() as shop:
        shop.execute(SET_ASIDE, [problem, order_id])


def problems() -> list[tuple[str, str]]:
    """Return the sales that were set aside, and why."""
    with database() as shop:
        return shop.execute(PROBLEMS).fetchall()


def release(order_id: str) -> None:
    """Let a sale that was set aside be reported."""
    with database() as shop:
        shop.execute(RELEASE, [order_id])
