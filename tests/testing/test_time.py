"""A time that passes at once: in order, and not ahead of what goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    Call,
    DeadlineExceededError,
    Outcome,
    RateLimit,
    Sesamy,
    SesamyError,
)
from sesamy_async._call import (
    AnyioRuntime,
    BlockingRuntime,
    Runtime,
    drive,
    present,
)
from sesamy_async.bulk import Importer
from sesamy_async.idempotency import IdempotencyStore, MemoryStore
from sesamy_async.sandbox import Sandbox
from sesamy_async.testing import Time, order, use_runtime
from support.import_world import World
from support.sources import listed


PROMO = "SPRING-12"
FIVE_A_SECOND = RateLimit(requests=5, per=1, burst=1)


async def test_waits_between_attempts_pass_at_once(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """The SDK waits as long as it is asked to, in no time."""
    sesamy_sandbox.faults.add("wait:30", on="create")
    began = time.monotonic()
    async with AsyncSesamy(deadline=60) as sesamy:
        await sesamy.contracts.create(PROMO, order())

    assert [pytest.approx(30, abs=1)] == sesamy_time.waits
    assert sesamy_time.waits[0] == sesamy_time.elapsed
    assert 20 > time.monotonic() - began


def test_waits_of_a_blocking_client_pass_at_once(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """So do those of a thread; a late answer takes time, too."""
    sesamy_sandbox.faults.add("wait:30", on="create")
    sesamy_sandbox.faults.add("delay:7", on="create")
    with Sesamy(deadline=60) as sesamy:
        sesamy.contracts.create(PROMO, order())

    assert [pytest.approx(30, abs=1)] == sesamy_time.waits
    assert sesamy_time.waits[0] + 7 == pytest.approx(sesamy_time.elapsed)


async def test_only_the_sdk_is_in_that_time(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """The clocks and waits of the application are the real ones."""
    sesamy_sandbox.faults.add("wait:30", on="create")
    walls, monotonics = [time.time()], [time.monotonic()]
    async with AsyncSesamy(deadline=60) as sesamy:
        await sesamy.contracts.create(PROMO, order())
    moved = sesamy_time.elapsed
    await anyio.sleep(0.01)
    walls.append(time.time())
    monotonics.append(time.monotonic())

    assert 0.01 <= monotonics[1] - monotonics[0] < 20
    assert 20 > walls[1] - walls[0]
    assert moved == sesamy_time.elapsed
    assert f"Time(elapsed={moved:g})" == repr(sesamy_time)


@pytest.mark.parametrize("together", [False, True])
async def test_the_pace_is_kept(
    together: bool, sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """Tasks, one by one or at once, take their places at the rate."""
    orders = [order(f"A-{number}") for number in range(101)]
    async with AsyncSesamy(rate_limit=FIVE_A_SECOND, deadline=None) as sesamy:
        if together:
            async with anyio.create_task_group() as tasks:
                for each in orders:
                    tasks.start_soon(sesamy.contracts.create, PROMO, each)
        else:
            for each in orders:
                await sesamy.contracts.create(PROMO, each)

    assert pytest.approx(20) == sesamy_time.elapsed
    assert 101 == sesamy_sandbox.ledger.total


def test_threads_keep_the_pace(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """So do threads that share a client."""
    with (
        Sesamy(rate_limit=FIVE_A_SECOND) as sesamy,
        ThreadPoolExecutor(10) as threads,
    ):
        list(
            threads.map(
                lambda number: sesamy.contracts.create(
                    PROMO, order(f"A-{number}")
                ),
                range(51),
            )
        )

    assert pytest.approx(10) == sesamy_time.elapsed
    assert 51 == sesamy_sandbox.ledger.total


async def test_they_go_on_in_the_order_of_real_time(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """What waits less goes on earlier, and sees its own moment."""
    seen: list[float] = []
    for seconds in (3, 1, 2, 10, 4):
        sesamy_sandbox.faults.add(f"delay:{seconds}", on="create")
    async with AsyncSesamy() as sesamy:

        async def sell(name: str) -> None:
            await sesamy.contracts.create(PROMO, order(name))
            seen.append(sesamy_time.elapsed)

        await sesamy.ready()
        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(sell, f"A-{number}")

    assert [1, 2, 3, 4, 10] == seen


async def test_many_retries_at_once(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """Twenty orders with faults end in twenty contracts, without waiting."""
    began = time.monotonic()
    sesamy_sandbox.faults.add("status:503", on="create", times=10)
    sesamy_sandbox.faults.add("wait:5", on="confirm", times=10)
    sold = [f"A-{number}" for number in range(20)]
    async with (
        AsyncSesamy(deadline=60) as sesamy,
        anyio.create_task_group() as tasks,
    ):
        for each in sold:
            tasks.start_soon(sesamy.contracts.onboard, PROMO, order(each))

    assert [1] * 20 == [len(sesamy_sandbox.ledger.confirmed(i)) for i in sold]
    assert 5 <= sesamy_time.elapsed < 60
    assert 20 > time.monotonic() - began


async def _received(endpoint: str, sandbox: Sandbox) -> None:
    """Return when the sandbox has received a request, without any rest."""
    while not sandbox.ledger.requests(endpoint):
        await anyio.lowlevel.checkpoint()


class Slow(MemoryStore):
    """A store that takes real time, and notes the time of clients."""

    def __init__(self, note: Callable[[], None]) -> None:
        super().__init__()
        self._note = note

    def write(self, *given: Any, within: float) -> Any:
        """Write slowly."""
        time.sleep(0.05)
        self._note()
        return super().write(*given, within=within)


@pytest.mark.usefixtures("sesamy_sandbox")
async def test_no_time_passes_for_what_a_store_does(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """The clock stands still while a store works for another call."""
    seen: list[float] = []
    sesamy_sandbox.faults.add("delay:9", on="create")
    store = Slow(lambda: seen.append(sesamy_time.elapsed))
    async with (
        AsyncSesamy() as sesamy,
        AsyncSesamy(idempotency=store) as another,
    ):
        await sesamy.ready()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sesamy.contracts.create, PROMO, order("A-1"))
            await _received("create", sesamy_sandbox)
            await another.contracts.onboard(PROMO, order("A-2"))
            tasks.cancel_scope.cancel()

    assert {0.0} == {*seen}


@pytest.mark.usefixtures("sesamy_sandbox")
def test_no_time_passes_for_the_store_of_a_thread(sesamy_time: Time) -> None:
    """Nor while it works for a blocking client."""
    seen: list[float] = []
    store = Slow(lambda: seen.append(sesamy_time.elapsed))
    with Sesamy(idempotency=store) as sesamy:
        sesamy.contracts.onboard(PROMO, order())

    assert {0.0} == {*seen}


async def test_no_time_passes_for_what_a_call_waits_for(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """The clock stands still while a function of the caller's waits."""
    seen: list[float] = []

    async def before_send(call: Call) -> None:
        del call
        await anyio.sleep(0.05)
        seen.append(sesamy_time.elapsed)

    sesamy_sandbox.faults.add("delay:9", on="create")
    async with AsyncSesamy() as sesamy:
        await sesamy.ready()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sesamy.contracts.create, PROMO, order("A-1"))
            await _received("create", sesamy_sandbox)
            await sesamy.contracts.create(
                PROMO, order("A-2"), before_send=before_send
            )

    assert [0.0] == seen
    assert 9 == sesamy_time.elapsed


