"""Tokens that Sesamy rejected, and tokens in a store."""

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
    """From the store too: the next call requests a new one."""
    store = MemoryTokenStore()
    world = World(store=store)
    await world.value()

    assert await world.rejected(1)
    assert {} == store._tokens
    assert "Bearer token-2" == await world.value()
    assert "token-2" == store._tokens[KEY].value.reveal()


@pytest.mark.parametrize(
    ("steps", "last"),
    [
        ([None, 1], 2),
        # A late 401 for the old token does not drop the new one.
        ([None, 1, None, 1], 2),
        # Nor does it revive one that was rejected meanwhile.
        ([None, 1, None, 2, 1], 3),
        ([7], 1),
    ],
)
async def test_each_token_is_rejected_once(
    steps: list[int | None], last: int
) -> None:
    """A 401 for another token does not count; None stands for a call."""
    world = World()
    for step in steps:
        await (world.value() if step is None else world.rejected(step))

    assert f"Bearer token-{last}" == await world.value()
    assert last == world.asked


async def test_a_rejection_leaves_a_newer_token_in_the_store() -> None:
    """It came from another process, and is used without a token call."""
    store = MemoryTokenStore()
    world = World(store=store)
    await world.value()
    store.save(KEY, StoredToken("newer", 9e9))
    await world.rejected(1)

    assert (await world.value(), 1) == ("Bearer newer", world.asked)


async def test_a_rejected_token_is_never_used_again() -> None:
    """Not even if it is stored again, and the next one has ended."""
    store = MemoryTokenStore()
    world = World(store=store)
    await world.value()
    await world.rejected(1)
    await world.value()
    world.runtime.time += LIFE
    store.save(KEY, StoredToken("token-1", 9e9))

    assert await world.value() == "Bearer token-3"


async def test_a_token_that_is_issued_again_is_used_again() -> None:
    """Then the server accepts it."""
    world = World()
    await world.value()
    await world.rejected(1)
    world.endpoint.calls.clear()
    again = [await world.value(), await world.value()]

    assert (again, world.asked) == (["Bearer token-1"] * 2, 1)


async def test_a_renewal_looks_into_the_store_first() -> None:
    """Another process may have stored a newer token."""
    world = World(store=MemoryTokenStore())
    await world.value()
    world.runtime.time += LIFE - 200
    await world.value()
    world.runtime.time += LIFE - 200
    other = world.another()
    await other.authorization(world.call())
    world.runtime.time += 170
    await other.authorization(world.call())

    assert (await world.value(), world.asked) == ("Bearer token-3", 3)


async def test_a_file_keeps_unix_times(tmp_path: Path) -> None:
    """The monotonic clock means nothing to another process."""
    store = FileTokenStore(tmp_path / "tokens.json")
    world = World(store=store)
    await world.value()

    assert StoredToken("token-1", 1_800_000_000 + LIFE) == store.load(KEY)


class BrokenStore:
    """A store whose methods all fail."""

    def load(self, key: str) -> StoredToken | None:
        """Fail."""
        raise KeyError(key, "canary")

    def save(self, key: str, token: StoredToken) -> None:
        """Fail."""
        raise OSError(key, token, "canary")

    def discard(self, key: str) -> None:
        """Fail."""
        raise OSError(key)


async def test_a_broken_store_does_not_fail_the_call() -> None:
    """It warns without the error's message, which might hold the token."""
    world = World(store=BrokenStore())
    with pytest.warns(TokenStoreWarning) as caught:
        value = await world.value()
    messages = " ".join(str(warning.message) for warning in caught)

    assert value == "Bearer token-1"
    assert "BrokenStore failed with KeyError" in messages
    assert "BrokenStore failed with OSError" in messages
    assert "canary" not in messages


async def test_a_store_of_other_objects_does_not_fail_the_call() -> None:
    """Only a StoredToken is used, and not the JSON of one."""

    class Cache(MemoryTokenStore):
        def load(self, key: str) -> Any:
            return {"value": f"token of {key}"}

    world = World(store=Cache())
    with pytest.warns(TokenStoreWarning, match="Cache failed"):
        assert "Bearer token-1" == await world.value()
    with pytest.warns(TokenStoreWarning, match="Cache failed"):
        assert await world.rejected(1)


async def test_a_warning_that_is_an_error_ends_the_flight() -> None:
    """The call of the leader fails; the token is used by the others."""

    class Warns(MemoryTokenStore):
        def save(self, key: str, token: StoredToken) -> None:
            raise TokenStoreWarning(key, token)

    world = World(store=Warns())
    with pytest.raises(TokenStoreWarning):
        await world.value()

    assert await world.value() == "Bearer token-1"
