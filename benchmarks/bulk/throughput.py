"""Orders per second, with a journal and without, in interleaved blocks."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import attrs

from benchmarks.machine import Cores, pin
from benchmarks.pairing import Matched, Spread, orders, ratios
from benchmarks.payload import PROMO
from benchmarks.serving import serving
from sesamy_async.bulk import Mistaken
from sesamy_async.bulk.reading import open_source

from .apart import apart
from .importing import client, plan, run, write_orders


_AT_ONCE = 50
_SEED = 20261124


@attrs.frozen(kw_only=True)
class Throughput:
    """What a journal costs.

    Attributes:
        with_journal: Orders per second of an import.
        without: Orders per second of the same calls alone.
        ratio: The one divided by the other, block by block.
        processor: The same, per second of processor time of the client.
    """

    with_journal: Spread
    without: Spread
    ratio: Spread
    processor: Spread


def measure(orders_per_block: int, blocks: int) -> Throughput:
    """Import the same orders again and again, and only send them, too.

    In a process of its own, on a core of its own.
    """
    return apart(_measure, orders_per_block, blocks)


def _measure(orders_per_block: int, blocks: int) -> Throughput:
    cores = Cores.choose()
    pin(cores.client)
    wall: Matched = {"journal": [], "alone": []}
    processor: Matched = {"journal": [], "alone": []}
    with (
        serving(cores.server, own=True) as target,
        TemporaryDirectory(dir=Path.cwd()) as folder,
    ):
        file = Path(folder) / "orders.csv"
        write_orders(file, orders_per_block)
        for order in orders(["journal", "alone"], blocks, _SEED):
            for name in order:
                gc.collect()
                of = _import if name == "journal" else _alone
                seconds, used = of(file, target.base_url)
                wall[name].append(orders_per_block / seconds)
                processor[name].append(orders_per_block / used)
    return Throughput(
        with_journal=Spread.of(wall["journal"]),
        without=Spread.of(wall["alone"]),
        ratio=Spread.of(ratios(wall["journal"], wall["alone"])),
        processor=Spread.of(ratios(processor["journal"], processor["alone"])),
    )


def _import(file: Path, base_url: str) -> tuple[float, float]:
    async def go() -> tuple[float, float]:
        async with client(base_url) as sesamy:
            used = process_time()
            ran = await run(file, journal, sesamy, _AT_ONCE)
            used = process_time() - used
        assert ran.summary.confirmed == ran.summary.rows
        return ran.seconds, used

    with plan(file, base_url) as journal:
        measured = asyncio.run(go())
        journal.purge()
    return measured


def _alone(file: Path, base_url: str) -> tuple[float, float]:
    """Read the same rows and make the same calls, and note nothing."""
    source = open_source(file)

    async def go() -> tuple[float, float]:
        sales = (source.read(record) for record in source.records())
        async with client(base_url) as sesamy:

            async def work() -> None:
                for sale in sales:
                    assert not isinstance(sale, Mistaken)
                    made = await sesamy.contracts.create(PROMO, sale.order)
                    await sesamy.contracts.confirm(PROMO, made.id)

            used, start = process_time(), perf_counter()
            async with asyncio.TaskGroup() as group:
                for _ in range(_AT_ONCE):
                    group.create_task(work())
            return perf_counter() - start, process_time() - used

    return asyncio.run(go())
