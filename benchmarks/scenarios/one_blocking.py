"""Blocking, one call at a time."""

from __future__ import annotations

import gc
from contextlib import ExitStack
from time import perf_counter
from typing import Any

from benchmarks.contestants.every import BLOCKING, chosen
from benchmarks.contestants.kinds import Call
from benchmarks.pairing import Matched, orders
from benchmarks.payload import CONTRACT_ID, Target
from benchmarks.serving import serving
from benchmarks.task import Task


def run(task: Task) -> dict[str, Any]:
    """Return seconds per call for each contestant and block."""
    with serving(task.cores.server, program=task.program) as target:
        return {"seconds": _measure(task, target)}


def _measure(task: Task, target: Target) -> Matched:
    scale = task.scale
    with ExitStack() as stack:
        calls = {
            each.name: stack.enter_context(each.opening(target, None))
            for each in chosen(BLOCKING, task.names)
        }
        for call in calls.values():
            for _ in range(scale.warm_calls):
                assert call() == CONTRACT_ID
        # What all the peers have imported is no garbage of anybody's.
        gc.collect()
        gc.freeze()
        series: Matched = {name: [] for name in calls}
        for order in orders([*calls], scale.blocks, task.seed):
            for name in order:
                took = _block(calls[name], scale.calls)
                series[name].append(took / scale.calls)
        return series


def _block(call: Call, count: int) -> float:
    # Nobody pays for the garbage of another; everybody for their own.
    gc.collect()
    start = perf_counter()
    for _ in range(count):
        call()
    return perf_counter() - start
