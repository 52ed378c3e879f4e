"""on_created: hands out the contract before it is confirmed."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import pytest

from sesamy_async import (
    AsyncSesamy,
    Contract,
    InvalidRequestError,
    Outcome,
    SesamyError,
    UnreadableResponseError,
    what_became,
)
from sesamy_async.idempotency import OrderState
from sesamy_async.sandbox import Sandbox
from support.calling import World
from support.marks import every_loop, every_world
from support.told_orders import (
    WatchedStore,
    create,
    judged,
    onboard,
    onboarding,
    over,
)


@every_world
@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("kind", ["plain", "async", "returns"])
def test_called(kind: str, world: World, *, stored: bool) -> None:
    """It is called, and awaited if it can be, before the confirm leaves."""
    store, sandbox = WatchedStore(), Sandbox()
    seen: list[tuple[str, int, bool]] = []

    def plain(contract: Contract) -> None:
        written = store.record() is not None
        sent = sandbox.ledger.requests("confirm")
        seen.append((contract.id, sent, written))

    async def awaited(contract: Contract) -> None:
        plain(contract)

    def returns(contract: Contract) -> Any:
        plain(contract)
        return 5

    given = {"plain": plain, "async": awaited, "returns": returns}[kind]
    settings = over(store if stored else False, sandbox)
    ending = world.one(onboarding(on_created=given), **settings)

    assert [(ending.value.contract.id, 0, stored)] == seen
    assert (1, 1) == judged(sandbox)


@every_world
def test_called_again(world: World) -> None:
    """It is called for each onboard that confirms, but not after that."""
    store, sandbox = WatchedStore(), Sandbox()
    seen: list[str] = []

    def save(contract: Contract) -> None:
        seen.append(contract.id)
        if len(seen) == 1:
            sandbox.faults.add("status:503", on="confirm")

    call = onboarding(on_created=save)
    *_, ending = world.run([create, call, call, call], **over(store, sandbox))

    assert 2 == len(seen)
    assert {ending.value.contract.id} == {*seen}


@every_world
@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize(
    "raised",
    [
        ValueError("CANARY"),
        UnreadableResponseError("Another call's.", outcome=Outcome.APPLIED),
        SesamyError("Another call's.", outcome=Outcome.REFUSED),
    ],
    ids=["ValueError", "APPLIED", "REFUSED"],
)
def test_raises(raised: Exception, world: World, *, stored: bool) -> None:
    """Then nothing is confirmed, and the error says how to go on."""
    store, sandbox = WatchedStore(), Sandbox()

    async def fail(_: Contract) -> None:
        raise raised

    settings = over(store if stored else False, sandbox)
    ending, *again = world.run(
        [onboarding(on_created=fail), *([onboard] if stored else [])],
        **settings,
    )
    failed = ending.failed
    [sold] = sandbox.ledger.contracts("order-1")

    assert (SesamyError, Outcome.UNKNOWN, 1) == ending.facts
    assert ("contracts.onboard", "order-1", "confirm", sold.id) == (
        failed.operation,
        failed.external_order_id,
        failed.step,
        failed.contract_id,
    )
    assert stored is failed.retryable
    assert f"{type(raised).__name__} was raised by on_created." in str(failed)
    assert "The confirm was not sent." in str(failed)
    assert ("contracts.confirm" in str(failed)) is not stored
    assert "CANARY" not in str(failed)
    assert raised is failed.__cause__
    for each in again:
        assert each.value.repeated
        assert each.value.contract.id == sold.id
        assert OrderState.CONFIRMED is store.known.state
    assert (1, len(again)) == judged(sandbox)


@every_loop
def test_cancelled(backend: str) -> None:
    """The note names the contract; to onboard again confirms it."""
    store, sandbox = WatchedStore(), Sandbox()
    found: list[Any] = []

    async def linger(_: Contract) -> None:
        await anyio.sleep(30)

    async def main() -> None:
        async with AsyncSesamy(**over(store, sandbox)) as client:
            with anyio.move_on_after(0.2):
                try:
                    await onboarding(on_created=linger)(client)
                except BaseException as error:
                    found.append(what_became(error))
                    raise
            await onboard(client)

    anyio.run(main, backend=backend)
    [became] = found

    assert ("confirm", Outcome.UNKNOWN, store.known.contract_id) == (
        became.step,
        became.outcome,
        became.contract_id,
    )
    assert (1, 1) == judged(sandbox)


@every_world
def test_no_function(world: World) -> None:
    """It is refused before anything is sent."""
    sandbox = Sandbox()
    ending = world.one(onboarding(on_created=5), **over(False, sandbox))

    assert (InvalidRequestError, Outcome.NOT_SENT, 0) == ending.facts
    assert "on_created must be a function" in str(ending.error)
    assert 0 == sandbox.ledger.total


def test_what_suspends_in_the_blocking_client() -> None:
    """There it has no event loop; the error says so, by its cause."""
    sandbox = Sandbox()

    async def suspend(_: Contract) -> None:
        await anyio.lowlevel.checkpoint()

    settings = over(False, sandbox)
    ending = World.BLOCKING.one(onboarding(on_created=suspend), **settings)

    assert "confirm" == ending.failed.step
    assert ending.failed.__cause__ is not None
