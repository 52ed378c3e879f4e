"""Callers that post sales, leave, and post them again until they are done."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus

import attrs
import httpx

from proof.once.job import Kind, Said


_AT_ONCE = 40
_LEAVING = 0.15  # Of the posts.
_TWICE = 0.15  # Of the sales, at once.
_LONGEST = 0.1  # Seconds until somebody leaves.
_PAUSE = 0.2
_LATEST = 240.0  # Seconds for all of it.
_DONE = {HTTPStatus.OK, HTTPStatus.CREATED}
_AGAIN = {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}


@attrs.define
class Crowd:
    """All that post to one service.

    Attributes:
        url: Where it is.
        chance: Of who leaves, and when.
        said: What the service answered to sales that are done.
        odd: Answers that are neither "done" nor "again".
        counts: Posts by what came of them.
    """

    url: str
    chance: random.Random
    said: list[Said] = attrs.field(factory=list[Said])
    odd: list[str] = attrs.field(factory=list[str])
    counts: Counter[str] = attrs.field(factory=Counter[str])

    def post(self, orders: Sequence[str]) -> None:
        """Post sales until all are done."""
        asyncio.run(self._all(orders))

    async def _all(self, orders: Sequence[str]) -> None:
        places = asyncio.Semaphore(_AT_ONCE)
        limits = httpx.Limits(max_connections=None)
        async with (
            asyncio.timeout(_LATEST),
            httpx.AsyncClient(timeout=30.0, limits=limits) as client,
            asyncio.TaskGroup() as group,
        ):
            for order in orders:
                twice = self.chance.random() < _TWICE
                for _ in range(1 + twice):
                    group.create_task(self._until_done(client, order, places))

    async def _until_done(
        self, client: httpx.AsyncClient, order: str, places: asyncio.Semaphore
    ) -> None:
        async with places:
            while not await self._once(client, order):  # noqa: ASYNC110
                await asyncio.sleep(self.chance.uniform(0.0, _PAUSE))

    async def _once(self, client: httpx.AsyncClient, order: str) -> bool:
        leaves = self.chance.random() < _LEAVING
        stays = self.chance.uniform(0.0, _LONGEST) if leaves else None
        try:
            async with asyncio.timeout(stays):
                answer = await client.post(
                    f"{self.url}/sales/SPRING-12", json=sale(order)
                )
        except TimeoutError:
            self.counts["left"] += 1
            return False
        except httpx.TransportError:
            self.counts["cut off"] += 1
            return False
        self.counts[str(answer.status_code)] += 1
        if answer.status_code in _DONE:
            contract = answer.json()["contract_id"]
            self.said.append(
                Said(
                    order=order,
                    kind=Kind.ONBOARD,
                    done=True,
                    contract=contract,
                )
            )
            return True
        if answer.status_code not in _AGAIN:
            self.odd.append(f"{order}: {answer.status_code} {answer.text}")
            return True
        return False


def sale(order: str) -> dict[str, object]:
    """Return a sale."""
    return {
        "externalOrderId": order,
        "paymentProvider": "KLARNA",
        "paymentMethod": "CARD",
        "userData": {"email": f"{order.lower()}@example.se"},
    }


def unconfirmed(said: Sequence[Said], orders: Sequence[str]) -> str | None:
    """Return which order nobody was told to be done, if one."""
    done = {each.order for each in said}
    lost = [each for each in orders if each not in done]
    return f"lost: {lost}" if lost else None
