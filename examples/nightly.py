"""A nightly job that reports what a shop has sold, out of its database.

Run it with the SESAMY_* variables set, SESAMY_IDEMPOTENCY among them:
``python nightly.py shop.db``.  In a crontab:

    MAILTO=orders@shop.example
    15 2 * * *  set -a; . /etc/shop.env; python /srv/shop/nightly.py shop.db

It prints nothing if all is well, so cron sends a mail only if somebody has
to know something.  It may run again at any time, also beside itself, and
takes a week each time, so it makes up for a night that failed: the store of
orders knows what was reported.

The query ``SOLD`` is an example: write one for your tables.

The exit code is 0 if all are reported, 1 if the next run goes on, 4 if
somebody has to look, and 2 if nothing could be sent.

If the shop exports a file, use `sesamy import` instead.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing

from sesamy_async import NewContract, Sesamy, SesamyError, User


# Without a store, each run would report the whole week again.
STORE = os.environ["SESAMY_IDEMPOTENCY"]
# With Postgres, use psycopg.connect(...); the rest is the same.
SOLD = """
SELECT promo_code, order_id, provider, method, email, name FROM sales
WHERE sold_at >= datetime('now', '-7 days') ORDER BY sold_at
"""
OUTAGE = 3  # After so many failures in a row, the next run goes on.


def sold(
    order_id: str, provider: str, method: str, email: str, name: str
) -> NewContract:
    """Make an order of a row; raises if it can't be sent."""
    return NewContract(
        external_order_id=order_id,
        payment_provider=provider,
        payment_method=method,
        user_data=User(email=email, full_name=name),
    )


def report(sesamy: Sesamy, shop: sqlite3.Connection) -> int:
    """Report all sales; print what failed, and return the exit code."""
    look = again = in_a_row = 0
    for promo_code, *row in shop.execute(SOLD):
        try:
            sesamy.contracts.onboard(promo_code, sold(*row))
        except SesamyError as error:
            # It says what to do, and nothing about the customer.
            print(f"{row[0]}: {error}")
            look += not error.retryable
            again += error.retryable
            in_a_row = in_a_row + 1 if error.retryable else 0
        else:
            in_a_row = 0
        if in_a_row == OUTAGE:
            break
    if look or again:
        print(f"{look} to look at; {again} or more left for the next run.")
    return 4 if look else 1 if again else 0


def main(path: str) -> int:
    """Report what the database has, if Sesamy lets us."""
    try:
        with (
            closing(sqlite3.connect(path)) as shop,
            Sesamy(idempotency=STORE) as sesamy,
        ):
            sesamy.ready()
            return report(sesamy, shop)
    except SesamyError as error:
        print(error)
        return 1 if error.retryable else 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
