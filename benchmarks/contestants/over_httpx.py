"""Bare httpx, also over our connections, and httpx2, which is like it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from importlib import import_module
from typing import Any

from benchmarks.payload import ORDER, Target
from sesamy_async import AsyncPoolTransport

from .kinds import AsyncCall, AsyncContestant, Call, Contestant


@asynccontextmanager
async def _open_async(
    module: str, target: Target, limit: int | None, *, ours: bool = False
) -> AsyncIterator[AsyncCall]:
    httpx = import_module(module)
    url = target.url
    given = (
        {"transport": AsyncPoolTransport()} if ours else _limits(httpx, limit)
    )
    async with httpx.AsyncClient(headers=target.headers, **given) as client:

        async def call() -> str:
            response = await client.post(url, json=ORDER)
            contract: str = response.json()["id"]
            return contract

        yield call


@contextmanager
def _open(module: str, target: Target, limit: int | None) -> Iterator[Call]:
    httpx = import_module(module)
    url = target.url
    with httpx.Client(
        headers=target.headers, **_limits(httpx, limit)
    ) as client:

        def call() -> str:
            contract: str = client.post(url, json=ORDER).json()["id"]
            return contract

        yield call


def _limits(httpx: Any, limit: int | None) -> dict[str, Any]:
    if limit is None:
        return {}
    return {
        "limits": httpx.Limits(
            max_connections=limit, max_keepalive_connections=limit
        )
    }


HTTPX_ASYNC = AsyncContestant("httpx", "httpx", partial(_open_async, "httpx"))
HTTPX_OURS_ASYNC = AsyncContestant(
    "httpx on AsyncPoolTransport",
    "httpx",
    partial(_open_async, "httpx", ours=True),
)
HTTPX2_ASYNC = AsyncContestant(
    "httpx2", "httpx2", partial(_open_async, "httpx2")
)
HTTPX = Contestant("httpx", "httpx", partial(_open, "httpx"))
HTTPX2 = Contestant("httpx2", "httpx2", partial(_open, "httpx2"))
