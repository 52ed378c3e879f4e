"""What becomes of a token that Sesamy did not accept."""

from __future__ import annotations

import pytest

from sesamy_async.auth import MemoryTokenStore, StoredToken
from support.token_world import KEY, LIFE, World


pytestmark = pytest.mark.usefixtures("bound_in_time")


async def test_a_rejected_token_is_dropped() -> None:
    """From the store too: the next call gets a new one."""
    store = MemoryTokenStore()
    world = World(store=store)
    await world.value()
    renewable = await world.rejected(1)

    assert (
        renewable,
        dict(store._tokens),
        await world.value(),
        len(store._tokens),
    ) == (True, {}, "Bearer token-2", 1)


async def test_a_token_that_was_replaced_is_not_dropped_again() -> None:
    """A late 401 for the old token leaves the new one alone."""
    world = World()
    await world.value()
    await world.rejected(1)
    await world.value()
    await world.rejected(1)

    assert (await world.value(), 2) == (
        "Bearer token-2",
        len(world.endpoint.calls),
    )


async def test_a_late_rejection_does_not_revive_a_token() -> None:
    """A 401 for the first leaves the second as rejected as it was."""
    world = World()
    await world.value()
    await world.rejected(1)
    await world.value()
    await world.rejected(2)
    await world.rejected(1)

    assert await world.value() == "Bearer token-3"


async def test_a_rejection_leaves_a_newer_token_in_the_store() -> None:
    """What another process has got is used without a token call."""
    store = MemoryTokenStore()
    world = World(store=store)
    await world.value()
    store.save(KEY, StoredToken("newer", 9e9))
    await world.rejected(1)

    assert (await world.value(), 1) == (
        "Bearer newer",
        len(world.endpoint.calls),
    )


async def test_a_rejected_token_is_never_taken_back() -> None:
    """Not even after the next one has ended."""
    store = MemoryTokenStore()
    world = World(store=store)
    await world.value()
    await world.rejected(1)
    await world.value()
    world.runtime.time += LIFE
    store.save(KEY, StoredToken("token-1", 9e9))

    assert await world.value() == "Bearer token-3"


async def test_rejection_before_any_token_does_nothing() -> None:
    """A stranger's value is not ours to drop."""
    world = World()

    assert await world.rejected(7)


async def test_a_token_that_is_given_again_is_used_again() -> None:
    """If the server stands by it, so does the client."""
    world = World()
    await world.value()
    await world.rejected(1)
    world.endpoint.calls.clear()
    again = [await world.value(), await world.value()]

    assert (again, len(world.endpoint.calls)) == (["Bearer token-1"] * 2, 1)
