"""Do once what every process would do at its first order."""

from __future__ import annotations

import tempfile
from functools import partial
from importlib import import_module
from pathlib import Path

import anyio

from sesamy_async import AsyncSesamy
from sesamy_async.bulk import Sale, Source
from sesamy_async.bulk.check import check
from sesamy_async.bulk.reading import open_source
from sesamy_async.sandbox import Sandbox, SandboxConfig
from support.sandbox_settings import arguments

from .orders import write_orders


def warm_up() -> None:
    """Load and compile what is needed; no thread and no file is left."""
    import_module("sesamy_async._http.anyio_stream")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "orders.csv")
        write_orders(path, "warm")
        source = open_source(path)
        with check(source, promo_code="SPRING-12") as checked:
            list(checked.planned())
        for backend in ("asyncio", "trio"):
            anyio.run(partial(_sell, source), backend=backend)


async def _sell(source: Source) -> None:
    sandbox = Sandbox(SandboxConfig(rate_limit=None))
    async with AsyncSesamy(
        **arguments(sandbox.environment()),
        transport=sandbox.transport(),
    ) as client:
        for record in source.records():
            sale = source.read(record)
            assert isinstance(sale, Sale)
            await client.contracts.onboard("SPRING-12", sale.order)
