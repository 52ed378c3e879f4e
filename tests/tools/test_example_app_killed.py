"""The FastAPI example under gunicorn: killed, and posted to again."""

from __future__ import annotations

import asyncio
import json
import os
import threading

import attrs
import httpx
import pytest

from support.examples import EXAMPLES, KEY, PATIENCE, Examples
from support.gunicorn import Service, served, wait_until
from support.servers import Postgres


pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="gunicorn needs forks"
)
SALES = "/sales/SPRING-12"
IDS = [f"K-{number}" for number in range(20)]
WORKERS = 2


def sale(order_id: str) -> str:
    """Return the body of a sale."""
    user = {"email": f"{order_id.lower()}@example.se"}
    return json.dumps(
        {
            "externalOrderId": order_id,
            "paymentProvider": "KLARNA",
            "paymentMethod": "CARD",
            "userData": user,
        }
    )


async def post(url: str, order_ids: list[str]) -> list[tuple[int, str]]:
    """Post sales, all at once; return status and contract, or 0."""

    async def one(client: httpx.AsyncClient, body: str) -> tuple[int, str]:
        try:
            answer = await client.post(f"{url}{SALES}", content=body)
        except httpx.TransportError:
            return 0, ""  # Its worker was killed.
        return answer.status_code, answer.json()["contract_id"]

    headers = {"Content-Type": "application/json", **KEY}
    async with httpx.AsyncClient(timeout=PATIENCE, headers=headers) as client:
        bodies = map(sale, order_ids)
        return await asyncio.gather(*(one(client, each) for each in bodies))


def kill_in_the_middle(examples: Examples, service: Service) -> None:
    """Kill the workers when some contracts are made, and few confirmed."""
    ledger = examples.sandbox.ledger
    wait_until(lambda: ledger.total >= len(IDS) / 2)
    # One of them may have got no sale.
    for worker in service.workers[:WORKERS]:
        service.kill(worker)


def tell_once(examples: Examples) -> None:
    """Post sales, kill the workers, post all again, and see the ledger."""
    for on in ("create", "confirm"):
        examples.sandbox.faults.add("delay:0.5", times=len(IDS), on=on)
    with served(
        "fastapi_app:app", examples.environment, folder=EXAMPLES, count=WORKERS
    ) as service:
        killing = threading.Thread(
            target=kill_in_the_middle, args=[examples, service]
        )
        killing.start()
        first = asyncio.run(post(service.url, IDS))
        killing.join()
        again = asyncio.run(post(service.url, IDS * 2))
    ledger = examples.sandbox.ledger
    contracts = {
        order_id: [each.id for each in ledger.confirmed(order_id)]
        for order_id in IDS
    }

    assert 0 in {status for status, _ in first}
    assert {200, 201} >= {status for status, _ in again}
    assert all(len(each) == 1 for each in contracts.values())
    assert [*contracts.values()] * 2 == [[each] for _, each in again]
    assert not any("Traceback" in line for line in service.log)


def test_killed_over_a_file(examples: Examples) -> None:
    """What the README shows: one confirmed contract for each sale."""
    tell_once(examples)


def test_killed_over_a_server(examples: Examples, postgres: Postgres) -> None:
    """The same, where only the URL is another one."""
    store = {"SESAMY_IDEMPOTENCY": postgres.url}
    tell_once(
        attrs.evolve(examples, environment={**examples.environment, **store})
    )
