"""The outbox example: its relays are killed, on a real Postgres."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import attrs
import psycopg
import pytest
from psycopg.rows import tuple_row

from support.examples import BY_CARD, PERSONAL, Examples, wait_for, wait_until
from support.servers import Postgres


IDS = [f"O-{number}" for number in range(6)]
SELL = """
INSERT INTO outbox (order_id, promo_code, body) VALUES (%s, 'SPRING-12', %s)
"""


@attrs.frozen
class Shop:
    """A shop's database, and what is run over it."""

    examples: Examples
    database: psycopg.Connection[tuple[Any, ...]]

    def sell(self, *order_ids: str) -> None:
        """Sell orders that are paid by card."""
        for each in order_ids:
            body = {**json.loads(BY_CARD), "externalOrderId": each}
            self.database.execute("INSERT INTO sales VALUES (%s)", [each])
            self.database.execute(SELL, [each, json.dumps(body)])

    def killed_when(self, true: Callable[[], bool]) -> None:
        """Run a relay until something is true, and kill it."""
        with self.examples.started("outbox.py", "relay") as process:
            wait_until(true)
            process.kill()
        # As if the half minute had passed.
        self.database.execute("UPDATE outbox SET due = now()")

    def drain(self, relays: int = 1) -> str:
        """Run relays until nothing is due; return what they said."""
        with ExitStack() as stack:
            running = [
                stack.enter_context(
                    self.examples.started("outbox.py", "relay")
                )
                for _ in range(relays)
            ]
            wait_until(lambda: not self.rows("outbox WHERE problem IS NULL"))
            for each in running:
                each.send_signal(signal.SIGTERM)
            ended = [wait_for(each) for each in running]
        codes = {each.code for each in ended}
        # One may hear the signal before it has begun to listen.
        assert {0} <= codes <= {0, -signal.SIGTERM}
        return "".join(each.err for each in ended)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """Return all rows of a table."""
        query = f"SELECT * FROM {table}"  # noqa: S608 - ours
        return self.database.execute(query.encode()).fetchall()


@pytest.fixture
def shop(examples: Examples, postgres: Postgres) -> Iterator[Shop]:
    """Make the tables in an empty database."""
    more = {"SHOP_DATABASE": postgres.url, "SESAMY_IDEMPOTENCY": ""}
    examples = attrs.evolve(
        examples, environment={**examples.environment, **more}
    )
    assert (0, "", "") == examples.run("outbox.py", "setup")
    with psycopg.connect(
        postgres.url, autocommit=True, row_factory=tuple_row
    ) as database:
        yield Shop(examples, database)


def test_killed_relays(shop: Shop) -> None:
    """Each order gets one contract, whose id is written to the sale.

    The first relay is killed before it knows the contracts that it created,
    the second one before it writes down what it has confirmed.
    """
    sandbox = shop.examples.sandbox
    sandbox.faults.add("delay:1", times=len(IDS), on="create")
    sandbox.faults.add("delay:1", times=len(IDS), on="confirm")
    shop.sell(*IDS)
    shop.killed_when(lambda: sandbox.ledger.total >= len(IDS))
    shop.killed_when(lambda: shop.examples.once(IDS[0]))
    shop.drain(relays=2)
    contracts = {
        order_id: contract.id
        for order_id in IDS
        for contract in sandbox.ledger.confirmed(order_id)
    }

    assert shop.examples.once(*IDS)
    assert contracts == dict(shop.rows("sales"))
    assert [] == shop.rows("outbox")


def test_what_a_person_must_look_at(shop: Shop) -> None:
    """It stays in the outbox with its problem, and can be due again."""
    shop.examples.sandbox.faults.add("status:422", on="create")
    sold = shop.examples.run("outbox.py", "sell")
    said = shop.drain()
    ((order_id, *_, problem),) = shop.rows("outbox")
    shop.database.execute("UPDATE outbox SET problem = NULL, due = now()")
    shop.drain()

    assert (0, "", "") == sold
    assert str(problem) in said
    assert "Sesamy does not accept the order as it is" in said
    assert not PERSONAL.search(said)
    assert shop.examples.once(str(order_id))
    assert all(contract for _, contract in shop.rows("sales"))
