"""Calls over a store of orders: what they do, given what it knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from sesamy_async import (
    DeadlineExceededError,
    OrderMismatchError,
    Outcome,
    OutcomeUnknownError,
    User,
)
from sesamy_async.idempotency import OrderState
from sesamy_async.sandbox import Sandbox
from support.calling import AT_ONCE, ORDER, Operation, World
from support.marks import every_world
from support.told_orders import (
    PROMO,
    WatchedStore,
    create,
    create_at_once,
    judged,
    made_before,
    onboard,
    onboard_strictly,
    onboarding,
    over,
)


State = Callable[[WatchedStore, Sandbox], object]
CALLS = (onboard, onboard_strictly, create_at_once, create)


def claimed(*, careful: bool, ran_out: bool) -> State:
    """Return what lets another call claim the order."""

    def claim(store: WatchedStore, _: Sandbox) -> None:
        store.claim_for_others(careful=careful)
        store.time += 61.0 if ran_out else 0.0

    return claim


def made(state: OrderState) -> State:
    """Return what makes a contract that the store knows in a state."""

    def make(store: WatchedStore, sandbox: Sandbox) -> None:
        confirmed = state is OrderState.CONFIRMED
        store.put(state, made_before(sandbox, confirm=confirmed))

    return make


def known(state: OrderState) -> State:
    """Return what lets the store know the order in a state."""
    return lambda store, _: store.put(state)


NEW, TAKEN, UNKNOWN, LATE = "new", "taken", "unknown", "late"
TABLE: dict[str, tuple[State, tuple[str, str, str, str]]] = {
    "not there": (lambda *_: None, (NEW, NEW, NEW, NEW)),
    "refused": (known(OrderState.REFUSED), (NEW, NEW, NEW, NEW)),
    "claimed, repeatable": (
        claimed(careful=False, ran_out=False),
        (LATE, LATE, LATE, LATE),
    ),
    "claimed, careful": (
        claimed(careful=True, ran_out=False),
        (LATE, LATE, LATE, LATE),
    ),
    "run out, repeatable": (
        claimed(careful=False, ran_out=True),
        (NEW, UNKNOWN, UNKNOWN, NEW),
    ),
    "run out, careful": (
        claimed(careful=True, ran_out=True),
        (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    ),
    "created": (made(OrderState.CREATED), (TAKEN, TAKEN, UNKNOWN, TAKEN)),
    "confirmed": (made(OrderState.CONFIRMED), (TAKEN, TAKEN, TAKEN, TAKEN)),
    "unknown": (
        known(OrderState.UNKNOWN),
        (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
    ),
}
ROWS = [
    pytest.param(state, call, expected, id=f"{name}-{call.__name__}")
    for name, (state, row) in TABLE.items()
    for call, expected in zip(CALLS, row, strict=True)
]


@every_world
@pytest.mark.parametrize(("state", "call", "expected"), ROWS)
def test_what_a_call_does(
    state: State, call: Operation, expected: str, world: World
) -> None:
    """Each call goes on from each state as the table says."""
    store, sandbox = WatchedStore(), Sandbox()
    state(store, sandbox)
    before = sandbox.ledger.requests("create")
    deadline = 0.1 if expected == LATE else 20.0
    ending = world.one(call, **over(store, sandbox, deadline=deadline))

    sent = sandbox.ledger.requests("create") - before
    assert (1 if expected == NEW else 0) == sent
    if expected in {NEW, TAKEN}:
        result = ending.value
        onboarded = call in {onboard, onboard_strictly}
        contract = result.contract if onboarded else result
        [sold] = sandbox.ledger.contracts("order-1")

        assert contract.id == sold.id == store.known.contract_id
        assert not onboarded or result.repeated is (expected == TAKEN)
        assert sold.confirmed is (
            store.known.state is OrderState.CONFIRMED
            or (call is create_at_once)
        )
        assert not onboarded or sold.confirmed
    else:
        kind = DeadlineExceededError if expected == LATE else None
        failed = ending.failed

        assert (kind or OutcomeUnknownError) is type(failed)
        assert Outcome.UNKNOWN is failed.outcome
        assert (expected == LATE) is failed.retryable is failed.resumable
        assert 0 == failed.attempts
        assert "contracts.confirm" not in str(failed)


def test_a_careful_claim_that_ran_out_is_doubtful_for_all() -> None:
    """Who finds it writes that down, so that `sesamy orders` shows it."""
    store, sandbox = WatchedStore(), Sandbox()
    claimed(careful=True, ran_out=True)(store, sandbox)
    World.BLOCKING.one(onboard, **over(store, sandbox))

    assert OrderState.UNKNOWN is store.known.state


@pytest.mark.parametrize(
    ("state", "call", "advice"),
    [
        (
            "created",
            create_at_once,
            "contracts.onboard. Outcome: UNKNOWN. It may",
        ),
        ("run out, repeatable", onboard_strictly, "and allow_strays=True"),
        ("unknown", onboard, "sesamy orders settle --help"),
        ("claimed, careful", onboard, "make the same call again"),
    ],
)
def test_what_to_do(state: str, call: Operation, advice: str) -> None:
    """The error says why the call can't go on, and what can."""
    store, sandbox = WatchedStore(), Sandbox()
    TABLE[state][0](store, sandbox)
    settings = over(store, sandbox, deadline=0.1)
    failed = World.BLOCKING.one(call, **settings).failed

    assert advice in str(failed)
    assert "order 'order-1'" in str(failed)


