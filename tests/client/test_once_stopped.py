"""Calls over a store of orders that are cancelled: at each of their awaits."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest

from proof.interrupting import interrupted
from proof.stepping import Cut, Stepped, cut
from sesamy_async import (
    AsyncSesamy,
    Outcome,
    OutcomeUnknownError,
    Sesamy,
    what_became,
)
from sesamy_async.idempotency import OrderState
from sesamy_async.sandbox import Sandbox
from support.calling import ORDER, Operation
from support.marks import every_loop
from support.patience import until
from support.told_orders import (
    PROMO,
    WatchedStore,
    create,
    create_at_once,
    judged,
    onboard,
    onboard_strictly,
    over,
)


CALLS = (onboard, onboard_strictly, create_at_once, create)
METHODS = ("salt", "look", "claim", "first", "mark")
_MOST = 200  # Waits of one call.

Cutter = Callable[[Coroutine[Any, Any, Any], int], Coroutine[Any, Any, Cut]]


async def cut_by_scope(coroutine: Coroutine[Any, Any, Any], at: int) -> Cut:
    """Cancel it at its n-th wait, as a scope of anyio does."""
    ended = Cut(waited=True)
    with anyio.CancelScope() as scope:
        stepped = Stepped(coroutine, at, scope.cancel)
        try:
            ended = Cut(waited=True, value=await stepped)
        except BaseException as error:
            ended = Cut(waited=True, error=error)
            raise
        finally:
            waited = stepped.waits >= at
    return Cut(waited, ended.value, ended.error)


KINDS: list[tuple[str, Cutter]] = [
    ("asyncio", cut),
    ("asyncio", cut_by_scope),
    ("trio", cut),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("backend", "cutter"), KINDS, ids=["native", "anyio", "trio"]
)
def test_cancelled_at_each_await(
    backend: str, cutter: Cutter, call: Operation
) -> None:
    """The id of an answered create is kept, and nothing is doubled."""

    async def main(at: int) -> bool:
        store, sandbox = WatchedStore(), Sandbox()
        for name in METHODS:  # Else a thread is done before it is waited for.
            store.before[name] = lambda: time.sleep(0.002)
        async with AsyncSesamy(**over(store, sandbox)) as client:
            ended = await cutter(call(client), at)
        check(ended, store, sandbox)
        finish(call, store, sandbox)
        return ended.waited

    waits = 0
    while anyio.run(main, waits + 1, backend=backend):
        waits += 1
        assert waits < _MOST
    assert waits >= len(METHODS) - (call in {create, create_at_once})


@pytest.mark.parametrize("call", CALLS)
def test_interrupted_at_each_wait(call: Operation) -> None:
    """Ctrl-C is the same, also within the store."""

    def main(at: int) -> bool:
        store, sandbox = WatchedStore(), Sandbox()
        for name in METHODS:
            store.before[name] = store.after[name] = lambda: time.sleep(0)
        with Sesamy(**over(store, sandbox)) as client:
            ended = interrupted(lambda: call(client), at)
        store.before.clear()
        store.after.clear()
        check(ended, store, sandbox)
        finish(call, store, sandbox)
        return ended.waited

    moments = 0
    while main(moments + 1):
        moments += 1
        assert moments < _MOST
    assert moments >= 16


def check(ended: Cut, store: WatchedStore, sandbox: Sandbox) -> None:
    """Compare what the exception says with what the ledger knows."""
    if "first" in store.asked:
        # Its thread may still be at it.
        until(lambda: (found := store.record()) and found.contract_id)
    made, confirmed = judged(sandbox)
    if ended.error is None:
        return
    assert not isinstance(ended.error, Exception)
    became = what_became(ended.error)
    assert became is not None
    assert "order-1" == became.external_order_id
    assert "contracts.confirm" not in " ".join(
        str(each) for each in ended.error.__notes__[-1:]
    )
    if made:
        assert Outcome.NOT_SENT is not became.outcome
        assert became.contract_id in {
            None,
            sandbox.ledger.contracts("order-1")[0].id,
        }
    if became.outcome is Outcome.APPLIED:
        assert made
    if became.contract_id is not None:
        assert became.contract_id == store.known.contract_id
    if became.step == "confirm":
        assert became.contract_id
    elif confirmed:
        assert became.outcome in {Outcome.UNKNOWN, Outcome.APPLIED}


def finish(call: Operation, store: WatchedStore, sandbox: Sandbox) -> None:
    """Make the same call again, when all claims have run out."""
    store.time += 3600.0
    careful = call in {onboard_strictly, create_at_once}
    with Sesamy(**over(store, sandbox)) as client:
        try:
            call(client)
        except OutcomeUnknownError:
            assert careful
            assert OrderState.UNKNOWN is store.known.state
            assert judged(sandbox)[0] <= 1
        else:
            assert judged(sandbox)[1] == (call is not create)
    if careful:
        assert judged(sandbox)[0] <= 1


@every_loop
def test_a_claim_is_given_up_after_it_was_made(backend: str) -> None:
    """Who is cancelled while the store claims leaves no claim behind."""

    async def main() -> None:
        store, sandbox = WatchedStore(), Sandbox()
        # The claim is slow, so that what follows could overtake it.
        claimed = threading.Event()
        store.before["claim"] = lambda: time.sleep(0.1)
        store.after["claim"] = claimed.set
        async with AsyncSesamy(**over(store, sandbox)) as client:

            async def stop(task: Any) -> None:
                while "claim" not in store.asked:  # noqa: ASYNC110 - a thread
                    await anyio.sleep(0.005)
                task.cancel()

            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as group:
                    native = backend == "asyncio"
                    task: Any = asyncio.current_task() if native else scope
                    group.start_soon(stop, task)
                    try:
                        await create_at_once(client)
                    except BaseException as error:
                        errors.append(error)
                        if not native:
                            raise
                        task.uncancel()
        until(claimed.is_set)

        assert ["claim", "release"] == store.asked[-2:]
        assert store.record() is None
        [became] = map(what_became, errors)
        assert became is not None
        assert Outcome.NOT_SENT is became.outcome

    errors: list[BaseException] = []
    anyio.run(main, backend=backend)


@every_loop
def test_cancelled_while_it_waits_for_another_call(backend: str) -> None:
    """Nothing was sent by it, and it says so."""

    async def main() -> None:
        store, sandbox = WatchedStore(), Sandbox()
        store.claim_for_others(careful=False)
        async with AsyncSesamy(**over(store, sandbox)) as client:
            with anyio.move_on_after(0.1):
                try:
                    await onboard(client)
                except BaseException as error:
                    became.append(what_became(error))
                    raise
        assert OrderState.CLAIMED is store.known.state

    became: list[Any] = []
    anyio.run(main, backend=backend)
    [known] = became

    assert ("order-1", "create", Outcome.NOT_SENT, None) == (
        known.external_order_id,
        known.step,
        known.outcome,
        known.contract_id,
    )


@every_loop
@pytest.mark.parametrize("stored", [False, True])
def test_cancelled_in_the_confirm(backend: str, *, stored: bool) -> None:
    """The contract is named, and how to go on: with a store, by onboard."""

    async def main() -> None:
        store, sandbox = WatchedStore(), Sandbox()
        sandbox.faults.add("delay:5", on="confirm")
        settings = over(store if stored else False, sandbox)
        async with AsyncSesamy(**settings) as client:
            with anyio.move_on_after(0.2):
                try:
                    await onboard(client)
                except BaseException as error:
                    errors.append(error)
                    raise
        [sold] = sandbox.ledger.contracts("order-1")
        ids.append(sold.id)

    errors: list[BaseException] = []
    ids: list[str] = []
    anyio.run(main, backend=backend)
    became = what_became(errors[0])
    note = errors[0].__notes__[-1]

    assert became is not None
    assert ("confirm", Outcome.UNKNOWN, ids[0]) == (
        became.step,
        became.outcome,
        became.contract_id,
    )
    assert ("make the same call again" in note) is stored
    assert ("contracts.confirm" in note) is not stored


@every_loop
def test_a_middleware_that_is_cancelled_after_a_create(backend: str) -> None:
    """The contract is in the store, and the note names it."""

    async def linger(call: Any, proceed: Any) -> Any:
        response = await proceed(call)
        if call.contract_id is None:
            await anyio.sleep(30)
        return response

    async def main() -> None:
        store, sandbox = WatchedStore(), Sandbox()
        settings = over(store, sandbox, middleware=[linger])
        async with AsyncSesamy(**settings) as client:
            for call in (onboard, create):
                with anyio.move_on_after(0.2):
                    try:
                        await call(client)
                    except BaseException as error:
                        became.append(what_became(error))
                        raise
                store.put(OrderState.UNKNOWN)
                store._records.clear()
                store._owners.clear()

    became: list[Any] = []
    anyio.run(main, backend=backend)

    assert [
        ("confirm", Outcome.UNKNOWN),
        ("create", Outcome.APPLIED),
    ] == [(each.step, each.outcome) for each in became]
    assert all(each.contract_id for each in became)


@every_loop
def test_the_deadline_between_create_and_confirm(backend: str) -> None:
    """The id is written all the same; the next call confirms it."""

    async def main() -> None:
        store, sandbox = WatchedStore(), Sandbox()
        store.before["first"] = lambda: time.sleep(0.5)
        settings = over(store, sandbox)
        async with AsyncSesamy(**settings) as client:
            await client.ready()
            hasty = client.with_options(deadline=0.3)
            with pytest.raises(Exception, match="confirm was not") as caught:
                await hasty.contracts.onboard(PROMO, ORDER)
            store.before.clear()
            again = await onboard(client)

        failed: Any = caught.value
        assert ("confirm", Outcome.UNKNOWN, True) == (
            failed.step,
            failed.outcome,
            failed.retryable,
        )
        assert again.repeated
        assert (1, 1) == judged(sandbox)

    anyio.run(main, backend=backend)
