"""Calls over a store of orders: claims, and who waits for whom."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from sesamy_async import (
    BadRequestError,
    DeadlineExceededError,
    Outcome,
    OutcomeUnknownError,
    RateLimit,
    RetryPolicy,
)
from sesamy_async.idempotency import (
    Holder,
    MemoryStore,
    OrderState,
    StoreUnavailable,
)
from sesamy_async.sandbox import Sandbox
from support.calling import AT_ONCE, ORDER, Operation, World
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
from support.virtual_time import blocking


class Others:
    """Another call, which does something when the store is asked."""

    def __init__(self, store: WatchedStore) -> None:
        self.store = store
        self.holder = store.claim_for_others(careful=False)

    def after(self, looks: int, act: Callable[[], object]) -> None:
        """Do it after so many looks."""

        def look() -> None:
            if self.store.asked.count("look") == looks:
                act()

        self.store.before["look"] = look

    def make(self) -> None:
        """Make a contract."""
        MemoryStore.first(
            self.store,
            KEY,
            self.holder,
            "theirs",
            confirmed=True,
            shared=False,
            within=WITHIN,
        )

    def end(self, state: OrderState) -> None:
        """Note how it ended."""
        token = self.holder.token
        MemoryStore.mark(self.store, KEY, state, token=token, within=WITHIN)

    def give_up(self) -> None:
        """Release the claim."""
        token = self.holder.token
        MemoryStore.release(
            self.store, KEY, token=token, strays=0, within=WITHIN
        )


@every_world
@pytest.mark.parametrize("call", [onboard, create, create_at_once])
def test_waits_for_another_call(call: Operation, world: World) -> None:
    """A call goes on with what another one makes meanwhile."""
    store, sandbox = WatchedStore(), Sandbox()
    others = Others(store)
    others.after(3, others.make)
    ending = world.one(call, **over(store, sandbox))
    contract = getattr(ending.value, "contract", ending.value)

    assert "theirs" == contract.id
    assert 0 == sandbox.ledger.total
    assert 3 == store.asked.count("look")


@every_world
@pytest.mark.parametrize(
    "ended",
    [
        Others.give_up,
        lambda others: others.end(OrderState.REFUSED),
        lambda others: setattr(others.store, "time", others.store.time + 61),
    ],
    ids=["gives up", "is refused", "dies"],
)
def test_takes_over(ended: Callable[[Others], object], world: World) -> None:
    """Where the other call made nothing, this one creates."""
    store, sandbox = WatchedStore(), Sandbox()
    others = Others(store)
    others.after(2, partial(ended, others))
    ending = world.one(onboard, **over(store, sandbox))

    assert not ending.value.repeated
    assert (1, 1) == judged(sandbox)


@every_world
def test_waits_only_until_its_deadline(world: World) -> None:
    """Then nobody knows what the other call did, but it may be repeated."""
    store, sandbox = WatchedStore(), Sandbox()
    Others(store)
    settings = over(store, sandbox, deadline=0.2)
    ending = world.one(onboard, **settings)

    assert (DeadlineExceededError, Outcome.UNKNOWN, 0) == ending.facts
    assert ending.failed.retryable
    assert ending.seconds < 1.0
    assert 0 == sandbox.ledger.requests("create")


@pytest.mark.parametrize(
    ("deadline", "pauses"),
    [
        (0.019, []),
        (0.02, []),
        (0.021, [0.02]),
        (2.0, [0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5]),
    ],
)
def test_how_often_it_looks(
    deadline: float, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pauses double up to half a second; none ends at the deadline."""
    store, slept = WatchedStore(), blocking(monkeypatch)
    Others(store)
    settings = over(store, Sandbox(), deadline=deadline)
    ending = World.BLOCKING.one(onboard, **settings)

    assert DeadlineExceededError is type(ending.error)
    assert pauses == slept


_TRIES = 5


def _note(store: WatchedStore, known: list[Any]) -> None:
    known.append(store.record())


@every_world
@pytest.mark.parametrize("call", [onboard, onboard_strictly, create_at_once])
def test_holds_no_order_while_it_waits(call: Operation, world: World) -> None:
    """Sesamy may ask for a longer wait than a claim lasts.

    Another call would take the order for one that was cut off.
    """
    for _ in range(_TRIES):
        store, sandbox = WatchedStore(), Sandbox()
        sandbox.faults.add("status:429", on="create")
        known: list[Any] = []
        store.after["release"] = partial(_note, store, known)
        settings = over(store, sandbox, retry=RetryPolicy(base=0.01))
        ending = world.one(call, **settings)
        # Where the wait is over at once, nothing is given up for it.
        if known:
            break

    assert ending.value
    assert [None] == known
    # It is claimed anew: to renew would not do, since it has no claim.
    assert ["claim", "release", "claim"] == [
        each for each in store.asked if each in {"claim", "release", "renew"}
    ]
    assert OrderState.CONFIRMED is store.known.state
    assert 0 == store.known.strays
    assert (1, 1) == judged(sandbox)