@every_world
def test_repeated(world: World) -> None:
    """Called again, it sends nothing and returns the same contract."""
    store, sandbox = WatchedStore(), Sandbox()
    first, second = world.run([onboard, onboard], **over(store, sandbox))

    assert (1, 1) == judged(sandbox)
    assert (False, True) == (first.value.repeated, second.value.repeated)
    assert first.value.contract.id == second.value.contract.id
    assert first.value.contract.name is not None
    assert (None, {}) == (
        second.value.contract.name,
        dict(second.value.contract.raw or {}),
    )
    assert 1 == sandbox.ledger.requests("confirm")


@every_world
@pytest.mark.parametrize(
    "calls",
    [
        [onboard] * 8,
        [create_at_once] * 8,
        [onboard_strictly, onboard] * 4,
        [create, onboard] * 4,
        [create_at_once, onboard, create] * 3,
    ],
    ids=["onboard", "at once", "strictly", "create", "mixed"],
)
def test_together(calls: list[Operation], world: World) -> None:
    """However many tell an order at once, all get the same contract."""
    store, sandbox = WatchedStore(), Sandbox()
    endings = world.together(calls, **over(store, sandbox))

    assert 1 == judged(sandbox)[0]
    assert judged(sandbox)[1] == (
        0 if store.known.state is OrderState.CREATED else 1
    )
    for each in endings:
        # Where `create` was first, a create at once can't go on with it.
        if each.error is not None:
            assert "is being onboarded" in str(each.error)
            continue
        contract = getattr(each.value, "contract", each.value)

        assert store.known.contract_id == contract.id


@every_world
def test_two_clients_share_a_store(world: World) -> None:
    """It is the store that remembers, not the client."""
    store, sandbox = WatchedStore(), Sandbox()
    first = world.one(onboard, **over(store, sandbox))
    second = world.one(onboard, **over(store, sandbox))

    assert (1, 1) == judged(sandbox)
    assert first.value.contract.id == second.value.contract.id


@every_world
def test_two_steps(world: World) -> None:
    """A contract that `create` made is confirmed by `confirm`, or onboard."""
    store, sandbox = WatchedStore(), Sandbox()

    def confirm(client: Any) -> Any:
        return client.contracts.confirm(PROMO, store.known.contract_id)

    world.run([create, confirm], **over(store, sandbox))
    state = store.known.state
    again = world.one(onboard, **over(store, sandbox))

    assert OrderState.CONFIRMED is state
    assert again.value.repeated
    assert (1, 1) == judged(sandbox)
    assert 1 == sandbox.ledger.requests("confirm")


