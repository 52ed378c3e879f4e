"""What each of the processes does that share a rate."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import anyio
import attrs

from sesamy_async import (
    AsyncSesamy,
    NewContract,
    RateLimit,
    Sesamy,
    SesamyError,
    User,
)
from sesamy_async.redis import RedisPacer
from sesamy_async.sandbox import Sandbox, SandboxConfig
from support.sandbox_settings import arguments

from .job import Job, Keeping, Kind, Made, Worker


_PROMO = "SPRING-12"
_AFTER_AN_ERROR = 0.2

Tell = Callable[[Made], None]


def work(job: Job, worker: Worker, tell: Tell) -> None:
    """Do what a worker has to do."""
    pace = _pace(job)
    settings: dict[str, Any] = {
        **arguments(job.settings),
        "deadline": job.deadline,
        "rate_limit": pace,
        "idempotency": False,
    }
    doing = _Doing(job, worker, tell)
    if worker.world == "blocking":
        doing.block(settings)
    else:
        anyio.run(doing.run, settings)
    if isinstance(pace, RedisPacer):
        pace.close()


def _pace(job: Job) -> Any:
    match job.keeping:
        case Keeping.SHARED:
            return RedisPacer(job.redis, job.limit, name=job.pace)
        case Keeping.FALLBACK:
            share = _share(job)
            return RedisPacer(
                job.redis, job.limit, name=job.pace, fallback=share
            )
        case Keeping.SHARE:
            return _share(job)
        case Keeping.WHOLE:
            return job.limit


def _share(job: Job) -> RateLimit:
    return job.limit.share(len(job.workers))


@attrs.define(eq=False)
class _Doing:
    job: Job
    worker: Worker
    tell: Tell

    def block(self, settings: Any) -> None:
        with Sesamy(**settings) as client:
            time.sleep(_until(self.job.start))
            with ThreadPoolExecutor(self.worker.at_once) as pool:
                begun = [
                    pool.submit(self._block, client, number)
                    for number in range(self.worker.at_once)
                ]
                for each in begun:
                    each.result()

    def _block(self, client: Sesamy, number: int) -> None:
        for order in self._orders(number):
            time.sleep(self.worker.pause)
            asked = time.monotonic()
            try:
                self._call(client, order)
            except SesamyError as error:
                self._end(order, asked, error)
                time.sleep(_AFTER_AN_ERROR)
            else:
                self._end(order, asked)

    async def run(self, settings: Any) -> None:
        async with AsyncSesamy(**settings) as client:
            await anyio.sleep(_until(self.job.start))
            async with anyio.create_task_group() as group:
                for number in range(self.worker.at_once):
                    group.start_soon(self._run, client, number)

    async def _run(self, client: AsyncSesamy, number: int) -> None:
        for order in self._orders(number):
            await anyio.sleep(self.worker.pause)
            asked = time.monotonic()
            try:
                await self._call(client, order)
            except SesamyError as error:
                self._end(order, asked, error)
                await anyio.sleep(_AFTER_AN_ERROR)
            else:
                self._end(order, asked)

    def _orders(self, number: int) -> Any:
        """Yield order ids, one at least, until the time has come."""
        count = 0
        while not count or time.monotonic() < self.job.start + self.job.lasts:
            yield f"{self.worker.name}-{number}-{count}"
            count += 1

    def _call(self, client: Any, order: str) -> Any:
        sold = NewContract(
            external_order_id=order,
            payment_method="CARD",
            user_data=User(email=f"{order}@customer.example"),
        )
        contracts = client.contracts
        if self.worker.kind is Kind.CREATE:
            return contracts.create(_PROMO, sold, confirm=True)
        return contracts.onboard(_PROMO, sold)

    def _end(
        self, order: str, asked: float, error: SesamyError | None = None
    ) -> None:
        made = Made(
            order=order,
            kind=self.worker.kind,
            busy=self.worker.busy,
            asked=asked,
            ended=time.monotonic(),
        )
        if error is not None:
            made = attrs.evolve(
                made,
                outcome=str(error.outcome),
                error=f"{type(error).__name__}: {error}",
            )
        self.tell(made)


def _until(moment: float) -> float:
    return max(0.0, moment - time.monotonic())


def warm_up() -> None:
    """Load and compile what is needed; no thread and no file is left."""
    import_module("sesamy_async._http.anyio_stream")
    import_module("sesamy_async._blocking")
    anyio.run(_sell)


async def _sell() -> None:
    sandbox = Sandbox(SandboxConfig(rate_limit=None))
    async with AsyncSesamy(**sandbox.client_settings()) as client:
        sold = NewContract(
            external_order_id="warm",
            payment_method="CARD",
            user_data=User(email="warm@customer.example"),
        )
        await client.contracts.onboard(_PROMO, sold)
