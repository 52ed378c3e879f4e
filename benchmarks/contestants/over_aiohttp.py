"""Bare aiohttp."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

from benchmarks.payload import ORDER, Target

from .kinds import AsyncCall, AsyncContestant


_DEFAULT_LIMIT = 100


@asynccontextmanager
async def _open_async(
    target: Target, limit: int | None
) -> AsyncIterator[AsyncCall]:
    aiohttp = import_module("aiohttp")
    url = target.url
    connector = aiohttp.TCPConnector(limit=limit or _DEFAULT_LIMIT)
    async with aiohttp.ClientSession(
        connector=connector, headers=target.headers
    ) as session:

        async def call() -> str:
            async with session.post(url, json=ORDER) as response:
                contract: str = (await response.json())["id"]
                return contract

        yield call


AIOHTTP_ASYNC = AsyncContestant("aiohttp", "aiohttp", _open_async)
