"""What is left of a client after many of its calls were cancelled.

This is what a web framework does when browsers leave.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
from time import perf_counter
from typing import Any

import attrs

from benchmarks.contestants.every import ASYNC, chosen
from benchmarks.contestants.kinds import AsyncCall, AsyncContestant
from benchmarks.payload import Target
from benchmarks.serving import serving
from benchmarks.task import Task


CAP = 5
AT_ONCE = 8
"""Some more than connections: those that wait are cancelled too."""

AFTER = 100
DELAY = 0.001
_LATEST = 2.5 * DELAY
_PATIENCE = 8.0


@attrs.frozen(kw_only=True)
class Aftermath:
    """What is left.

    Attributes:
        cancelled: How many calls were.
        seconds: How long that took.
        failures: How many of the calls after it failed.
        reasons: With what, and how often.
        sockets: How many more are open when the client is closed than
            before it was made; None where the system does not tell.
        tasks: How many more run than before.
    """

    cancelled: int
    seconds: float
    failures: int
    reasons: dict[str, int]
    sockets: int | None
    tasks: int


def run(task: Task) -> dict[str, Any]:
    """Return for each contestant what is left of it."""
    with serving(task.cores.server, delay=DELAY) as target:
        return {
            each.name: attrs.asdict(
                asyncio.run(_aftermath(each, task, target))
            )
            for each in chosen(ASYNC, task.names)
        }


async def _aftermath(
    contestant: AsyncContestant, task: Task, target: Target
) -> Aftermath:
    sockets, tasks = open_sockets(), len(asyncio.all_tasks())
    start = perf_counter()
    async with contestant.opening(target, CAP) as call:
        chance = random.Random(task.seed)  # noqa: S311 - to be repeatable
        cancelled = 0
        until = start + task.scale.cancel_seconds
        while cancelled < task.scale.cancellations and perf_counter() < until:
            cancelled += await _wave(call, chance)
        took = perf_counter() - start
        reasons = await _calls(call, task.scale.after_seconds)
    await asyncio.sleep(0.05)
    gc.collect()
    left = open_sockets()
    return Aftermath(
        cancelled=cancelled,
        seconds=took,
        failures=sum(reasons.values()),
        reasons=reasons,
        sockets=None if left is None or sockets is None else left - sockets,
        tasks=len(asyncio.all_tasks()) - tasks,
    )


async def _wave(call: AsyncCall, chance: random.Random) -> int:
    """Begin some calls, cancel each at some moment; return how many were."""
    loop = asyncio.get_running_loop()
    calls = [asyncio.ensure_future(call()) for _ in range(AT_ONCE)]
    for each in calls:
        loop.call_later(chance.uniform(0.0, _LATEST), each.cancel)
    await asyncio.wait(calls, timeout=_PATIENCE)
    # An error of a call that was not cancelled shows in the calls after.
    for each in calls:
        if each.done() and not each.cancelled():
            each.exception()
    return sum(each.cancelled() for each in calls)


async def _calls(call: AsyncCall, patience: float) -> dict[str, int]:
    """Make the calls after it; return what went wrong, and how often."""

    async def bounded() -> None:
        async with asyncio.timeout(patience):
            await call()

    ends = await asyncio.gather(
        *(bounded() for _ in range(AFTER)), return_exceptions=True
    )
    reasons: dict[str, int] = {}
    for end in ends:
        if end is not None:
            name = type(end).__name__
            reasons[name] = reasons.get(name, 0) + 1
    return reasons


def open_sockets() -> int | None:
    """Return how many sockets this process has, where that is known."""
    if sys.platform != "linux":
        return None
    count = 0
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - symlinks
        try:
            count += os.readlink(f"/proc/self/fd/{name}").startswith(  # noqa: PTH115
                "socket:"
            )
        except OSError:
            continue
    return count
