"""Orders as Temporal workflows, whose workers are killed."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any

import attrs
import httpx

from proof.claim import Claim, Row, Scale
from proof.kills.served import Served, served
from proof.memory import folder_in_memory
from proof.once.judge import doubled
from proof.temporal_workers import Workers, workers
from support.temporal_example import readable, sale, service, settings
from support.temporal_server import Temporal


# Orders, workers at a time, kills of one, restarts of the server.
_SIZE = (500, 2, 50, 2)
_BRIEF = (6, 1, 2, 1)
_PATIENCE = 300.0
_LOOK = 0.3  # Seconds between two looks at the ledger.
_AWAY = 3.0  # Seconds without any worker: longer than a heartbeat may take.
_FAULTS = {
    "delay:0.1": 0.5,
    "drop-after@create": 0.05,
    "drop-after@confirm": 0.05,
    "status:503": 0.02,
}


@attrs.define(eq=False)
class _Campaign:
    """A service, its workers, and those who end them."""

    server: Temporal
    sandbox: Served
    workers: Workers
    many: int
    looking: httpx.Client
    until: float = attrs.field(factory=lambda: time.monotonic() + _PATIENCE)

    async def run(self, orders: list[str], kills: int, restarts: int) -> None:
        """Post orders in as many parts as there are kills, and kill."""
        async with service() as (shop, client):
            for number in range(kills):
                # At half-time there is one only, which never comes back.
                alone = number == kills // 2
                many = 1 if alone else self.many
                # Those at work may have done all that is posted by its end.
                before = self.made
                await self.post(shop, orders[number::kills])
                await self.begun(many, before)
                self.workers.kill()
                if alone:
                    await asyncio.sleep(_AWAY)
                if number in range(0, kills, -(-kills // restarts)):
                    (self.server.stop if number else self.server.kill)()
                    self.server.start()
            self.workers.work(self.many)
            await self.ended(client, orders)
            assert 0 == await self.workers.stop()

    async def post(self, shop: httpx.AsyncClient, orders: list[str]) -> None:
        """Post orders, each of them twice, until they are taken."""
        for each in [*orders, *orders]:
            while True:
                answer = await shop.post(
                    "/sales/SPRING-12", content=sale(each)
                )
                if answer.status_code == HTTPStatus.ACCEPTED:
                    break
                assert time.monotonic() < self.until, answer.text
                await asyncio.sleep(0.5)

    async def begun(self, many: int, before: int) -> None:
        """Let so many work until something is made that was not there."""
        async with asyncio.timeout(self.until - time.monotonic()):
            while True:
                # One that finds no server at its start ends.
                self.workers.work(many)
                if self.made != before:
                    break
                await asyncio.sleep(_LOOK)

    @property
    def made(self) -> int:
        """How many contracts there are."""
        # One client for all looks, which are many.
        url = f"{self.sandbox.url}/_sandbox/ledger"
        made: int = self.looking.get(url).json()["totals"]["contracts"]
        return made

    async def ended(self, client: Any, orders: list[str]) -> None:
        """Wait until no workflow of an order is left."""
        find = importlib.import_module("temporal.orders").find
        async with asyncio.timeout(self.until - time.monotonic()):
            for each in orders:
                await find(client, "acme", each).result()


def _rows(scale: Scale) -> Iterator[Row]:
    many, at_once, kills, restarts = _BRIEF if scale.brief else _SIZE
    for run in range(scale.runs):
        orders = [f"t{run}-{number}" for number in range(many)]
        seed = scale.seed + run
        found, figure = _run(seed, orders, at_once, kills, restarts)
        yield Row(
            what=f"seed {seed}: {many} orders, {kills} kills, "
            f"{restarts} restart{'s' * (restarts > 1)}",
            runs=many,
            violations=found,
            figure=figure,
        )


def _run(
    seed: int, orders: list[str], many: int, kills: int, restarts: int
) -> tuple[tuple[str, ...], str]:
    """Return what broke the promise, and what was measured."""
    with ExitStack() as stack:
        folder = stack.enter_context(folder_in_memory())
        sandbox = stack.enter_context(
            served(Path(folder, "notes"), seed, _FAULTS)
        )
        server = stack.enter_context(Temporal())
        store = f"sqlite://{folder}/orders.db"
        stack.enter_context(settings(server, sandbox.settings, store))
        forked = stack.enter_context(workers())
        looking = stack.enter_context(httpx.Client())
        campaign = _Campaign(server, sandbox, forked, many, looking)
        began = time.monotonic()
        stuck = None
        try:
            asyncio.run(campaign.run(orders, kills, restarts))
        except TimeoutError:
            stuck = "a workflow has not ended"
        took = time.monotonic() - began
        contracts = sandbox.ledger()["orders"]
        missing = [
            each
            for each in orders
            if not any(it["confirmed"] for it in contracts.get(each, ()))
        ]
        personal = readable(server)
        found = (
            stuck,
            doubled(contracts, orders),
            f"{missing[0]} is lost" if missing else None,
            f"readable: {personal}" if personal else None,
        )
        strays = campaign.made - len(orders)
        size = sum(each.stat().st_size for each in server.database) / 1e6
    figure = f"{strays} strays; {took:.0f} s; database {size:.0f} MB"
    return tuple(filter(None, found)), figure


CLAIM = Claim(
    name="temporal",
    promise=(
        "Orders that are Temporal workflows (examples/temporal) end in one "
        "confirmed contract each, although workers are killed, once all of "
        "them for good, and the server is restarted. None is doubled, lost or "
        "stuck, and no personal data can be read in the server's database."
    ),
    rows=_rows,
    runs=1,
    short=1,
)
