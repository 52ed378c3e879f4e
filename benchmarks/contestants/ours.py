"""The SDK: from a `NewContract` to a `Contract`, through all layers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from benchmarks.payload import BEARER, ORDER, PROMO, VENDOR, Target
from sesamy_async import (
    AsyncSesamy,
    Connections,
    NewContract,
    Sesamy,
    StaticToken,
)

from .kinds import AsyncCall, AsyncContestant, Call, Contestant


@asynccontextmanager
async def _open_async(
    target: Target, limit: int | None
) -> AsyncIterator[AsyncCall]:
    order = NewContract.from_dict(ORDER)
    async with AsyncSesamy(
        VENDOR,
        auth=StaticToken(BEARER),
        base_url=target.base_url,
        rate_limit=None,
        transport=_connections(limit),
    ) as sesamy:

        async def call() -> str:
            return (await sesamy.contracts.create(PROMO, order)).id

        yield call


@contextmanager
def _open(target: Target, limit: int | None) -> Iterator[Call]:
    order = NewContract.from_dict(ORDER)
    with Sesamy(
        VENDOR,
        auth=StaticToken(BEARER),
        base_url=target.base_url,
        rate_limit=None,
        transport=_connections(limit),
    ) as sesamy:

        def call() -> str:
            return sesamy.contracts.create(PROMO, order).id

        yield call


def _connections(limit: int | None) -> Connections:
    return Connections() if limit is None else Connections(cap=limit)


OURS_ASYNC = AsyncContestant("sesamy-async", "sesamy_async", _open_async)
OURS = Contestant("sesamy-async", "sesamy_async", _open)
