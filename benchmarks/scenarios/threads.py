"""Blocking, several threads that share one client."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from time import perf_counter
from typing import Any

from benchmarks.contestants.every import BLOCKING, chosen
from benchmarks.contestants.kinds import Call
from benchmarks.pairing import Matched, orders
from benchmarks.payload import Target
from benchmarks.scale import Scale
from benchmarks.serving import serving
from benchmarks.task import Task


def run(task: Task) -> dict[str, Any]:
    """Return calls per second, all threads together."""
    with serving(task.cores.server, program=task.program) as target:
        return {"rates": _measure(task, target)}


def _measure(task: Task, target: Target) -> Matched:
    scale = task.scale
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(scale.threads))
        calls = {
            each.name: stack.enter_context(each.opening(target, None))
            for each in chosen(BLOCKING, task.names)
        }
        for call in calls.values():
            _block(pool, call, scale)
        gc.collect()
        gc.freeze()
        series: Matched = {name: [] for name in calls}
        for order in orders([*calls], scale.thread_blocks, task.seed):
            for name in order:
                series[name].append(_block(pool, calls[name], scale))
        return series


def _block(pool: ThreadPoolExecutor, call: Call, scale: Scale) -> float:
    gc.collect()
    starts: list[float] = []
    # Not this thread, which may wake up when the calls are over.
    barrier = Barrier(
        scale.threads, action=lambda: starts.append(perf_counter())
    )

    def work() -> None:
        barrier.wait()
        for _ in range(scale.thread_calls):
            call()

    running = [pool.submit(work) for _ in range(scale.threads)]
    for each in running:
        each.result()
    return scale.threads * scale.thread_calls / (perf_counter() - starts[0])
