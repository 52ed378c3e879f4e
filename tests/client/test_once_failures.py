"""Calls over a store of orders: what fails, and how they go on."""

from __future__ import annotations

import logging
import math
from typing import Any

import anyio
import attrs
import httpx
import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    ConfigurationError,
    ConflictError,
    Outcome,
    OutcomeUnknownError,
    RetryPolicy,
    SesamyError,
    UnreadableResponseError,
    _once,
)
from sesamy_async._call import BlockingRuntime, drive
from sesamy_async._call.anyio_runtime import Threads
from sesamy_async.idempotency import (
    MemoryStore,
    OrderState,
    StoreUnavailable,
)
from sesamy_async.sandbox import Sandbox
from support.calling import (
    AT_ONCE,
    ORDER,
    Ending,
    Operation,
    World,
    awaited,
)
from support.marks import every_loop, every_world
from support.told_orders import (
    PROMO,
    WITHIN,
    WatchedStore,
    always_c1,
    create,
    create_at_once,
    failing,
    judged,
    onboard,
    onboard_strictly,
    over,
    stuck,
)
from support.virtual_time import blocking


CALLS = (onboard, onboard_strictly, create_at_once, create)
LOST = "drop-after"


@every_world
@pytest.mark.parametrize("call", CALLS)
def test_lost_answer(call: Operation, world: World) -> None:
    """Called again, a repeatable create goes on; a careful one never does."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add(LOST, on="create")
    first, again = world.run([call, call], **over(store, sandbox))
    failed, repeatable = first.failed, call in {onboard, create}

    assert (OutcomeUnknownError, Outcome.UNKNOWN, 1) == first.facts
    assert repeatable is failed.retryable is failed.resumable
    assert ("make the same call again" in str(failed)) is repeatable
    assert ("sesamy orders settle" in str(failed)) is not repeatable
    if repeatable:
        assert again.error is None
        assert 2 == judged(sandbox)[0]
        assert (call is onboard) == judged(sandbox)[1]
        assert store.known.strays >= 1
    else:
        assert (OutcomeUnknownError, Outcome.UNKNOWN, 0) == again.facts
        assert OrderState.UNKNOWN is store.known.state
        assert 1 == judged(sandbox)[0]


@every_world
def test_lost_answers_in_one_onboard(world: World) -> None:
    """The store counts each create without an answer, once."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add(LOST, on="create", times=3)
    settings = over(store, sandbox, retry=RetryPolicy(attempts=4, base=0.0))
    ending = world.one(onboard, **settings)

    assert 3 == ending.value.strays == store.known.strays
    assert (4, 1) == judged(sandbox)
    assert 3 == store.asked.count("renew")


@every_world
def test_nothing_was_sent(world: World) -> None:
    """The claim is given up, and the order is as if never told."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add("drop-before", on="create")

    async def refuse(*_: object) -> Any:
        raise ValueError("No.")

    def hindered(client: Any) -> Any:
        return client.contracts.create(PROMO, ORDER, before_send=refuse)

    ending = world.one(hindered, **over(store, sandbox))

    assert (SesamyError, Outcome.NOT_SENT, 1) == ending.facts
    assert "claim" in store.asked
    assert store.record() is None


@every_world
@pytest.mark.parametrize("retry", [AT_ONCE, RetryPolicy(attempts=1)])
def test_conflict_after_a_lost_create(
    retry: RetryPolicy, world: World
) -> None:
    """It may be with the lost one, whose contract nobody knows."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add(LOST, on="create")
    sandbox.faults.add("status:409", on="create")
    calls = [onboard] if retry is AT_ONCE else [onboard, onboard]
    settings = over(store, sandbox, retry=retry)
    *_, ending, again = world.run([*calls, onboard], **settings)
    failed = ending.failed

    assert (ConflictError, Outcome.UNKNOWN) == ending.facts[:2]
    assert (False, "create") == (failed.retryable, failed.step)
    assert "sesamy orders settle" in str(failed)
    assert OrderState.UNKNOWN is store.known.state
    assert isinstance(again.error, OutcomeUnknownError)


