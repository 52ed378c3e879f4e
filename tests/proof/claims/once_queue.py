"""An onboarding as the task of a queue that delivers again."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import redis
from taskiq.kicker import AsyncKicker

from proof.claim import Claim, Row, Scale
from proof.kills.served import Served, served
from proof.once.judge import doubled
from proof.once.queue_worker import broker_of
from support.servers import Redis


_WORKERS = 2
_ORDERS, _KILLS = 300, 30
_BRIEF_ORDERS, _BRIEF_KILLS = 40, 3
_LIFE = (0.4, 1.4)  # Seconds from the start of a worker to its end.
_PATIENCE = 120.0
_FAULTS = {
    "delay:0.1": 0.5,
    "drop-after@create": 0.05,
    "drop-after@confirm": 0.05,
}
_PATH = os.pathsep.join(
    [str(Path(__file__).parents[2]), str(Path(__file__).parents[3])]
)


@attrs.define(eq=False)
class _Queue:
    """The queue, its workers, and what is to be done."""

    redis: str
    store: str
    sandbox: Served
    chance: random.Random
    workers: list[subprocess.Popen[bytes]] = attrs.field(
        factory=list[subprocess.Popen[bytes]]
    )
    kills: int = 0

    def work(self) -> None:
        """Start the workers that are missing."""
        self.workers = [each for each in self.workers if each.poll() is None]
        while len(self.workers) < _WORKERS:
            self.workers.append(
                subprocess.Popen(  # noqa: S603 - our own words
                    [
                        *(sys.executable, "-m", "proof.once.queue_worker"),
                        *(self.redis, self.store),
                    ],
                    env={
                        **os.environ,
                        **self.sandbox.settings,
                        "PYTHONPATH": _PATH,
                    },
                )
            )

    def kill(self) -> None:
        """Kill a worker."""
        victim = self.chance.choice(self.workers)
        victim.kill()
        victim.wait()
        self.kills += 1

    def close(self) -> None:
        """End the workers."""
        for each in self.workers:
            each.kill()
            each.wait()

    def deliver(self, name: str, many: list[tuple[Any, ...]]) -> None:
        """Put messages into the queue."""

        async def put() -> None:
            broker = broker_of(self.redis)
            await broker.startup()
            kicker: AsyncKicker[..., Any] = AsyncKicker(name, broker, {})
            for each in many:
                await kicker.kiq(*each)
            await broker.shutdown()

        asyncio.run(put())

    def pending(self) -> int:
        """Return how many messages were delivered and not acknowledged."""
        with redis.Redis.from_url(self.redis) as client:
            told: Any = client.xpending("taskiq", "taskiq")
            return int(told["pending"])

    def missing(self, orders: list[str]) -> list[str]:
        """Return the orders that nobody has access to."""
        known = self.sandbox.ledger()["orders"]
        return [
            each
            for each in orders
            if not any(it["confirmed"] for it in known.get(each, ()))
        ]


def _campaign(queue: _Queue, orders: list[str], kills: int) -> str | None:
    """Deliver all orders, kill workers, deliver all of them again."""
    tasks: list[tuple[Any, ...]] = [(each,) for each in orders]
    queue.deliver("onboard", tasks)
    latest = time.monotonic() + _PATIENCE
    again = False
    while time.monotonic() < latest:
        queue.work()
        if queue.kills < kills:
            time.sleep(queue.chance.uniform(*_LIFE))
            queue.kill()
            if queue.kills == kills // 2 and not again:
                queue.deliver("onboard", tasks)
                again = True
            continue
        queue.deliver("wake", [()])
        time.sleep(0.3)
        if not queue.pending() and not queue.missing(orders):
            break
    contracts = queue.sandbox.ledger()["orders"]
    missing = queue.missing(orders)
    if missing:
        return f"{len(missing)} orders are not confirmed, as {missing[0]}"
    return doubled(contracts, orders)


def _rows(scale: Scale) -> Iterator[Row]:
    many, kills = _ORDERS, _KILLS
    if scale.brief:
        many, kills = _BRIEF_ORDERS, _BRIEF_KILLS
    for run in range(scale.runs):
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            server = stack.enter_context(Redis())
            sandbox = stack.enter_context(
                served(Path(folder, "notes"), scale.seed + run, _FAULTS)
            )
            queue = _Queue(
                server.url, server.url, sandbox, scale.chance("queue", run)
            )
            stack.callback(queue.close)
            orders = [f"q{run}-{number}" for number in range(many)]
            problem = _campaign(queue, orders, kills)
            made = sandbox.ledger()["totals"]["contracts"]
            yield Row(
                what=f"seed {scale.seed + run}: {many} orders, {kills} kills",
                runs=many,
                violations=() if problem is None else (problem,),
                figure=f"{made - many} strays",
            )


CLAIM = Claim(
    name="once-queue",
    promise=(
        "Onboardings that are tasks of a queue (taskiq with Redis streams) "
        "end in one confirmed contract per order, although workers are killed "
        "and every message is delivered twice."
    ),
    rows=_rows,
    runs=3,
    short=1,
)