@every_world
@pytest.mark.parametrize("careful", [False, True])
def test_another_is_faster_after_a_wait(
    world: World, *, careful: bool
) -> None:
    """Who comes while a call waits makes the contract, and it takes that."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add("status:429", on="create")

    def snatch() -> None:
        del store.after["release"]
        others = Others(store)
        others.after(2, others.make)

    store.after["release"] = snatch
    settings = over(store, sandbox, retry=RetryPolicy(base=0.01))
    ending = world.one(onboard_strictly if careful else onboard, **settings)

    assert (True, "theirs") == (
        ending.value.repeated,
        ending.value.contract.id,
    )
    assert 0 == sandbox.ledger.total


@every_world
def test_holds_the_order_where_a_create_may_have_been_done(
    world: World,
) -> None:
    """Then others need not make one more contract while it waits."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add("drop-after", on="create")
    settings = over(store, sandbox, retry=RetryPolicy(base=0.01))
    ending = world.one(onboard, **settings)

    assert 1 == ending.value.strays
    assert "release" not in store.asked


@every_world
def test_claimed_by_another_at_the_last_moment(world: World) -> None:
    """Between its look and its claim, another call may be faster."""
    store, sandbox = WatchedStore(), Sandbox()

    def snatch() -> None:
        store.before.clear()
        others = Others(store)
        others.make()

    store.before["claim"] = snatch
    ending = world.one(onboard, **over(store, sandbox))

    assert ("theirs", True) == (
        ending.value.contract.id,
        ending.value.repeated,
    )
    assert 0 == sandbox.ledger.total


@every_world
def test_taken_over_while_it_is_slow(world: World) -> None:
    """Whose claim ran out does not create again, but looks again."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add("drop-after", on="create")

    def snatch() -> None:
        store.time += 6.0
        Others(store).make()

    store.before["renew"] = snatch
    ending = world.one(onboard, **over(store, sandbox, retry=AT_ONCE))

    assert "theirs" == ending.value.contract.id
    assert ending.value.repeated
    assert (1, 0) == judged(sandbox)
    # Its own create, which the new claim counts, too.
    assert 2 == store.known.strays


@every_world
@pytest.mark.parametrize("then", ["deadline", "store", "refused"])
def test_fails_after_it_was_taken_over(then: str, world: World) -> None:
    """What an earlier create may have done, later steps can't undo."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add("drop-after", on="create")

    def snatch() -> None:
        store.time += 6.0
        others = Others(store)
        if then == "store":
            store.before["look"] = failing()
        elif then == "refused":
            sandbox.faults.add("status:400", on="create")
            others.give_up()

    store.before["renew"] = snatch
    deadline = 0.3 if then == "deadline" else 20.0
    settings = over(store, sandbox, retry=AT_ONCE, deadline=deadline)
    ending = world.one(onboard, **settings)
    kind = {
        "deadline": DeadlineExceededError,
        "store": StoreUnavailable,
        "refused": BadRequestError,
    }[then]
    attempts = 2 if then == "refused" else 1

    assert (kind, Outcome.UNKNOWN, attempts) == ending.facts
    assert ending.failed.retryable
    assert "make the same call again" in str(ending.failed)


@every_world
@pytest.mark.parametrize("lost", [False, True])
def test_refused_after_others_were_faster(world: World, *, lost: bool) -> None:
    """It is a refusal of the order, unless an earlier create was lost."""
    store, sandbox = WatchedStore(), Sandbox()
    if lost:
        sandbox.faults.add("drop-after", on="create")
    sandbox.faults.add("status:400", on="create")

    def snatch() -> None:
        store.before.pop("claim", None)
        others = Others(store)
        others.after(1 + store.asked.count("look"), others.give_up)

    def overtake() -> None:
        store.time += 6.0
        snatch()
        store.before["claim"] = snatch

    store.before["renew" if lost else "claim"] = overtake if lost else snatch
    ending = world.one(onboard, **over(store, sandbox, retry=AT_ONCE))
    outcome = Outcome.UNKNOWN if lost else Outcome.REFUSED

    assert (BadRequestError, outcome, 1 + lost) == ending.facts
    assert 2 + lost == store.asked.count("look")


@every_world
@pytest.mark.parametrize(
    ("call", "timeout", "deadline", "careful", "lasts"),
    [
        (onboard, 30.0, 120.0, False, 5.0),
        (create, 30.0, 120.0, False, 5.0),
        (onboard_strictly, 30.0, 120.0, True, 40.0),
        (create_at_once, 30.0, 120.0, True, 40.0),
        (create_at_once, 30.0, 15.0, True, 25.0),
        (create_at_once, math.inf, math.inf, True, 7 * 86_400.0),
    ],
)
def test_how_long_a_claim_lasts(
    call: Operation,
    timeout: float,
    deadline: float,
    lasts: float,
    world: World,
    *,
    careful: bool,
) -> None:
    """A careful one outlives its request; a repeatable one spares strays."""
    store, sandbox = WatchedStore(), Sandbox()
    seen: list[Any] = []
    store.after["claim"] = lambda: seen.append(store.known)
    settings = over(store, sandbox, timeout=timeout, deadline=deadline)
    world.one(call, **settings)
    [record] = seen

    assert (careful, 32) == (record.careful, len(record.token))
    assert lasts == pytest.approx(record.left, abs=1.0)
    assert record.busy >= record.left - 1.0