@every_world
def test_conflict_without_an_earlier_create(world: World) -> None:
    """It is a refusal as any other."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add("status:409", on="create")
    ending = world.one(onboard, **over(store, sandbox))

    assert (ConflictError, Outcome.REFUSED, 1) == ending.facts
    assert OrderState.REFUSED is store.known.state


@every_world
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("method", ["salt", "look", "claim"])
def test_store_down_before(
    api: respx.Router, method: str, call: Operation, world: World
) -> None:
    """A store that can't be reached before the create: nothing is sent."""
    store = WatchedStore()
    store.before[method] = failing()
    ending = world.one(call, idempotency=store)
    failed = ending.failed

    assert (StoreUnavailable, Outcome.NOT_SENT) == ending.facts[:2]
    assert "Nothing was sent, so it can be sent again." in str(failed)
    assert 0 == len(api.calls)
    assert store.record() is None


@every_world
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("done", [False, True])
def test_store_down_after(
    call: Operation, world: World, *, done: bool
) -> None:
    """The contract is made, but its id may not be written down."""
    store, sandbox = WatchedStore(), Sandbox()
    hooks = store.after if done else store.before
    hooks["first"] = failing()

    def mended(client: Any) -> Any:
        hooks.clear()
        store.time += 3600.0
        return call(client)

    ending, again = world.run([call, mended], **over(store, sandbox))
    failed, onboards = ending.failed, call in {onboard, onboard_strictly}
    repeatable = call in {onboard, create}

    assert (StoreUnavailable, Outcome.UNKNOWN, 1) == ending.facts
    assert ("create" if onboards else None) == failed.step
    assert None is failed.contract_id
    assert repeatable is failed.retryable
    assert ("make the same call again" in str(failed)) is repeatable
    if done:
        assert store.known.contract_id
        assert again.error is None
        assert 1 == judged(sandbox)[0]
    elif repeatable:
        assert again.error is None
        assert (2, int(onboards)) == judged(sandbox)
    else:
        assert isinstance(again.error, OutcomeUnknownError)
        assert 1 == judged(sandbox)[0]


@every_world
@pytest.mark.parametrize("call", CALLS)
def test_store_down_and_an_error_of_a_middleware(
    call: Operation, world: World
) -> None:
    """What a middleware raises after a create hides nothing of it."""
    store, sandbox = WatchedStore(), Sandbox()
    store.before["first"] = failing()

    async def spoil(given: Any, proceed: Any) -> Any:
        await proceed(given)
        raise ValueError("Mine.")

    settings = over(store, sandbox, middleware=[spoil])
    ending = world.one(call, **settings)
    store.before.clear()
    again = world.one(call, **over(store, sandbox))
    sent = sandbox.ledger.requests("create")

    assert ending.failed.outcome in {Outcome.UNKNOWN, Outcome.APPLIED}
    if call in {onboard, create}:
        assert again.error is None
        assert store.known.strays >= 1
    else:
        assert isinstance(again.error, OutcomeUnknownError)
        assert 1 == sent
    assert judged(sandbox)[1] <= 1