async def for_ever(request: httpx.Request) -> httpx.Response:
    """Answer never."""
    del request
    await anyio.sleep_forever()
    raise AssertionError


async def test_an_answer_that_never_comes(
    sesamy_routes: respx.MockRouter, sesamy_time: Time
) -> None:
    """After some patience, the clock moves on to the deadline."""
    sesamy_routes["create"].mock(side_effect=for_ever)
    sesamy_time.patience = 0.05
    async with AsyncSesamy(deadline=20) as sesamy:
        with pytest.raises(DeadlineExceededError):
            await sesamy.contracts.create(PROMO, order())

    assert 20 == sesamy_time.elapsed
    assert 0.05 == sesamy_time.patience
    assert [] == sesamy_time.waits


async def test_a_task_that_never_rests(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """After that patience, it does not hold up the clock either."""
    sesamy_sandbox.faults.add("wait:9", on="create")
    sesamy_time.patience = 0.3

    async def turn() -> None:
        while True:
            await anyio.lowlevel.checkpoint()

    async with AsyncSesamy() as sesamy, anyio.create_task_group() as tasks:
        tasks.start_soon(turn)
        await sesamy.contracts.create(PROMO, order())
        tasks.cancel_scope.cancel()

    assert 9 <= sesamy_time.elapsed


async def test_no_time_passes_for_what_a_task_does(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """Within that patience, it holds up the clock."""
    sesamy_sandbox.faults.add("delay:9", on="create")
    sesamy_time.patience = math.inf
    with anyio.move_on_after(0.5):
        async with AsyncSesamy() as sesamy, anyio.create_task_group() as tasks:
            tasks.start_soon(sesamy.contracts.create, PROMO, order())
            while True:
                await anyio.lowlevel.checkpoint()

    assert 1 == sesamy_sandbox.ledger.total
    assert 0 == sesamy_time.elapsed


@pytest.mark.parametrize("blocking", [False, True])
async def test_a_deadline_ends_a_late_answer(
    blocking: bool, sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """A call ends at its deadline, as it would in real time."""
    sesamy_sandbox.faults.add("delay:60", on="create")
    if blocking:
        with (
            Sesamy(timeout=None, deadline=20) as sesamy,
            pytest.raises(SesamyError) as caught,
        ):
            sesamy.contracts.create(PROMO, order())
    else:
        async with AsyncSesamy(timeout=None, deadline=20) as client:
            with pytest.raises(SesamyError) as caught:
                await client.contracts.create(PROMO, order())

    assert Outcome.UNKNOWN is caught.value.outcome
    assert 20 == sesamy_time.elapsed


@pytest.mark.usefixtures("sesamy_sandbox")
async def test_a_deadline_that_has_passed(sesamy_time: Time) -> None:
    """A call without any time left sends nothing."""
    async with AsyncSesamy() as sesamy:
        with pytest.raises(DeadlineExceededError):
            await sesamy.with_options(deadline=1e-20).contracts.create(
                PROMO, order()
            )

    assert 0 == sesamy_time.elapsed


async def test_time_can_be_moved(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """A token expires when its time has passed."""
    async with AsyncSesamy() as sesamy:
        await sesamy.contracts.create(PROMO, order("A-1"))
        sesamy_time.move(86_400)
        await sesamy.contracts.create(PROMO, order("A-2"))

    assert 2 == sesamy_sandbox.ledger.requests("token")
    assert 86_400 == sesamy_time.elapsed


async def test_who_waits_goes_on_if_time_is_moved(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """What is due then is woken, even if the clock would stand still."""
    sesamy_sandbox.faults.add("delay:9", on="create")
    sesamy_time.patience = math.inf
    async with AsyncSesamy() as sesamy:
        await sesamy.ready()

        async def move(call: Call) -> None:
            del call
            sesamy_time.move(10)
            await anyio.sleep(0.1)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sesamy.contracts.create, PROMO, order("A-1"))
            await _received("create", sesamy_sandbox)
            await sesamy.contracts.create(
                PROMO, order("A-2"), before_send=move
            )

    assert 10 == sesamy_time.elapsed


@pytest.mark.parametrize("seconds", [-1, math.inf, math.nan])
def test_time_is_not_moved_back(seconds: float) -> None:
    """Only some time can pass."""
    with pytest.raises(ValueError, match="0 or more, and finite"):
        Time().move(seconds)


def test_a_time_can_begin_at_any_moment() -> None:
    """What it says is the time of stores and sandboxes, too."""
    with use_runtime(Time(start=1_700_000_000)) as moved:
        sandbox = Sandbox()
        with Sesamy(**sandbox.client_settings()) as sesamy:
            moved.move(5)
            contract = sesamy.contracts.create(PROMO, order())

    assert 1_700_000_005 == moved.time()
    assert contract.created_at is not None
    assert moved.time() == contract.created_at.timestamp()


def test_only_what_is_made_in_the_block_is_in_that_time() -> None:
    """Clients that were made before or after it wait really."""
    sandbox = Sandbox()
    pace = RateLimit(requests=50, per=1, burst=1)
    settings = {**sandbox.client_settings(), "rate_limit": pace}
    before = Sesamy(**settings)
    with use_runtime() as outer, use_runtime() as moved:
        for number in range(2):
            before.contracts.create(PROMO, order(f"A-{number}"))
    with Sesamy(**settings) as after:
        for number in range(2):
            after.contracts.create(PROMO, order(f"B-{number}"))
    before.close()

    assert [] == moved.waits == outer.waits
    assert 0 == moved.elapsed


@pytest.mark.parametrize(("seconds", "made"), [(3, 1), (8, 2)])
async def test_a_call_waits_for_another_one_with_its_order(
    seconds: int, made: int, sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """It waits for 5 seconds at most: then the claim of the other lapses."""
    sesamy_sandbox.faults.add(f"delay:{seconds}", on="create")
    found: list[str] = []
    async with AsyncSesamy(idempotency="memory:") as sesamy:

        async def sell() -> None:
            done = await sesamy.contracts.onboard(PROMO, order())
            found.append(done.contract.id)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sell)
            tasks.start_soon(sell)

    assert 1 == len({*found})
    assert made == sesamy_sandbox.ledger.total
    assert pytest.approx(seconds, abs=1) == sesamy_time.elapsed
    assert pytest.approx(min(seconds, 5), abs=1) == sum(sesamy_time.waits)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_stores_are_in_that_time(
    kind: str,
    sesamy_sandbox: Sandbox,
    sesamy_time: Time,
    tmp_path: Path,
) -> None:
    """What they forget after some time, they forget after that time."""
    url = "memory:" if kind == "memory" else f"sqlite://{tmp_path}/orders.db"
    async with AsyncSesamy(idempotency=url) as sesamy:
        await sesamy.contracts.onboard(PROMO, order())
        store: IdempotencyStore = _store_of(sesamy)
        sesamy_time.move(3600)
        gone = store.purge(3599.5, within=5.0)

    assert 1 == gone
    assert 1 == sesamy_sandbox.ledger.total


def _store_of(sesamy: AsyncSesamy) -> Any:
    once = sesamy._caller.shared.once
    assert once is not None
    return once.store


async def test_what_was_cancelled_does_not_move_the_clock(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """Only what is still waited for does."""
    sesamy_sandbox.faults.add("delay:9", on="create")
    async with AsyncSesamy() as sesamy:
        await sesamy.ready()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sesamy.contracts.create, PROMO, order("A-1"))
            await _received("create", sesamy_sandbox)
            tasks.cancel_scope.cancel()
        await sesamy.contracts.create(PROMO, order("A-2"))

    assert 0 == sesamy_time.elapsed


async def test_what_outlives_a_call(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """A task that a call has begun waits like any other one after it."""
    runtime = present(AnyioRuntime())
    ended = anyio.Event()
    sesamy_time.patience = math.inf
    sesamy_sandbox.faults.add("delay:5", on="confirm")
    async with AsyncSesamy() as sesamy, anyio.create_task_group() as tasks:

        async def outlive() -> None:
            await ended.wait()
            await runtime.sleep(4)
            await sesamy.contracts.onboard(PROMO, order("A-2"))

        async def begin(call: Call) -> None:
            del call
            tasks.start_soon(outlive)

        await sesamy.contracts.create(PROMO, order("A-1"), before_send=begin)
        ended.set()

    assert 1 == len(sesamy_sandbox.ledger.confirmed("A-2"))
    assert 9 == sesamy_time.elapsed


async def test_an_import(sesamy_time: Time, tmp_path: Path) -> None:
    """A file of orders is imported at its rate, and through an outage."""
    world = World(folder=tmp_path, source=listed(5))
    world.sandbox.faults.add("status:503", on="create", times=2)
    with world.journal() as journal:
        async with world.client(rate_limit=FIVE_A_SECOND) as client:
            importer = Importer(client, world.source, journal)
            summary = await importer.run()

    assert [1] * 5 == world.confirmed()
    assert pytest.approx(sesamy_time.elapsed, abs=1) == summary.seconds
    assert 2 <= sesamy_time.elapsed < 60


@pytest.mark.parametrize("world", ["thread", "loop"])
async def test_events(world: str) -> None:
    """What has happened is not waited for, and what never happens ends."""
    with use_runtime() as moved:
        real: Runtime = (
            BlockingRuntime() if world == "thread" else AnyioRuntime()
        )
        runtime = present(real)
    happened, never = runtime.event(), runtime.event()
    happened.set()

    assert await happened.wait(9)
    assert 0 == moved.elapsed
    assert not await never.wait(9)
    assert 9 == moved.elapsed


async def test_an_event_without_an_end(sesamy_time: Time) -> None:
    """Who waits for ever is woken by it, and does not hold up the clock."""
    runtime = present(AnyioRuntime())
    event = runtime.event()

    async def happen() -> None:
        await runtime.sleep(9)
        event.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(happen)
        happened = await event.wait(math.inf)

    assert happened
    assert [9] == sesamy_time.waits


async def test_who_is_woken_goes_on_first(sesamy_time: Time) -> None:
    """The clock stands still as soon as an event has happened for a call."""
    sesamy_time.patience = 0.2
    runtime = present(AnyioRuntime())
    event, waits = runtime.event(), anyio.Event()

    async def call() -> None:
        with runtime.bound(math.inf):
            waits.set()
            await event.wait(math.inf)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await waits.wait()
        event.set()
        began = time.monotonic()
        # It blocks this loop, so that the call can't go on.
        drive(present(BlockingRuntime()).sleep(9))

    assert 0.2 <= time.monotonic() - began


def test_a_thread_wakes_another(sesamy_time: Time) -> None:
    """An event of one thread ends the wait of another one."""
    runtime = present(BlockingRuntime())
    event = runtime.event()
    with ThreadPoolExecutor(1) as threads, runtime.bound(math.inf):
        # The clock stands still in the block, as in a call.
        waiting = threads.submit(drive, event.wait(60))
        time.sleep(0.05)
        event.set()

    assert waiting.result()
    assert 0 == sesamy_time.elapsed


def test_loops_and_threads_share_a_time(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """Two event loops and a thread go on in the order of one clock."""
    seen: list[float] = []
    for seconds in (1, 2, 3):
        sesamy_sandbox.faults.add(f"delay:{seconds}", on="create")

    async def sell(name: str) -> None:
        async with AsyncSesamy() as sesamy:
            await sesamy.contracts.create(PROMO, order(name))
        seen.append(sesamy_time.elapsed)

    def in_thread() -> None:
        with Sesamy() as sesamy:
            sesamy.contracts.create(PROMO, order("A-3"))
        seen.append(sesamy_time.elapsed)

    with ThreadPoolExecutor(3) as threads:
        jobs = [
            threads.submit(partial(anyio.run, sell, "A-1")),
            threads.submit(partial(anyio.run, sell, "A-2", backend="trio")),
            threads.submit(in_thread),
        ]
    for job in jobs:
        job.result()

    assert sorted(seen) == seen
    assert 3 <= max(seen) <= 6


async def test_a_client_is_drained_in_that_time(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """Closing a client waits for what it has begun, as long as that takes."""
    sesamy_sandbox.faults.add("delay:5", on="confirm")
    async with (
        anyio.create_task_group() as tasks,
        AsyncSesamy() as sesamy,
    ):
        tasks.start_soon(sesamy.contracts.onboard, PROMO, order())
        await _received("confirm", sesamy_sandbox)

    assert 1 == len(sesamy_sandbox.ledger.confirmed("A-1"))
    assert pytest.approx(5, abs=0.5) == sesamy_time.elapsed


def test_a_loop_that_has_ended(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """A time outlives the event loops in which it was used."""

    async def sell(name: str) -> None:
        async with AsyncSesamy() as sesamy:
            await sesamy.contracts.onboard(PROMO, order(name))

    for backend in ("asyncio", "trio"):
        sesamy_sandbox.faults.add("delay:5", on="create")
        anyio.run(sell, backend, backend=backend)
    sesamy_time.move(1)

    assert 11 == sesamy_time.elapsed
