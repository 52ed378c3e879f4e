"""Calls over a store of orders, with middleware of the caller's around."""

from __future__ import annotations

from typing import Any

import anyio
import attrs
import pytest

from sesamy_async import (
    Call,
    ConfigurationError,
    Contract,
    Outcome,
    Proceed,
    Response,
    RetryPolicy,
    SesamyError,
)
from sesamy_async.idempotency import (
    Holder,
    MemoryStore,
    OrderState,
    StoreUnavailable,
)
from sesamy_async.sandbox import Sandbox
from support.calling import Operation, World
from support.marks import every_world
from support.told_orders import (
    KEY,
    WITHIN,
    WatchedStore,
    create,
    create_at_once,
    failing,
    judged,
    onboard,
    onboard_strictly,
    over,
)


CALLS = (onboard, onboard_strictly, create_at_once, create)


def told(
    world: World,
    calls: list[Operation],
    middleware: Any,
    store: WatchedStore,
) -> tuple[list[Any], Sandbox]:
    """Make calls through a middleware, then the last one without it."""
    sandbox = Sandbox()
    settings = over(store, sandbox, middleware=[middleware])
    endings = world.run(calls, **settings)
    endings += world.run(calls[-1:], **over(store, sandbox))
    return endings, sandbox


def is_create(call: Call) -> bool:
    """Whether it is one."""
    return call.operation == "contracts.create"


async def answers(call: Call, proceed: Proceed) -> Response:
    """Answer a create itself, as one that sends it in another way."""
    if is_create(call):
        return Response(status_code=201, content=b'{"id": "mine"}')
    if call.operation == "contracts.confirm":
        return Response(status_code=204)
    return await proceed(call)


@every_world
@pytest.mark.parametrize("call", CALLS)
def test_answers_by_itself(call: Operation, world: World) -> None:
    """What it answers is written down as any contract is."""
    store = WatchedStore()
    (first, again), sandbox = told(world, [call], answers, store)
    contract = getattr(first.value, "contract", first.value)

    assert "mine" == contract.id == store.known.contract_id
    assert again.error is None or call is create
    assert 0 == sandbox.ledger.total
    assert ["claim", "first"] == [
        each for each in store.asked if each in {"claim", "first", "renew"}
    ]


