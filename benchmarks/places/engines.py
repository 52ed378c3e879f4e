"""What the engines of examples/ take: memory, time, and orders per second.

Each runs alone, as its example says, on a Postgres as the store, a Redis as
the queue and the pace, and a sandbox without a rate limit.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import (
    AbstractAsyncContextManager,
    ExitStack,
    asynccontextmanager,
    contextmanager,
)
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias
from unittest.mock import patch

import attrs

from benchmarks.pairing import Matched, orders
from benchmarks.payload import PROMO, ROOT, VENDOR
from sesamy_async import NewContract, User
from sesamy_async.sandbox import Ledger, Sandbox, SandboxConfig, running

from .processes import family, proportional, resident, used
from .stores import Postgres, Redis, Server


HandOver: TypeAlias = Callable[[NewContract], Awaitable[object]]
"""Gives an order to an engine, which reports it in its own time."""

_SEED = 20261129
_PATIENCE = 120.0
_LOOK = 0.005  # Seconds between two looks at the ledger.
_REST = 0.1  # Seconds from an order to the next one.
_AT_ONCE = 10  # Orders handed over at a time.
# Imported before those that `support.temporal_example.settings` removes.
_NEEDED = (
    *("examples.sales", "examples.celery.tasks", "examples.taskiq.tasks"),
    "temporalio.client",
)


@attrs.frozen(kw_only=True)
class EngineScale:
    """How much is measured.

    A round has no more requests than the pace permits at once.

    Attributes:
        rounds: Of each engine, from the start of its worker.
        warm: Orders that are not measured.
        idle: Orders that come when nothing is to be done.
        backlog: Orders that wait when the worker begins.
    """

    rounds: int
    warm: int
    idle: int
    backlog: int


@attrs.frozen(kw_only=True)
class Engine:
    """An engine, and its worker.

    Attributes:
        connected: Opens what hands orders over to it.
        worker: The command of the example, for Python; none for a call of
            `onboard` by the caller itself.
        folder: Where it is run.
        variables: Of its environment.
    """

    connected: Callable[[], AbstractAsyncContextManager[HandOver]]
    worker: Sequence[str] = ()
    folder: Path = ROOT
    variables: Mapping[str, str] = attrs.field(factory=dict)


@asynccontextmanager
async def _direct() -> AsyncGenerator[HandOver]:
    # The client is that of a worker of taskiq.
    async with import_module("examples.taskiq.client").new_client() as sesamy:

        async def onboard(order: NewContract) -> None:
            await sesamy.contracts.onboard(PROMO, order)

        yield onboard


@asynccontextmanager
async def _taskiq() -> AsyncGenerator[HandOver]:
    tasks = import_module("examples.taskiq.tasks")
    await tasks.broker.startup()
    try:
        yield lambda order: tasks.report.kiq(order.external_order_id)
    finally:
        await tasks.broker.shutdown()


@asynccontextmanager
async def _celery() -> AsyncGenerator[HandOver]:
    report = import_module("examples.celery.tasks").report

    async def delay(order: NewContract) -> None:
        report.delay(order.external_order_id)

    yield delay


@asynccontextmanager
async def _temporal() -> AsyncGenerator[HandOver]:
    orders_, activities = map(
        import_module, ("temporal.orders", "temporal.activities")
    )
    client = await orders_.connect()
    yield lambda order: orders_.start(
        client, activities.Sale(VENDOR, PROMO, order.to_dict())
    )


_TEMPORAL = "Temporal"
ENGINES = {
    "none": Engine(connected=_direct),
    "taskiq": Engine(
        connected=_taskiq,
        worker=(
            *("-m", "taskiq", "worker", "examples.taskiq.tasks:broker"),
            *("--max-async-tasks", "10", "--wait-tasks-timeout", "10"),
            *("--shutdown-timeout", "15"),
        ),
    ),
    "Celery": Engine(
        connected=_celery,
        worker=(
            *("-m", "celery", "-A", "examples.celery.tasks", "worker"),
            *("--concurrency", "4"),
        ),
        variables={"REMAP_SIGTERM": "SIGQUIT"},
    ),
    _TEMPORAL: Engine(
        connected=_temporal,
        worker=("-m", "temporal.worker"),
        folder=ROOT / "examples",
    ),
}


def measured(scale: EngineScale) -> dict[str, Any]:
    """Measure one engine after the other, some times in another order."""
    sandbox = Sandbox(SandboxConfig(rate_limit=None, rate_limit_headers=False))
    with (
        Postgres(on_disk=True) as postgres,
        Redis(on_disk=True) as redis,
        running(sandbox) as url,
        patch.dict(
            os.environ,
            {
                **sandbox.environment(url),
                "PYTHONPATH": os.pathsep.join(
                    [str(ROOT), *filter(None, [os.getenv("PYTHONPATH")])]
                ),
                "SESAMY_IDEMPOTENCY": postgres.url,
                "SHOP_QUEUE": redis.url,
                "SHOP_PACE": redis.url,
            },
        ),
    ):
        servers = {"Postgres": postgres, "Redis": redis}
        return asyncio.run(_rounds(sandbox, servers, scale))


async def _rounds(
    sandbox: Sandbox, servers: Mapping[str, Server], scale: EngineScale
) -> dict[str, Any]:
    found: dict[str, Matched] = {name: defaultdict(list) for name in ENGINES}
    for turn in orders([*ENGINES], scale.rounds, _SEED):
        for name in turn:
            for each in servers.values():
                each.fresh()
            sandbox.reset()
            with ExitStack() as stack:
                run = stack.enter_context(
                    _running(name, sandbox.ledger, servers)
                )
                figures = await run.measure(scale)
            for what, values in figures.items():
                found[name][what] += values
    return {name: dict(each) for name, each in found.items()}


@contextmanager
def _running(
    name: str, ledger: Ledger, servers: Mapping[str, Server]
) -> Iterator[_Run]:
    """Start what an engine needs, and its worker."""
    engine = ENGINES[name]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        stack.enter_context(
            patch.dict(os.environ, {"SHOP_DATABASE": str(folder / "shop.db")})
        )
        if name == _TEMPORAL:
            servers = {**servers, _TEMPORAL: stack.enter_context(_server())}
        worker = None
        log = folder / "log"
        if engine.worker:
            worker = stack.enter_context(_worker(engine, log))
        yield _Run(engine, ledger, servers, worker, log)


@contextmanager
def _server() -> Iterator[Server]:
    """Start a Temporal, and let the example find it."""
    example = import_module("support.temporal_example")
    server = import_module("support.temporal_server").Temporal(on_disk=True)
    sesamy = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("SESAMY_")
    }
    with (
        server,
        example.settings(server, sesamy, sesamy["SESAMY_IDEMPOTENCY"]),
    ):
        yield server


@contextmanager
def _worker(engine: Engine, log: Path) -> Iterator[int]:
    """Run a worker as its example says; yield its first process."""
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, *engine.worker],
            cwd=engine.folder,
            env={**os.environ, **engine.variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@attrs.define
class _Run:
    """A worker, from its start to its end."""

    engine: Engine
    ledger: Ledger
    servers: Mapping[str, Server]
    worker: int | None
    log: Path

    async def measure(self, scale: EngineScale) -> Matched:
        """Let it report orders, one by one and all at once."""
        made = self._sold(scale.warm + scale.idle + scale.backlog)
        warm, idle = made[: scale.warm], made[scale.warm : -scale.backlog]
        async with self.engine.connected() as hand_over:
            await self._backlog(hand_over, warm)
            waits = [await self._wait(hand_over, each) for each in idle]
            figures = await self._backlog(hand_over, made[-scale.backlog :])
        return {"waits": waits, **figures, **self._memory()}

    def _sold(self, count: int) -> list[NewContract]:
        """Make orders, which are in the database of the shop."""
        sales = import_module("examples.sales")
        made = [
            NewContract(
                external_order_id=f"2026-{number:09}",
                payment_method="CARD",
                user_data=User(email="kim@example.se", full_name="Kim Åberg"),
            )
            for number in range(count)
        ]
        for each in made:
            sales.sell(PROMO, json.dumps(each.to_dict()))
        return made

    async def _wait(self, hand_over: HandOver, order: NewContract) -> float:
        """Return the seconds from handing an order over to its confirm."""
        await asyncio.sleep(_REST)
        start = time.time()  # As the ledger does.
        await hand_over(order)
        [end] = await self._confirmed([order])
        return end - start

    async def _backlog(
        self, hand_over: HandOver, made: list[NewContract]
    ) -> Matched:
        """Hand orders over while the worker is stopped, and let it go."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def give(order: NewContract) -> None:
            async with gate:
                await hand_over(order)

        pids = self._pids()
        before = {name: used(each) for name, each in pids.items()}
        self._signal(signal.SIGSTOP)
        await asyncio.gather(*map(give, made))
        self._signal(signal.SIGCONT)
        ends = sorted(await self._confirmed(made))
        await asyncio.sleep(_REST)
        return {
            "rates": [rate(ends)],
            **{
                f"processor: {name}": [(used(each) - before[name]) / len(made)]
                for name, each in pids.items()
            },
        }

    def _signal(self, number: signal.Signals) -> None:
        if self.worker is not None:
            os.killpg(self.worker, number)

    async def _confirmed(self, made: list[NewContract]) -> list[float]:
        """Wait until all are confirmed, once; return when they were."""
        until = time.monotonic() + _PATIENCE
        ends: list[float] = []
        for each in made:
            while not (found := self._of(each)):
                if time.monotonic() > until:
                    raise TimeoutError(self.log.read_text("utf-8")[-4_000:])
                await asyncio.sleep(_LOOK)
            [end] = found
            ends.append(end)
        return ends

    def _of(self, order: NewContract) -> list[float]:
        contracts = self.ledger.confirmed(order.external_order_id)
        return [each.confirmed_at or 0.0 for each in contracts]

    def _pids(self) -> dict[str, list[int]]:
        pids = {name: family(each.pid) for name, each in self.servers.items()}
        if self.worker is not None:
            pids["worker"] = family(self.worker)
        return pids

    def _memory(self) -> Matched:
        pids = self._pids()
        return {
            "processes": [float(len(pids.get("worker", ())))],
            **{f"resident: {it}": [resident(pids[it])] for it in pids},
            **{f"proportional: {it}": [proportional(pids[it])] for it in pids},
        }


def rate(ends: Sequence[float]) -> float:
    """Return how many were done per second, from the first one on.

    What comes before the first one is how long a worker takes to notice.

    Args:
        ends: When each was done, in order; more than one.
    """
    return (len(ends) - 1) / (ends[-1] - ends[0])
