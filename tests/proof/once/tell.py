"""Tell orders over a store, and be killed at a step of that."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from typing import Any

import anyio

import sesamy_async
from sesamy_async import (
    AsyncSesamy,
    NewContract,
    Onboarded,
    RetryPolicy,
    SesamyError,
    User,
    _creation,
)
from sesamy_async.idempotency import (
    IdempotencyStore,
    MemoryStore,
    OrderState,
    store_from_url,
)
from sesamy_async.sandbox import Sandbox, SandboxConfig
from support.sandbox_settings import arguments

from .job import Job, Kind, Said, Step, Worker


_PROMO = "SPRING-12"
_RETRY = RetryPolicy(attempts=3, base=0.01, budget=None)
_TIMEOUT = 10.0
_DEADLINE = 20.0

Say = Callable[[Said], None]


def tell(job: Job, worker: Worker, say: Say) -> None:
    """Tell the orders of a worker."""
    _creation.REPEATABLE_LASTS = job.lasts
    _creation.CAREFUL_MARGIN = job.lasts - _TIMEOUT
    store = store_from_url(job.store)
    _watch(store, worker)
    settings: dict[str, Any] = {
        **arguments(job.settings),
        "idempotency": store,
        "timeout": _TIMEOUT,
        "deadline": _DEADLINE,
        "retry": _RETRY,
        "rate_limit": None,
    }
    if worker.world == "blocking":
        _block(job, worker, settings, say)
    else:
        work = partial(_await, job, worker, settings, say)
        anyio.run(work, backend=worker.world)
    store.close()


def order(number: str, method: str = "CARD") -> NewContract:
    """Return the order with this id; the same data each time."""
    return NewContract(
        external_order_id=number,
        payment_method=method,
        user_data=User(email=f"{number}@customer.example"),
    )


def call(client: Any, kind: Kind, sold: NewContract) -> Any:
    """Tell one order; returns what the client returns."""
    contracts = client.contracts
    if kind is Kind.AT_ONCE:
        return contracts.create(_PROMO, sold, confirm=True)
    strays = None if kind is Kind.ONBOARD else False
    return contracts.onboard(_PROMO, sold, allow_strays=strays)


def _block(job: Job, worker: Worker, settings: Any, say: Say) -> None:
    with sesamy_async.Sesamy(**settings) as client:

        def one(number: str) -> None:
            sold = order(number, job.method)
            try:
                result = call(client, worker.kind, sold)
            except SesamyError as error:
                say(_failed(number, worker.kind, error))
            else:
                say(_done(number, worker.kind, result))

        with ThreadPoolExecutor(worker.at_once) as pool:
            for each in [pool.submit(one, it) for it in worker.orders]:
                each.result()


async def _await(job: Job, worker: Worker, settings: Any, say: Say) -> None:
    async with AsyncSesamy(**settings) as client:
        rest = iter(worker.orders)

        async def work() -> None:
            for number in rest:
                sold = order(number, job.method)
                try:
                    result = await call(client, worker.kind, sold)
                except SesamyError as error:
                    say(_failed(number, worker.kind, error))
                else:
                    say(_done(number, worker.kind, result))

        async with anyio.create_task_group() as group:
            for _ in range(worker.at_once):
                group.start_soon(work)


def _done(number: str, kind: Kind, result: Any) -> Said:
    made = result.contract if isinstance(result, Onboarded) else result
    return Said(order=number, kind=kind, done=True, contract=made.id)


def _failed(number: str, kind: Kind, error: SesamyError) -> Said:
    return Said(
        order=number,
        kind=kind,
        done=False,
        contract=error.contract_id,
        outcome=error.outcome,
        retryable=error.retryable,
        error=f"{type(error).__name__}: {error}",
    )


def _watch(store: IdempotencyStore, worker: Worker) -> None:
    """Let the store kill the process at the step of a worker."""
    passages = {worker.step: 0}

    def pass_by(step: Step) -> None:
        if step is worker.step:
            passages[step] += 1
            if passages[step] == worker.passage:
                os.kill(os.getpid(), signal.SIGKILL)

    claim, first, mark = store.claim, store.first, store.mark

    def claiming(*given: Any, **more: Any) -> Any:
        pass_by(Step.BEFORE_CLAIM)
        answer = claim(*given, **more)
        pass_by(Step.AFTER_CLAIM)
        return answer

    def writing(*given: Any, **more: Any) -> Any:
        pass_by(Step.AFTER_CREATE)
        answer = first(*given, **more)
        pass_by(Step.AFTER_ID)
        return answer

    def marking(key: Any, state: OrderState, **more: Any) -> Any:
        if state is OrderState.CONFIRMED:
            pass_by(Step.AFTER_CONFIRM)
        return mark(key, state, **more)

    changed: Any = store
    changed.claim, changed.first, changed.mark = claiming, writing, marking


def warm_up() -> None:
    """Load and compile what is needed; no thread and no file is left."""
    import_module("sesamy_async._http.anyio_stream")
    import_module("sesamy_async._blocking")
    for name in ("_sqlite", "_postgres", "_redis"):
        import_module(f"sesamy_async.idempotency.{name}")
    for backend in ("asyncio", "trio"):
        anyio.run(_sell, backend=backend)


async def _sell() -> None:
    sandbox = Sandbox(SandboxConfig(rate_limit=None))
    async with AsyncSesamy(
        **sandbox.client_settings(), idempotency=MemoryStore()
    ) as client:
        await client.contracts.onboard(_PROMO, order("warm"))
