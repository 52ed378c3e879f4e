"""Tokens that Sesamy refused, and tokens that a store shares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sesamy_async.auth import (
    FileTokenStore,
    MemoryTokenStore,
    StoredToken,
    TokenStoreWarning,
)
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


@pytest.mark.parametrize(
    ("steps", "last"),
    [
        ([None, 1], 2),
        # A late 401 for the old token leaves the new one alone.
        ([None, 1, None, 1], 2),
        # And does not revive one that was rejected meanwhile.
        ([None, 1, None, 2, 1], 3),
        ([7], 1),
    ],
)
async def test_each_token_is_rejected_once(
    steps: list[int | None], last: int
) -> None:
    """What a 401 says of another token does not count; None asks."""
    world = World()
    for step in steps:
        await (world.value() if step is None else world.rejected(step))

    assert f"Bearer token-{last}" == await world.value()
    assert last == len(world.endpoint.calls)


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


async def test_a_token_that_is_given_again_is_used_again() -> None:
    """If the server stands by it, so does the client."""
    world = World()
    await world.value()
    await world.rejected(1)
    world.endpoint.calls.clear()
    again = [await world.value(), await world.value()]

    assert (again, len(world.endpoint.calls)) == (["Bearer token-1"] * 2, 1)


async def test_clients_share_a_store() -> None:
    """The second one makes no token call."""
    world = World(store=MemoryTokenStore())
    await world.value()
    world.runtime.time += 100
    value = await world.another().authorization(world.call())

    assert (value, len(world.endpoint.calls)) == ("Bearer token-1", 1)


async def test_ahead_of_time_the_store_is_asked_first() -> None:
    """Another process may have got the next token; ours is not news."""
    world = World(store=MemoryTokenStore())
    await world.value()
    world.runtime.time += LIFE - 200
    await world.value()
    world.runtime.time += LIFE - 200
    other = world.another()
    await other.authorization(world.call())
    world.runtime.time += 170
    await other.authorization(world.call())

    assert (
        await world.value(),
        len(world.endpoint.calls),
    ) == ("Bearer token-3", 3)


async def test_a_file_keeps_unix_times(tmp_path: Path) -> None:
    """What is stored outlives the monotonic clock."""
    store = FileTokenStore(tmp_path / "tokens.json")
    world = World(store=store)
    await world.value()

    assert StoredToken("token-1", 1_800_000_000 + LIFE) == store.load(KEY)


class BrokenStore:
    """A store of which nothing works."""

    def load(self, key: str) -> StoredToken | None:
        """Fail."""
        raise KeyError(key, "canary")

    def save(self, key: str, token: StoredToken) -> None:
        """Fail."""
        raise OSError(key, token)

    def discard(self, key: str) -> None:
        """Fail."""
        raise OSError(key)


async def test_a_broken_store_does_not_fail_the_call() -> None:
    """It warns, without the store's words: they might hold the token."""
    world = World(store=BrokenStore())
    with pytest.warns(TokenStoreWarning) as caught:
        value = await world.value()
    messages = " ".join(str(warning.message) for warning in caught)

    assert value == "Bearer token-1"
    assert "BrokenStore failed with KeyError" in messages
    assert "BrokenStore failed with OSError" in messages
    assert "canary" not in messages


async def test_a_store_of_something_else_does_not_fail_the_call() -> None:
    """What is no StoredToken, such as the JSON of one, is not taken."""

    class Cache(MemoryTokenStore):
        def load(self, key: str) -> Any:
            return {"value": f"token of {key}"}

    world = World(store=Cache())
    with pytest.warns(TokenStoreWarning, match="Cache failed"):
        value = await world.value()

    assert "Bearer token-1" == value
    with pytest.warns(TokenStoreWarning, match="Cache failed"):
        assert await world.rejected(1)


async def test_a_warning_made_an_error_leaves_nobody_waiting() -> None:
    """It ends the call of the leader; the token is kept nevertheless."""

    class Warns(MemoryTokenStore):
        def save(self, key: str, token: StoredToken) -> None:
            raise TokenStoreWarning(key, token)

    world = World(store=Warns())
    with pytest.raises(TokenStoreWarning):
        await world.value()

    assert await world.value() == "Bearer token-1"
