"""Async, many calls at once: how many end in a second."""

from __future__ import annotations

import asyncio
import gc
from time import perf_counter
from typing import Any

from benchmarks.contestants.every import ASYNC, chosen
from benchmarks.contestants.kinds import AsyncCall, AsyncContestant
from benchmarks.pairing import Matched, orders
from benchmarks.payload import Target
from benchmarks.scale import Scale
from benchmarks.serving import serving
from benchmarks.task import Task


_OURS = "sesamy-async"
_PATIENCE = 5.0


def run(task: Task) -> dict[str, Any]:
    """Return calls per second for each contestant, level and block."""
    with serving(task.cores.server, program=task.program) as target:
        contestants = {each.name: each for each in chosen(ASYNC, task.names)}
        rates: dict[str, Matched] = {}
        errors: dict[str, int] = {}
        for level in task.scale.levels:
            found: Matched = {}
            [order] = orders([*contestants], 1, task.seed + level)
            for name in order:
                run_of = Run(contestants[name], task.scale)
                found[name] = [asyncio.run(run_of.rate(target, level))]
                errors[name] = errors.get(name, 0) + run_of.errors
            rates[str(level)] = found
        return {"rates": rates, "errors": errors}


class Run:
    """Some seconds of one contestant with a fresh client.

    Bounded by time and not by a count, for with hundreds at once some need
    minutes for a few thousand calls.

    Args:
        contestant: Who runs.
        scale: How long.
    """

    def __init__(self, contestant: AsyncContestant, scale: Scale) -> None:
        self._contestant = contestant
        self._scale = scale
        self._done = 0
        self._over = False
        self.errors = 0

    async def rate(self, target: Target, level: int) -> float:
        """Return calls per second with so many at once."""
        # Peers get the limit that suits them best; ours is its default.
        limit = None if self._contestant.name == _OURS else level
        gc.collect()
        async with self._contestant.opening(target, limit) as call:
            tasks = [
                asyncio.create_task(self._work(call)) for _ in range(level)
            ]
            await asyncio.sleep(self._scale.warm)
            before, start = self._done, perf_counter()
            await asyncio.sleep(self._scale.window)
            done, took = self._done - before, perf_counter() - start
            # Some clients swallow a cancellation now and then.
            self._over = True
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=_PATIENCE)
        return done / took

    async def _work(self, call: AsyncCall) -> None:
        while not self._over:
            try:
                await call()
            except Exception:  # noqa: BLE001 - whatever it is, it counts
                self.errors += 1
                await asyncio.sleep(0)
            else:
                self._done += 1
