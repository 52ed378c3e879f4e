"""Renewing a token, in time and ahead of time."""

from __future__ import annotations

import anyio
import pytest

from sesamy_async.auth import MemoryTokenStore
from sesamy_async.errors import (
    APIError,
    ConnectionFailedError,
    DeadlineExceededError,
    SesamyError,
)
from support.token_world import LIFE, Endpoint, World, fails


pytestmark = pytest.mark.usefixtures("bound_in_time")


async def test_an_expired_token_is_renewed() -> None:
    """Expiry is read on the monotonic clock."""
    world = World()
    await world.value()
    world.runtime.time += LIFE

    assert await world.value() == "Bearer token-2"


async def test_a_token_without_life_is_for_one_call() -> None:
    """It is used by those who waited for it, and not kept."""

    async def act(number: int) -> None:
        del number
        await anyio.sleep(0.01)

    store = MemoryTokenStore()
    world = World(Endpoint(act, life=0), store=store)

    assert ({"Bearer token-1"}, "Bearer token-2", {}) == (
        set(await world.crowd(10)),
        await world.value(),
        store._tokens,
    )


async def test_ahead_of_time_one_renews_and_nobody_waits() -> None:
    """All others go on with the token that still lives."""
    release = anyio.Event()

    async def act(number: int) -> None:
        if number == 2:
            await release.wait()

    world = World(Endpoint(act))
    await world.value()
    world.runtime.time += LIFE - 200
    renewed: list[str] = []

    async def renew() -> None:
        renewed.append(await world.value())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(renew)
        await anyio.wait_all_tasks_blocked()
        others = await world.crowd(100)
        release.set()

    assert ({"Bearer token-1"}, ["Bearer token-2"], 2) == (
        set(others),
        renewed,
        len(world.endpoint.calls),
    )


@pytest.mark.parametrize(
    ("error", "failing"),
    [
        (ConnectionFailedError("x"), [2]),
        (DeadlineExceededError("x"), [2]),
        (APIError("x", status_code=503), [2]),
        (APIError("x", status_code=403), [2, 3]),  # In both encodings.
    ],
)
async def test_a_failed_early_renewal_is_no_error(
    error: SesamyError, failing: list[int]
) -> None:
    """The token still lives; it is tried again, but not at once."""
    world = World(fails(error, *failing))
    await world.value()
    world.runtime.time += LIFE - 200
    failed = [await world.value() for _ in range(10)]
    calls = len(world.endpoint.calls)
    world.runtime.time += 10

    assert (
        failed,
        calls,
        await world.value(),
    ) == (
        ["Bearer token-1"] * 10,
        failing[-1],
        f"Bearer token-{failing[-1] + 1}",
    )


async def test_an_early_renewal_does_not_use_up_the_call() -> None:
    """It gets ten seconds at most, and less if the call has less."""
    world = World(fails(ConnectionFailedError("x"), 2, 3))
    await world.value()
    world.runtime.time += LIFE - 200
    await world.value(120.0)
    world.runtime.time += 10
    await world.value(3.0)
    began = 1000.0 + LIFE - 200

    assert [began + 10, began + 13] == [
        call.deadline for call in world.endpoint.calls[1:]
    ]


async def test_if_the_token_ends_meanwhile_it_must_be_renewed() -> None:
    """An early renewal that fails too late becomes a needed one."""
    world = World()

    async def act(number: int) -> None:
        if number == 2:
            world.runtime.time += 200
            raise ConnectionFailedError("x")

    world.endpoint.act = act
    await world.value()
    world.runtime.time += LIFE - 200

    assert await world.value() == "Bearer token-3"