@every_world
def test_confirm_of_a_contract_that_no_order_has(world: World) -> None:
    """It is confirmed all the same, and nothing is written."""
    store, sandbox = WatchedStore(), Sandbox()
    contract = made_before(sandbox)
    ending = world.one(
        lambda client: client.contracts.confirm(PROMO, contract),
        **over(store, sandbox),
    )

    assert contract == ending.value.id
    assert store.record() is None


OTHER = attrs.evolve(ORDER, user_data=User(email="other@example.com"))


@every_world
@pytest.mark.parametrize(
    "again",
    [
        onboarding(OTHER),
        lambda client: client.contracts.onboard("FAMILY-6", ORDER),
    ],
    ids=["another person", "another promo code"],
)
def test_other_data(again: Operation, world: World) -> None:
    """The same id with other data is an error, and nothing is sent."""
    store, sandbox = WatchedStore(), Sandbox()
    _, ending = world.run([onboard, again], **over(store, sandbox))
    failed = ending.failed

    assert isinstance(failed, OrderMismatchError)
    assert (Outcome.NOT_SENT, False) == (failed.outcome, failed.retryable)
    assert (store.time, "CONFIRMED") == (failed.told_at, failed.state)
    assert "on 2027-01-15 at 08:00 UTC, and is CONFIRMED" in str(failed)
    assert "give it its own id" in str(failed)
    assert "@" not in str(failed)
    assert store.known.contract_id == failed.contract_id
    assert (1, 1) == judged(sandbox)


@every_world
def test_other_payment_data(world: World) -> None:
    """What a payment provider says is not part of the order."""
    store, sandbox = WatchedStore(), Sandbox()
    again = onboarding(provider_payment_data={"a": "b"})
    _, ending = world.run([onboard, again], **over(store, sandbox))

    assert ending.value.repeated


@every_world
@pytest.mark.parametrize("call", CALLS)
def test_refused_then_mended(call: Operation, world: World) -> None:
    """What was refused comes back mended, under its old id."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add("status:400", on="create")

    def mended(client: Any) -> Any:
        return onboarding(OTHER)(client)

    refused, ending = world.run([call, mended], **over(store, sandbox))

    assert Outcome.REFUSED is refused.outcome
    assert not refused.failed.retryable
    assert ending.value.contract.id
    assert (1, 1) == judged(sandbox)


@pytest.mark.parametrize(
    "fault", ["status:401", "status:403", "status:429"], ids=str
)
def test_a_refusal_of_the_client(fault: str) -> None:
    """It says nothing of the order, of which the store knows nothing."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add(fault, on="create", times=2)
    ending = World.BLOCKING.one(onboard, **over(store, sandbox))

    assert Outcome.REFUSED is ending.outcome
    assert store.record() is None


@every_world
def test_the_id_is_written_before_the_confirm(world: World) -> None:
    """A kill after that finds it; a kill before that made no access."""
    store, sandbox = WatchedStore(), Sandbox()
    seen: list[int] = []
    store.after["first"] = lambda: seen.append(
        sandbox.ledger.requests("confirm")
    )
    store.before["claim"] = lambda: seen.append(
        sandbox.ledger.requests("create")
    )
    world.one(onboard, **over(store, sandbox))

    assert [0, 0] == seen
    assert ["salt", "look", "claim", "first", "mark"] == store.asked


@every_world
def test_where_a_store_runs(world: World) -> None:
    """The async client asks it in threads of its own."""
    store, sandbox = WatchedStore(), Sandbox()
    world.one(onboard, retry=AT_ONCE, **over(store, sandbox))
    mine = {each.startswith("MainThread") for each in store.threads}

    assert {world is World.BLOCKING} == mine
