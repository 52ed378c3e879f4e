"""Clients that share a store of tokens."""

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


async def test_clients_share_a_store() -> None:
    """The second one makes no token call."""
    world = World(store=MemoryTokenStore())
    await world.value()
    world.runtime.time += 100
    value = await world.another().authorization(world.call())

    assert (value, len(world.endpoint.calls)) == ("Bearer token-1", 1)


async def test_a_stored_token_that_was_rejected_is_not_taken() -> None:
    """Even if another process put it back."""
    store = MemoryTokenStore()
    world = World(store=store)
    await world.value()
    kept = dict(store._tokens)
    await world.rejected(1)
    store._tokens.update(kept)

    assert await world.value() == "Bearer token-2"


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
