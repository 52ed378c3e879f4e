"""aclose(within): what was begun is ended, and nothing more begins."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import httpx
import pytest

from sesamy_async import (
    AsyncSesamy,
    ConfigurationError,
    Contract,
    Outcome,
    RateLimit,
    Sesamy,
    SesamyError,
)
from sesamy_async.idempotency import MemoryStore
from sesamy_async.sandbox import Sandbox
from support.calling import Ending, awaited, blocked
from support.marks import every_loop
from support.patience import until
from support.told_orders import (
    KEY,
    PROMO,
    WITHIN,
    WatchedStore,
    create,
    judged,
    made_before,
    onboard,
    onboarding,
    over,
)


async def drained(
    client: AsyncSesamy,
    operation: Callable[[Any], Any],
    reached: Callable[[], object],
    within: float = 10.0,
) -> Ending:
    """Close the client when the operation has come that far."""
    endings: list[Ending] = []

    async def do() -> None:
        endings.append(await awaited(operation, client))

    async with anyio.create_task_group() as group:
        group.start_soon(do)
        with anyio.fail_after(10):
            while not reached():  # noqa: ASYNC110 - threads see to it
                await anyio.sleep(0.005)
        await client.aclose(within)
    return endings[0]


@every_loop
@pytest.mark.parametrize("stored", [False, True])
def test_an_onboard_that_has_begun_is_ended(
    backend: str, *, stored: bool
) -> None:
    """Its confirm is still sent, with a new token if it needs one."""
    store, sandbox = MemoryStore(), Sandbox()
    sandbox.faults.add("delay:0.2", on="create")

    async def main() -> Ending:
        client = AsyncSesamy(**over(store if stored else False, sandbox))

        def reached() -> bool:
            if sandbox.ledger.requests("create") == 0:
                return False
            sandbox.ledger.revoke_tokens()
            return True

        ending = await drained(client, onboard, reached)
        with pytest.raises(ConfigurationError, match="closed"):
            await create(client)
        return ending

    ending = anyio.run(main, backend=backend)

    assert ending.error is None
    assert (1, 1) == judged(sandbox)
    assert 2 == sandbox.ledger.requests("token")


@every_loop
def test_an_onboard_that_takes_what_is_there_is_ended(backend: str) -> None:
    """It has created nothing itself, but it has begun."""
    store, sandbox = MemoryStore(), Sandbox()

    async def main() -> Ending:
        async with AsyncSesamy(**over(store, sandbox)) as other:
            await create(other)
        client = AsyncSesamy(**over(store, sandbox))
        called: list[Contract] = []

        async def wait(contract: Contract) -> None:
            called.append(contract)
            while not client._caller.shared.exchange.life.closing:  # noqa: ASYNC110
                await anyio.sleep(0.005)

        return await drained(
            client, onboarding(on_created=wait), lambda: called
        )

    ending = anyio.run(main, backend=backend)

    assert ending.error is None
    assert ending.value.repeated
    assert (1, 1) == judged(sandbox)


@every_loop
def test_a_create_that_waits_to_be_sent_again_is_not_waited_for(
    backend: str,
) -> None:
    """It would be refused then; it has created nothing."""
    sandbox = Sandbox()
    sandbox.faults.add("wait:9", on="create")

    async def main() -> float:
        client = AsyncSesamy(**over(False, sandbox))
        ended: list[float] = []

        async def close() -> None:
            while not sandbox.ledger.requests("create"):  # noqa: ASYNC110
                await anyio.sleep(0.005)
            await anyio.sleep(0.05)
            start = anyio.current_time()
            await client.aclose(within=8)
            ended.append(anyio.current_time() - start)
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(close)
            await awaited(onboard, client)
        return ended[0]

    assert anyio.run(main, backend=backend) < 4


@every_loop
def test_new_calls_are_refused_while_it_drains(backend: str) -> None:
    """All of them, before anything is sent."""
    sandbox = Sandbox()
    sandbox.faults.add("delay:0.3", on="create")

    async def main() -> list[Ending]:
        client = AsyncSesamy(**over(False, sandbox))
        endings: list[Ending] = []

        async def late() -> None:
            exchange = client._caller.shared.exchange
            while not exchange.life.closing:  # noqa: ASYNC110
                await anyio.sleep(0.005)
            for act in (
                create,
                onboard,
                lambda it: it.contracts.confirm(PROMO, "c"),
                lambda it: it.request("GET", "/x"),
                lambda it: it.ready(),
                lambda it: create(it.with_options()),
            ):
                endings.append(await awaited(act, client))  # noqa: PERF401
            assert not exchange.life.closed

        async with anyio.create_task_group() as group:
            group.start_soon(late)
            ending = await drained(
                client,
                onboard,
                lambda: sandbox.ledger.requests("create"),
            )
        assert ending.error is None
        return endings

    endings = anyio.run(main, backend=backend)

    assert [(ConfigurationError, Outcome.NOT_SENT, 0)] * 6 == [
        each.facts for each in endings
    ]
    assert (1, 1) == judged(sandbox)


@every_loop
@pytest.mark.parametrize("stored", [False, True])
def test_a_create_that_waits_for_the_pace(
    backend: str, *, stored: bool
) -> None:
    """It has not begun, so it is refused when its turn comes."""
    store, sandbox = WatchedStore(), Sandbox()

    async def main() -> Ending:
        pace = RateLimit(requests=5, per=1, burst=2)
        settings = over(store if stored else False, sandbox, rate_limit=pace)
        client = AsyncSesamy(**settings)
        await onboard(client)
        store._records.clear()
        ending: list[Ending] = []

        async def wait() -> None:
            ending.append(await awaited(onboard, client))

        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await anyio.sleep(0.05)
            start = time.monotonic()
            await client.aclose()

            assert time.monotonic() - start < 1.0
        return ending[0]

    ending = anyio.run(main, backend=backend)

    assert (ConfigurationError, Outcome.NOT_SENT) == ending.facts[:2]
    assert "create" == ending.failed.step
    assert (1, 1) == judged(sandbox)


@every_loop
def test_within_runs_out(backend: str) -> None:
    """Then the connections are closed; the contract stays known."""
    store, sandbox = MemoryStore(), Sandbox()

    async def main() -> tuple[Ending, float]:
        client = AsyncSesamy(**over(store, sandbox))

        async def linger(_: Contract) -> None:
            while not client._caller.shared.exchange.life.closed:  # noqa: ASYNC110
                await anyio.sleep(0.005)

        start = time.monotonic()
        ending = await drained(
            client,
            onboarding(on_created=linger),
            lambda: judged(sandbox)[0],
            0.1,
        )
        return ending, time.monotonic() - start

    ending, seconds = anyio.run(main, backend=backend)
    failed = ending.failed

    assert seconds < 5.0
    assert (ConfigurationError, Outcome.UNKNOWN) == ending.facts[:2]
    assert ("confirm", True) == (failed.step, failed.retryable)
    assert "The confirm was not sent." in str(failed)


@every_loop
def test_an_onboard_that_waits_for_another_call(backend: str) -> None:
    """Nobody waits for it; what the other call made stays known."""
    store, sandbox = WatchedStore(), Sandbox()
    contract = made_before(sandbox)
    holder = store.claim_for_others(careful=False)

    def make() -> None:
        MemoryStore.first(
            store,
            KEY,
            holder,
            contract,
            confirmed=False,
            shared=False,
            within=WITHIN,
        )

    async def main() -> Ending:
        client = AsyncSesamy(**over(store, sandbox))
        endings: list[Ending] = []

        async def wait() -> None:
            endings.append(await awaited(onboard, client))

        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            while "look" not in store.asked:  # noqa: ASYNC110 - a thread
                await anyio.sleep(0.005)
            await client.aclose()
            make()
        return endings[0]

    ending = anyio.run(main, backend=backend)
    failed = ending.failed

    assert (ConfigurationError, Outcome.UNKNOWN, 0) == ending.facts
    assert ("confirm", contract, True) == (
        failed.step,
        failed.contract_id,
        failed.retryable,
    )
    assert (1, 0) == judged(sandbox)


@every_loop
def test_cancelled_while_it_drains(backend: str) -> None:
    """It closes the connections all the same."""
    sandbox = Sandbox()
    sandbox.faults.add("delay:0.5", on="create")

    async def main() -> None:
        client = AsyncSesamy(**over(False, sandbox))
        async with anyio.create_task_group() as group:
            group.start_soon(awaited, onboard, client)
            while not sandbox.ledger.requests("create"):  # noqa: ASYNC110
                await anyio.sleep(0.005)
            with anyio.move_on_after(0.05):
                await client.aclose()
            assert client._caller.shared.exchange.life.closed
            await client.aclose()

    anyio.run(main, backend=backend)

    assert (1, 0) == judged(sandbox)


def test_closed_from_another_thread() -> None:
    """The blocking client drains, too."""
    store, sandbox = MemoryStore(), Sandbox()
    client = Sesamy(**over(store, sandbox))
    exchange = client._inner._caller.shared.exchange

    def wait(_: Contract) -> None:
        until(lambda: exchange.life.closing)
        time.sleep(0.05)

    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(blocked, onboarding(on_created=wait), client)
        until(lambda: judged(sandbox)[0])
        client.close()

        assert ending.result(10).error is None
    assert (1, 1) == judged(sandbox)
    assert isinstance(blocked(onboard, client).error, ConfigurationError)


def test_nothing_to_wait_for() -> None:
    """A client that has nothing to do is closed at once."""
    client = Sesamy(**over(False, Sandbox()))
    create(client)
    start = time.monotonic()
    client.close()

    assert time.monotonic() - start < 1.0


@pytest.mark.parametrize("wrong", [-1, math.nan, math.inf, "1", None, True])
def test_wrong_values(wrong: Any) -> None:
    """The client stays as it is, and the error names what is wrong."""
    client = Sesamy(**over(False, Sandbox()))
    with pytest.raises(ConfigurationError, match="within must be a"):
        client.close(wrong)
    create(client)
    client.close(0)
    client.close()


def test_a_copy_does_not_drain() -> None:
    """Closing a copy does nothing."""
    client = Sesamy(**over(False, Sandbox()))
    client.with_options().close()
    create(client)
    client.close()


def test_a_child_does_not_wait_for_threads_of_its_parent() -> None:
    """What another thread had begun at a fork is never ended there."""
    client = Sesamy(**over(False, Sandbox()))
    exchange = client._inner._caller.shared.exchange
    exchange.life.begun.add(object())
    exchange.life.after_fork()
    start = time.monotonic()
    client.close()

    assert time.monotonic() - start < 5.0


def test_what_a_call_leaves() -> None:
    """However a call ends, nothing is left that a client would wait for."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("cut", request=request)

    client = Sesamy(
        **{
            **over(MemoryStore(), Sandbox()),
            "transport": httpx.MockTransport(fail),
        }
    )
    with pytest.raises(SesamyError):
        onboard(client.with_options(deadline=0.1))

    assert not client._inner._caller.shared.exchange.life.begun
    client.close()
