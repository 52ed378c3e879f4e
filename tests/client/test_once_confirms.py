"""Confirms over a store of orders: refused, lost, or done by others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import httpx
import pytest

from sesamy_async import (
    AuthenticationError,
    ConflictError,
    Outcome,
)
from sesamy_async import _creation as creation
from sesamy_async.idempotency import (
    MemoryStore,
    OrderState,
)
from sesamy_async.sandbox import Sandbox
from support.calling import (
    World,
)
from support.marks import every_world
from support.told_orders import (
    WITHIN,
    WatchedStore,
    create,
    failing,
    judged,
    onboard,
    over,
)
from support.virtual_time import blocking


LOST = "drop-after"


@attrs.define
class Confirms:
    """Answers creates, and confirms as told."""

    store: WatchedStore
    status: int
    meanwhile: Callable[[], object] = lambda: None
    creates: int = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        if "/confirm/" not in request.url.path:
            self.creates += 1
            return httpx.Response(201, json={"id": f"c-{self.creates}"})
        self.meanwhile()
        body = {"error": {"code": "no", "message": "No."}}
        return httpx.Response(self.status, json=body)


def only_record(store: WatchedStore) -> Any:
    """Return the only record of a store."""
    [record] = store.entries(within=WITHIN)
    return record


def confirm_by_others(store: WatchedStore, contract: str) -> None:
    """Let another call note that it has confirmed the contract."""
    [record] = store.entries(within=WITHIN)
    MemoryStore.mark(
        store,
        record.key,
        OrderState.CONFIRMED,
        token="",
        contract_id=contract,
        within=WITHIN,
    )


@every_world
@pytest.mark.parametrize("repeated", [False, True])
def test_a_refused_second_confirm(world: World, *, repeated: bool) -> None:
    """Where another call has confirmed it by now, all is well."""
    store = WatchedStore()
    answers = Confirms(store, 409)
    answers.meanwhile = lambda: confirm_by_others(store, "c-1")
    calls = [create, onboard] if repeated else [onboard]
    *_, ending = world.run(
        calls, idempotency=store, transport=httpx.MockTransport(answers)
    )

    assert ending.error is None
    assert ("c-1", repeated) == (
        ending.value.contract.id,
        ending.value.repeated,
    )
    assert 1 == answers.creates


@every_world
def test_a_confirm_that_others_note_a_moment_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other call's confirm may not be written down yet."""
    monkeypatch.setattr(creation, "_OTHERS_CONFIRM", 5.0)
    store = WatchedStore()

    def later() -> None:
        if store.asked.count("look") == 3:
            confirm_by_others(store, "c-1")

    store.before["look"] = later
    mock = httpx.MockTransport(Confirms(store, 409))
    ending = world.one(onboard, idempotency=store, transport=mock)

    assert ending.error is None
    assert 3 == store.asked.count("look")


@pytest.mark.parametrize(
    ("seconds", "looks"), [(0.019, 2), (0.02, 2), (0.021, 3)]
)
def test_how_long_others_may_take_to_note_a_confirm(
    seconds: float, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks every 20 milliseconds, until that time is over."""
    monkeypatch.setattr(creation, "_OTHERS_CONFIRM", seconds)
    blocking(monkeypatch)
    store = WatchedStore()
    mock = httpx.MockTransport(Confirms(store, 409))
    ending = World.BLOCKING.one(onboard, idempotency=store, transport=mock)

    assert ConflictError is type(ending.error)
    assert 1 + looks == store.asked.count("look")


@every_world
@pytest.mark.parametrize(
    ("status", "retryable"),
    [(400, False), (409, False), (401, True), (403, True), (429, True)],
)
def test_a_refused_confirm(
    status: int,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    *,
    retryable: bool,
) -> None:
    """Otherwise it is UNKNOWN, and the order stays CREATED."""
    monkeypatch.setattr(creation, "_OTHERS_CONFIRM", 0.05)
    store = WatchedStore()
    answers = Confirms(store, status)
    ending = world.one(
        onboard, idempotency=store, transport=httpx.MockTransport(answers)
    )
    failed = ending.failed

    assert (Outcome.UNKNOWN, "confirm", "c-1", "order-1") == (
        failed.outcome,
        failed.step,
        failed.contract_id,
        failed.external_order_id,
    )
    assert retryable is failed.retryable
    assert "contracts.confirm" not in str(failed)
    assert ("settle" in str(failed)) is not retryable
    assert OrderState.CREATED is only_record(store).state
    looked = store.asked.count("look")
    assert (looked == 1) is retryable


@every_world
def test_store_down_after_a_refused_confirm(world: World) -> None:
    """Then nobody knows, and somebody has to look."""
    store = WatchedStore()
    answers = Confirms(store, 409)
    answers.meanwhile = lambda: store.before.update(look=failing())
    ending = world.one(
        onboard, idempotency=store, transport=httpx.MockTransport(answers)
    )

    assert (ConflictError, Outcome.UNKNOWN, 2) == ending.facts
    assert not ending.failed.retryable


@every_world
def test_no_token_for_the_confirm(world: World) -> None:
    """It says nothing of the contract: to onboard again goes on."""
    store, sandbox = WatchedStore(), Sandbox()

    def refuse() -> None:
        sandbox.ledger.revoke_tokens()
        sandbox.faults.add("status:403", on="token", times=9)

    def mended(client: Any) -> Any:
        sandbox.faults.clear()
        return onboard(client)

    store.after["first"] = refuse
    ending, again = world.run([onboard, mended], **over(store, sandbox))

    assert isinstance(ending.error, AuthenticationError)
    assert (Outcome.UNKNOWN, "confirm", True) == (
        ending.outcome,
        ending.failed.step,
        ending.failed.retryable,
    )
    assert again.value.repeated
    assert (1, 1) == judged(sandbox)


@every_world
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [("status:503", Outcome.UNKNOWN), (LOST, Outcome.UNKNOWN)],
)
def test_a_lost_confirm(fault: str, outcome: Outcome, world: World) -> None:
    """To onboard the order again confirms the same contract."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add(fault, on="confirm")
    ending, again = world.run([onboard, onboard], **over(store, sandbox))
    failed = ending.failed

    assert (outcome, "confirm", True, 2) == (
        failed.outcome,
        failed.step,
        failed.retryable,
        failed.attempts,
    )
    assert "make the same call again" in str(failed)
    assert "contracts.confirm" not in str(failed)
    assert again.value.repeated
    assert (1, 1) == judged(sandbox)


@every_world
def test_an_unreadable_confirm(world: World) -> None:
    """Sesamy did it, so the order is CONFIRMED."""
    store, sandbox = WatchedStore(), Sandbox()
    sandbox.faults.add("malformed", on="confirm")
    ending = world.one(onboard, **over(store, sandbox))

    assert ending.value.contract.id == store.known.contract_id
    assert OrderState.CONFIRMED is store.known.state


def test_no_advice_to_confirm(sandbox: Sandbox) -> None:
    """Without a store, a failed confirm still advises contracts.confirm."""
    sandbox.faults.add("status:503", on="confirm")
    ending = World.BLOCKING.one(onboard, **over(False, sandbox))

    assert "continue with contracts.confirm" in str(ending.error)
    assert None is ending.failed.resumable