@every_world
@pytest.mark.parametrize("call", [onboard, create])
def test_answers_by_itself_after_a_lost_create(
    call: Operation, world: World
) -> None:
    """The store counts the contract that the lost one may have made."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add("drop-after", on="create")

    async def mend(given: Call, proceed: Proceed) -> Response:
        try:
            return await proceed(given)
        except SesamyError:
            return await answers(given, proceed)

    settings = over(store, sandbox, middleware=[mend])
    ending = world.one(call, **settings)

    assert ending.error is None
    assert ("mine", 1) == (store.known.contract_id, store.known.strays)


@every_world
@pytest.mark.parametrize("method", ["claim", "first"])
def test_answers_by_itself_and_the_store_is_down(
    method: str, world: World
) -> None:
    """Only an id that is not written down stops the call."""
    store = WatchedStore()
    store.before[method] = failing()
    sandbox = Sandbox()
    settings = over(store, sandbox, middleware=[answers])
    ending = world.one(onboard, **settings)

    assert isinstance(
        ending.failed,
        StoreUnavailable if method == "first" else SesamyError,
    )
    assert Outcome.UNKNOWN is ending.outcome
    assert "contracts.confirm" not in str(ending.error)


@every_world
def test_answers_by_itself_while_another_call_creates(world: World) -> None:
    """The first id counts, whoever has claimed the order."""
    store, sandbox = WatchedStore(), Sandbox()

    def snatch() -> None:
        other = Holder(token="other", lasts=60.0)
        MemoryStore.claim(store, KEY, other, within=WITHIN)

    store.before["claim"] = snatch
    settings = over(store, sandbox, middleware=[answers])
    ending = world.one(onboard, **settings)

    assert "mine" == ending.value.contract.id == store.known.contract_id


@every_world
@pytest.mark.parametrize("call", CALLS)
def test_raises_after_a_create(call: Operation, world: World) -> None:
    """The contract is in the store; the same call goes on with it."""
    store = WatchedStore()

    async def spoil(given: Call, proceed: Proceed) -> Response:
        response = await proceed(given)
        if is_create(given):
            raise ValueError("Mine.")
        return response

    (first, again), sandbox = told(world, [call], spoil, store)

    assert isinstance(first.error, SesamyError)
    assert "ValueError" in str(first.error)
    assert first.failed.retryable
    assert again.error is None
    assert judged(sandbox) == (1, int(call is not create))


@every_world
def test_raises_after_a_confirm(world: World) -> None:
    """What it raised is not lost, and neither is the confirm."""
    store = WatchedStore()

    async def spoil(given: Call, proceed: Proceed) -> Response:
        response = await proceed(given)
        if not is_create(given):
            raise ValueError("Mine.")
        return response

    (first, again), sandbox = told(world, [onboard], spoil, store)

    assert "ValueError" in str(first.error)
    assert ("confirm", True) == (first.failed.step, first.failed.retryable)
    assert again.value.repeated
    assert 1 == sandbox.ledger.requests("confirm")


@every_world
@pytest.mark.parametrize("call", CALLS)
def test_raises_before(call: Operation, world: World) -> None:
    """Nothing was claimed, so there is nothing to give up."""
    store = WatchedStore()

    async def spoil(given: Call, proceed: Proceed) -> Response:
        del given, proceed
        raise ValueError("Mine.")

    (first, again), sandbox = told(world, [call], spoil, store)

    # It may have sent it in another way.
    assert Outcome.UNKNOWN is first.outcome
    assert again.error is None
    assert 1 == judged(sandbox)[0]
    assert "release" not in store.asked


@every_world
@pytest.mark.parametrize("call", CALLS)
def test_raises_a_claim_of_another_call(call: Operation, world: World) -> None:
    """What it makes of our own error is its matter; no claim is left."""
    store = WatchedStore()

    async def spoil(given: Call, proceed: Proceed) -> Response:
        try:
            return await proceed(given)
        except SesamyError:
            raise ValueError("Mine.") from None

    def snatch() -> None:
        store.before.clear()
        store.claim_for_others(careful=False)

    store.before["claim"] = snatch
    sandbox = Sandbox()
    settings = over(store, sandbox, middleware=[spoil])
    ending = world.one(call, **settings)

    assert Outcome.NOT_SENT is ending.outcome
    assert "other" == store.known.token
    assert 0 == sandbox.ledger.total


@every_world
@pytest.mark.parametrize("call", CALLS)
def test_proceeds_twice(call: Operation, world: World) -> None:
    """There is one contract all the same, and it is the one that counts."""
    store = WatchedStore()

    async def twice(given: Call, proceed: Proceed) -> Response:
        if is_create(given):
            await proceed(given)
        return await proceed(given)

    (first, again), sandbox = told(world, [call], twice, store)

    assert 1 == judged(sandbox)[0]
    assert again.error is None
    if call in {onboard_strictly, create_at_once, create}:
        assert isinstance(first.error, ConfigurationError)
        assert "called proceed again" in str(first.error)
        assert first.failed.retryable
    else:
        assert not first.value.repeated
        assert first.value.contract.name is not None


@pytest.mark.parametrize("world", [World.ASYNCIO, World.TRIO])
@pytest.mark.parametrize("returned", [0, 1])
def test_proceeds_twice_at_once(returned: int, world: World) -> None:
    """Whichever answer it returns, the first id is confirmed."""
    store = WatchedStore()

    async def hedge(given: Call, proceed: Proceed) -> Response:
        if not is_create(given):
            return await proceed(given)
        found: dict[int, Response] = {}

        async def one(number: int) -> None:
            found[number] = await proceed(given)

        async with anyio.create_task_group() as group:
            for number in range(2):
                group.start_soon(one, number)
        return found[returned]

    (first, again), sandbox = told(world, [onboard], hedge, store)
    [confirmed] = sandbox.ledger.confirmed("order-1")

    assert confirmed.id == store.known.contract_id
    assert confirmed.id == first.value.contract.id == again.value.contract.id
    assert 2 == judged(sandbox)[0]


@pytest.mark.parametrize("world", [World.ASYNCIO, World.TRIO])
def test_waits_while_another_create_is_under_way(world: World) -> None:
    """Then the order is not given up, as it is where nothing is under way."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add("status:429", on="create")
    sandbox.faults.add("delay:0.5", on="create")

    async def hedge(given: Call, proceed: Proceed) -> Response:
        if not is_create(given):
            return await proceed(given)
        found: list[Response] = []

        async def one() -> None:
            found.append(await proceed(given))
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(one)
            group.start_soon(one)
        return found[0]

    settings = over(store, sandbox, retry=RetryPolicy(base=0.01))
    ending = world.one(onboard, middleware=[hedge], **settings)

    assert ending.error is None
    assert "release" not in store.asked