@every_world
def test_claims_after_it_has_waited(world: World) -> None:
    """A claim is made after all waits, so that it does not run out there."""
    store, sandbox = WatchedStore(), Sandbox()
    settings = over(
        store,
        sandbox,
        rate_limit=RateLimit(requests=1, per=60, burst=1),
        deadline=3.0,
    )
    ending = world.one(onboard, **settings)

    assert Outcome.NOT_SENT is ending.outcome
    assert ["salt", "look"] == store.asked


@every_world
def test_renewed_at_each_attempt(world: World) -> None:
    """A claim lasts for one attempt, and is renewed for the next."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add("wait:0", on="create", times=2)
    settings = over(store, sandbox, retry=AT_ONCE)
    ending = world.one(create_at_once, **settings)

    assert ending.error is None
    assert ["claim", "renew", "renew"] == [
        each for each in store.asked if each in {"claim", "renew"}
    ]
    assert (1, 1) == judged(sandbox)


@every_world
def test_a_claim_that_was_made_although_the_store_failed(
    world: World,
) -> None:
    """It is this call's own, so it goes on under it."""
    store, sandbox = WatchedStore(), Sandbox()
    store.after["claim"] = failing(StoreUnavailable("Cut."), times=1)
    ending = world.one(create_at_once, **over(store, sandbox))

    assert ending.error is None
    assert (1, 1) == judged(sandbox)


@every_world
def test_a_claim_in_doubt_is_given_up(world: World) -> None:
    """If the call ends without a create, nobody has to wait for it."""
    store, sandbox = WatchedStore(), Sandbox()
    store.after["claim"] = failing()
    ending = world.one(create_at_once, **over(store, sandbox))

    assert (StoreUnavailable, Outcome.NOT_SENT, 1) == ending.facts
    assert store.record() is None


@every_world
def test_a_claim_in_doubt_that_was_not_made(world: World) -> None:
    """Where a retry finds no claim to renew, it claims again."""
    store, sandbox = WatchedStore(), Sandbox()
    down = StoreUnavailable("Down.", retryable=False)
    down.transient = True
    store.before["claim"] = failing(down, times=1)
    settings = over(store, sandbox, retry=RetryPolicy(base=0.0), deadline=9)
    ending = world.one(create_at_once, **settings)

    assert ending.error is None
    assert (1, 1) == judged(sandbox)


@every_world
def test_resend_unknown(world: World) -> None:
    """Who says that Sesamy knows the id may send a careful create again."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add("status:503", on="create", times=4)
    retry = RetryPolicy(attempts=2, base=0.0, resend_unknown=True)
    call = create_at_once
    first, again = world.run([call, call], **over(store, sandbox, retry=retry))

    assert Outcome.UNKNOWN is first.outcome
    assert OrderState.UNKNOWN is store.known.state
    assert isinstance(again.error, OutcomeUnknownError)
    assert 2 == sandbox.ledger.requests("create")


@every_world
def test_a_careful_claim_that_was_taken_after_a_lost_create(
    world: World,
) -> None:
    """Its own create may have been done, so a person has to look."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add("status:503", on="create", times=4)

    def doubt() -> None:
        store.time += 3600.0
        MemoryStore.claim(store, KEY, Holder(token="x"), within=WITHIN)

    store.before["renew"] = doubt
    retry = RetryPolicy(attempts=2, base=0.0, resend_unknown=True)
    ending = world.one(create_at_once, **over(store, sandbox, retry=retry))

    assert (OutcomeUnknownError, Outcome.UNKNOWN, 1) == ending.facts
    assert OrderState.UNKNOWN is store.known.state


@every_world
def test_an_order_of_another_vendor(world: World) -> None:
    """Each publisher has order ids of its own."""
    store = MemoryStore()
    number = iter(range(9))

    def answer(request: httpx.Request) -> httpx.Response:
        if "/confirm/" in request.url.path:
            return httpx.Response(204)
        return httpx.Response(201, json={"id": f"c-{next(number)}"})

    def elsewhere(client: Any) -> Any:
        return client.contracts.onboard("SPRING-12", ORDER, vendor_id="other")

    first, second = world.run(
        [onboard, elsewhere],
        idempotency=store,
        transport=httpx.MockTransport(answer),
    )

    assert ("c-0", "c-1") == (
        first.value.contract.id,
        second.value.contract.id,
    )