@every_world
@pytest.mark.parametrize("method", ["mark", "release"])
def test_store_down_at_the_end(
    method: str, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A mark that fails does no harm: the next call makes up for it."""
    store, sandbox = WatchedStore(), Sandbox()
    store.before[method] = failing()
    if method == "release":
        sandbox.faults.add("status:403", on="create")
    first = world.one(onboard, **over(store, sandbox))
    text = caplog.text
    store.before.clear()
    store.time += 60.0
    again = world.one(onboard, **over(store, sandbox))

    assert (method == "mark") is (first.error is None)
    what = "order 'order-1'"
    if method == "mark":
        what = f"contract {store.known.contract_id!r}"
    assert f" {what}: It is down.\n" in text
    assert again.value.repeated is (method == "mark")
    assert (1, 1) == judged(sandbox)
    assert OrderState.CONFIRMED is store.known.state


@every_world
def test_a_claim_is_given_up_within_a_second(world: World) -> None:
    """A call that has failed waits no longer for that, since it runs out."""
    told: list[float] = []

    class Timed(WatchedStore):
        """Is told how long it may take."""

        def release(self, *args: Any, within: float, **named: Any) -> Any:
            """Give a claim up."""
            told.append(within)
            return super().release(*args, within=within, **named)

    store, sandbox = Timed(), Sandbox()
    sandbox.faults.add("status:403", on="create")
    ending = world.one(onboard, **over(store, sandbox))

    assert Outcome.REFUSED is ending.outcome
    assert [pytest.approx(1.0, abs=0.1)] == told


@every_world
@pytest.mark.parametrize("method", ["salt", "look", "claim", "first", "mark"])
def test_store_away_for_a_moment(method: str, world: World) -> None:
    """The store is asked again for a while, so nobody notices."""
    store, sandbox = WatchedStore(), Sandbox()
    store.before[method] = failing(StoreUnavailable("Away."), times=2)
    ending = world.one(onboard, **over(store, sandbox))

    assert ending.error is None
    assert 3 == store.asked.count(method)
    assert (1, 1) == judged(sandbox)


@every_world
@pytest.mark.parametrize("method", ["look", "claim", "first"])
def test_exceptions_of_other_libraries(
    method: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They become errors without their message, which may hold secrets."""
    monkeypatch.setattr("sesamy_async._once.PATIENCE", 0.1)
    store, sandbox = WatchedStore(), Sandbox()
    store.before[method] = failing(OSError("redis://me:CANARY@host"))
    ending = world.one(onboard, **over(store, sandbox))

    assert isinstance(ending.error, StoreUnavailable)
    assert "(WatchedStore) failed with OSError." in str(ending.error)
    assert "CANARY" not in str(ending.error)
    assert None is ending.error.__context__
    sent = Outcome.UNKNOWN if method == "first" else Outcome.NOT_SENT
    assert sent is ending.outcome


@every_world
def test_an_error_of_the_store_that_says_more(world: World) -> None:
    """A store may say that its setting is wrong; that is not tried again."""
    store, sandbox = WatchedStore(), Sandbox()
    store.before["look"] = failing(ConfigurationError("Its table is gone."))
    ending = world.one(onboard, **over(store, sandbox))

    assert (ConfigurationError, Outcome.NOT_SENT, 0) == ending.facts
    assert "Its table is gone." in str(ending.error)
    assert 1 == store.asked.count("look")


@every_loop
@pytest.mark.parametrize("method", ["look", "claim", "first", "mark"])
def test_a_store_that_hangs(
    method: str,
    backend: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is given up in time, and other tasks go on meanwhile."""
    for name, value in (("PATIENCE", 0.15), ("GRACE", 0.05)):
        monkeypatch.setattr(f"sesamy_async._once.{name}", value)
    caplog.set_level(logging.WARNING, logger="sesamy_async")
    store, sandbox = WatchedStore(), Sandbox()
    beats: list[int] = []

    async def beat() -> None:
        while True:
            await anyio.sleep(0.01)
            beats.append(1)

    async def main() -> Ending:
        settings = over(store, sandbox, retry=RetryPolicy(attempts=1))
        async with (
            AsyncSesamy(**settings) as client,
            anyio.create_task_group() as group,
        ):
            group.start_soon(beat)
            ending = await awaited(onboard, client)
            group.cancel_scope.cancel()
        return ending

    with stuck() as hang:
        store.before[method] = hang
        ending = anyio.run(main, backend=backend)

    assert len(beats) >= 5
    if method == "mark":
        assert ending.error is None
        assert "did not respond in time" in caplog.text
    else:
        sent = method == "first"
        assert isinstance(ending.error, StoreUnavailable)
        assert "(WatchedStore) did not respond in time." in str(ending.error)
        assert (Outcome.UNKNOWN if sent else Outcome.NOT_SENT) is (
            ending.outcome
        )
        assert (1 if method != "look" else 0) == store.asked.count("claim")
        assert (1 if sent else 0) == store.asked.count("first")


@every_loop
def test_at_the_end_of_the_interpreter(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no thread can begin any more, the store can't be reached."""

    def submit(*_: object) -> None:
        raise RuntimeError("cannot schedule new futures after shutdown")

    monkeypatch.setattr("sesamy_async._once.PATIENCE", 0.1)
    monkeypatch.setattr(Threads, "submit", submit)
    store, sandbox = WatchedStore(), Sandbox()
    ending = World(backend).one(onboard, **over(store, sandbox))

    assert (StoreUnavailable, Outcome.NOT_SENT, 0) == ending.facts
    assert "failed with RuntimeError" in str(ending.error)


def other_order(client: Any) -> Any:
    """Onboard another order."""
    order = attrs.evolve(ORDER, external_order_id="order-2")
    return client.contracts.onboard("SPRING-12", order)


@every_world
@pytest.mark.parametrize("call", CALLS)
def test_a_contract_of_another_order(call: Operation, world: World) -> None:
    """It is never taken, by whichever client the other one was told."""
    store, mock = MemoryStore(), httpx.MockTransport(always_c1)
    world.one(other_order, idempotency=store, transport=mock)
    ending, again = world.run([call, call], idempotency=store, transport=mock)
    failed = ending.failed

    assert (UnreadableResponseError, Outcome.UNKNOWN, 1) == ending.facts
    assert (call in {onboard, create}) is failed.retryable
    assert "shared_contracts=True" in str(failed)
    assert None is failed.contract_id
    assert again.error is not None
    confirmed = [
        each.key
        for each in store.entries(within=WITHIN)
        if each.state is OrderState.CONFIRMED
    ]

    assert ["order-2"] == [each.external_order_id for each in confirmed]
    repeatable = call in {onboard, create}
    strays = [each.strays for each in store.entries(within=WITHIN)]
    # Each may have made one whose id nobody was told.
    assert [2 if repeatable else 0, 0] == sorted(strays, reverse=True)


@every_world
def test_shared_contracts(world: World) -> None:
    """Who knows that orders may share a contract says so."""
    store, mock = MemoryStore(), httpx.MockTransport(always_c1)
    settings: dict[str, Any] = {
        "idempotency": store,
        "transport": mock,
        "shared_contracts": True,
    }
    first, second = world.run([other_order, onboard], **settings)

    assert first.value.contract.id == second.value.contract.id == "c-1"
    assert not second.value.repeated


@pytest.mark.parametrize(
    ("seconds", "within"), [(math.inf, 5.0), (2.0, 2.0), (-1.0, 0.05)]
)
def test_a_store_is_told_how_long_it_may_take(
    seconds: float, within: float
) -> None:
    """As long as the call may, five seconds at most, and never no time."""
    runtime, told = BlockingRuntime(), list[float]()
    once = _once.Once(MemoryStore(), "https://api.test", runtime)

    def ask(*, within: float) -> None:
        told.append(within)

    drive(once.ask(ask, runtime.now() + seconds))
    drive(once.insist(ask, seconds))

    assert [pytest.approx(within, abs=0.1)] * 2 == told


@pytest.mark.parametrize(
    ("seconds", "pauses"),
    [
        (0.019, []),
        (0.02, []),
        (0.021, [0.02]),
        (2.0, [0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5]),
    ],
)
def test_how_often_a_store_is_asked(
    seconds: float, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pauses double up to half a second; none ends when time is up."""
    store, slept = WatchedStore(), blocking(monkeypatch)
    store.before["salt"] = failing(StoreUnavailable("Away."))
    once = _once.Once(store, "https://api.test", BlockingRuntime())
    with pytest.raises(StoreUnavailable):
        drive(once.ask(store.salt, seconds))

    assert pauses == slept


class Interrupted:
    """A job during which Ctrl+C comes, and which fails then."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    async def result(self, seconds: float) -> Any:
        """Fail."""
        self.waited.append(seconds)
        raise (KeyboardInterrupt if len(self.waited) == 1 else OSError)


def test_stopped_while_a_store_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The call waits for it half a second, and what it says is not told."""
    job = Interrupted()
    monkeypatch.setattr(BlockingRuntime, "start", lambda *_: job)
    runtime = BlockingRuntime()
    once = _once.Once(MemoryStore(), "https://api.test", runtime)
    with pytest.raises(KeyboardInterrupt):
        drive(once.ask(once.store.salt, math.inf))

    assert [pytest.approx(5.5), 0.5] == job.waited
