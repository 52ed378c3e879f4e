"""Async, one call at a time."""

from __future__ import annotations

import asyncio
import gc
from contextlib import AsyncExitStack
from time import perf_counter
from typing import Any

from benchmarks.contestants.every import ASYNC, chosen
from benchmarks.contestants.kinds import AsyncCall
from benchmarks.pairing import Matched, orders
from benchmarks.payload import CONTRACT_ID, Target
from benchmarks.serving import serving
from benchmarks.task import Task


def run(task: Task) -> dict[str, Any]:
    """Return seconds per call for each contestant and block."""
    with serving(task.cores.server, program=task.program) as target:
        return {"seconds": asyncio.run(_measure(task, target))}


async def _measure(task: Task, target: Target) -> Matched:
    scale = task.scale
    async with AsyncExitStack() as stack:
        calls: dict[str, AsyncCall] = {}
        for each in chosen(ASYNC, task.names):
            opened = each.opening(target, None)
            calls[each.name] = await stack.enter_async_context(opened)
        for call in calls.values():
            for _ in range(scale.warm_calls):
                assert await call() == CONTRACT_ID
        # What all the peers have imported is no garbage of anybody's.
        gc.collect()
        gc.freeze()
        series: Matched = {name: [] for name in calls}
        for order in orders([*calls], scale.blocks, task.seed):
            for name in order:
                took = await _block(calls[name], scale.calls)
                series[name].append(took / scale.calls)
        return series


async def _block(call: AsyncCall, count: int) -> float:
    # Nobody pays for the garbage of another; everybody for their own.
    gc.collect()
    start = perf_counter()
    for _ in range(count):
        await call()
    return perf_counter() - start
