"""Two clients around Rust's reqwest: pyreqwest and pyqwest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from typing import Any

from benchmarks.payload import ORDER, Target

from .kinds import AsyncCall, AsyncContestant, Call, Contestant


@asynccontextmanager
async def _open_pyreqwest_async(
    target: Target, limit: int | None
) -> AsyncIterator[AsyncCall]:
    module: Any = import_module("pyreqwest.client")
    url = target.url
    builder = module.ClientBuilder().default_headers(target.headers)
    async with builder.max_connections(limit).build() as client:

        async def call() -> str:
            response = await client.post(url).body_json(ORDER).build().send()
            contract: str = (await response.json())["id"]
            return contract

        yield call


@contextmanager
def _open_pyreqwest(target: Target, limit: int | None) -> Iterator[Call]:
    module: Any = import_module("pyreqwest.client")
    url = target.url
    builder = module.SyncClientBuilder().default_headers(target.headers)
    with builder.max_connections(limit).build() as client:

        def call() -> str:
            response = client.post(url).body_json(ORDER).build().send()
            contract: str = response.json()["id"]
            return contract

        yield call


@asynccontextmanager
async def _open_pyqwest_async(
    target: Target, limit: int | None
) -> AsyncIterator[AsyncCall]:
    module: Any = import_module("pyqwest")
    url, headers = target.url, target.headers
    async with module.HTTPTransport(**_limits(limit)) as transport:
        client = module.Client(transport)

        async def call() -> str:
            response = await client.post(url, headers, ORDER)
            contract: str = response.json()["id"]
            return contract

        yield call


@contextmanager
def _open_pyqwest(target: Target, limit: int | None) -> Iterator[Call]:
    module: Any = import_module("pyqwest")
    url, headers = target.url, target.headers
    # Its default is to keep two connections; eight threads share it.
    with module.SyncHTTPTransport(**_limits(limit or 100)) as transport:
        client = module.SyncClient(transport)

        def call() -> str:
            contract: str = client.post(url, headers, ORDER).json()["id"]
            return contract

        yield call


def _limits(limit: int | None) -> dict[str, int | None]:
    return {
        "max_connections_per_address": limit,
        "pool_max_idle_per_host": limit,
    }


PYREQWEST_ASYNC = AsyncContestant(
    "pyreqwest", "pyreqwest", _open_pyreqwest_async
)
PYREQWEST = Contestant("pyreqwest", "pyreqwest", _open_pyreqwest)
PYQWEST_ASYNC = AsyncContestant("pyqwest", "pyqwest", _open_pyqwest_async)
PYQWEST = Contestant("pyqwest", "pyqwest", _open_pyqwest)