@every_world
@pytest.mark.parametrize("call", [onboard, create])
def test_returns_another_contract(call: Operation, world: World) -> None:
    """What is confirmed is what the store has."""
    store = WatchedStore()

    async def replace(given: Call, proceed: Proceed) -> Response:
        response = await proceed(given)
        if is_create(given):
            return attrs.evolve(response, parsed=Contract(id="other"))
        return response

    (first, again), sandbox = told(world, [call], replace, store)
    contract = getattr(first.value, "contract", first.value)

    assert store.known.contract_id == contract.id != "other"
    assert again.error is None
    assert judged(sandbox) == (1, int(call is onboard))


@every_world
def test_adds_to_the_contract(world: World) -> None:
    """What it adds is kept."""
    store = WatchedStore()

    async def add(given: Call, proceed: Proceed) -> Response:
        response = await proceed(given)
        named = attrs.evolve(response.parsed, name="Mine")
        return attrs.evolve(response, parsed=named)

    (first, _), _ = told(world, [create], add, store)

    assert "Mine" == first.value.name


@every_world
def test_returns_no_contract(world: World) -> None:
    """It is a mistake of the caller's; the contract is in the store."""
    store = WatchedStore()

    async def replace(given: Call, proceed: Proceed) -> Response:
        response = await proceed(given)
        return (
            attrs.evolve(response, parsed=7)
            if is_create(given)
            else (response)
        )

    (first, again), sandbox = told(world, [onboard], replace, store)

    assert isinstance(first.error, ConfigurationError)
    assert first.failed.retryable
    assert again.value.repeated
    assert (1, 1) == judged(sandbox)


@every_world
def test_swallows_a_refusal_and_says_that_it_does_not_know(
    world: World,
) -> None:
    """Its word counts: a careful create is not sent again."""
    store = WatchedStore()

    async def doubt(given: Call, proceed: Proceed) -> Response:
        try:
            return await proceed(given)
        except SesamyError:
            raise SesamyError("Hm.", outcome=Outcome.UNKNOWN) from None

    sandbox = Sandbox()
    sandbox.faults.add("status:400", on="create")
    settings = over(store, sandbox, middleware=[doubt])
    ending = world.one(create_at_once, **settings)

    assert Outcome.UNKNOWN is ending.outcome
    assert OrderState.UNKNOWN is store.known.state


@every_world
def test_refuses_an_order_itself(world: World) -> None:
    """Its word counts there, too, without an answer of Sesamy's."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add("status:403", on="create")

    async def refuse(given: Call, proceed: Proceed) -> Response:
        try:
            return await proceed(given)
        except SesamyError:
            raise SesamyError("No.", outcome=Outcome.REFUSED) from None

    settings = over(store, sandbox, middleware=[refuse])
    ending = world.one(onboard, **settings)

    assert (SesamyError, Outcome.REFUSED, 1) == ending.facts
    assert OrderState.REFUSED is store.known.state


@every_world
def test_changes_what_is_done_after_a_create(world: World) -> None:
    """The id is written down all the same, before the confirm leaves."""
    store = WatchedStore()

    async def change(given: Call, proceed: Proceed) -> Response:
        return await proceed(attrs.evolve(given, after_success=None))

    (first, again), sandbox = told(world, [onboard], change, store)

    assert first.value.contract.id == store.known.contract_id
    assert again.value.repeated
    assert (1, 1) == judged(sandbox)
