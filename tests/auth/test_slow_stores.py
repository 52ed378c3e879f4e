"""Token stores that are slow: they hold up no event loop."""

from __future__ import annotations

import threading
import time
import warnings
from typing import Any

import anyio
import pytest

from sesamy_async import AsyncSesamy
from sesamy_async.auth import (
    ClientCredentials,
    MemoryTokenStore,
    StoredToken,
    TokenStore,
    TokenStoreWarning,
    _tokens,
)
from sesamy_async.sandbox import Sandbox
from support.calling import World
from support.marks import every_loop, every_world
from support.told_orders import create


class Slow:
    """A store that does something first, and says where it runs."""

    def __init__(self, before: Any = lambda: None) -> None:
        self.kept = MemoryTokenStore()
        self.before = before
        self.threads: list[str] = []

    def _begin(self) -> None:
        self.threads.append(threading.current_thread().name)
        self.before()

    def load(self, key: str) -> StoredToken | None:
        """Return what is kept."""
        self._begin()
        return self.kept.load(key)

    def save(self, key: str, token: StoredToken) -> None:
        """Keep it."""
        self._begin()
        self.kept.save(key, token)

    def discard(self, key: str) -> None:
        """Drop it."""
        self._begin()
        self.kept.discard(key)


def settings(sandbox: Sandbox, store: TokenStore) -> dict[str, Any]:
    """Return those of a client of the sandbox with this store."""
    given = sandbox.client_settings()
    credentials = ClientCredentials(
        given.pop("client_id"), given.pop("client_secret"), store=store
    )
    return {**given, "auth": credentials}


@every_world
def test_where_it_runs(world: World) -> None:
    """The async client asks a store in threads of its own."""
    store, sandbox = Slow(), Sandbox()

    def again(client: Any) -> Any:
        sandbox.ledger.revoke_tokens()
        return create(client)

    endings = world.run([create, again], **settings(sandbox, store))
    mine = {each.startswith("MainThread") for each in store.threads}

    assert [None, None] == [each.error for each in endings]
    assert {world is World.BLOCKING} == mine
    # load, save; after the 401 load and discard, load, save.
    assert 6 == len(store.threads)


@every_loop
def test_a_store_that_hangs(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up after a while, with a warning; other tasks go on."""
    monkeypatch.setattr(_tokens, "_LONGEST_ASK", 0.1)
    ended = threading.Event()
    store, sandbox = Slow(lambda: ended.wait(30)), Sandbox()
    beats: list[int] = []

    async def beat() -> None:
        while True:
            await anyio.sleep(0.01)
            beats.append(1)

    async def main() -> None:
        async with (
            AsyncSesamy(**settings(sandbox, store)) as client,
            anyio.create_task_group() as group,
        ):
            group.start_soon(beat)
            await create(client)
            group.cancel_scope.cancel()

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            anyio.run(main, backend=backend)
        finally:
            ended.set()
    words = [
        str(each.message)
        for each in told
        if each.category is TokenStoreWarning
    ]

    assert 2 == len(words)
    assert "Slow failed with no response within 0.1 s" in words[0]
    assert len(beats) >= 5
    assert 1 == sandbox.ledger.total


@every_world
def test_a_warning_of_a_store(world: World) -> None:
    """What is an error by the caller's filter is raised as one."""

    def warn() -> None:
        raise TokenStoreWarning("Mine.")

    sandbox = Sandbox()
    ending = world.one(create, **settings(sandbox, Slow(warn)))

    assert "TokenStoreWarning" in str(ending.error)
    assert 0 == sandbox.ledger.total


@every_world
def test_a_store_that_fails(world: World) -> None:
    """A call needs no store; what it raised is not repeated."""

    def fail() -> None:
        raise OSError("CANARY")

    sandbox = Sandbox()
    with pytest.warns(TokenStoreWarning, match="with OSError; the") as told:
        ending = world.one(create, **settings(sandbox, Slow(fail)))

    assert ending.error is None
    assert "CANARY" not in "".join(str(each.message) for each in told)


@every_loop
def test_a_store_in_memory(backend: str) -> None:
    """The SDK's own store is too fast for a thread."""
    started: list[str] = []

    class Own(MemoryTokenStore):
        def load(self, key: str) -> StoredToken | None:
            started.append(threading.current_thread().name)
            return super().load(key)

    begin = time.monotonic()
    ending = World(backend).one(create, **settings(Sandbox(), Own()))

    assert ending.error is None
    assert ["MainThread"] == started
    assert time.monotonic() - begin < 5.0
