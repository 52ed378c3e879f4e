"""One of the processes that share a store requests the token."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import attrs
import pytest

from sesamy_async import DeadlineExceededError
from sesamy_async._call import AnyioRuntime, BlockingRuntime, Secret, drive
from sesamy_async.auth import (
    MemoryTokenStore,
    SharedTokenStore,
    StoredToken,
    TokenAuth,
    TokenStoreWarning,
)
from sesamy_async.errors import APIError, SesamyError
from support.exchanges import a_call
from support.marks import every_loop
from support.token_world import KEY, LIFE, Endpoint, World
from support.virtual_time import run


LEAD = 3.0
PATIENCE = 6.0
LOOK = 0.25
HOSTS = 8


class Shared(MemoryTokenStore, SharedTokenStore):
    """A shared store as simple as it can be."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self.now = now
        self.leases: dict[str, tuple[str, float]] = {}
        self.lock = threading.Lock()
        self.asked = 0
        self.released = 0

    def lead(self, key: str, lease: str, seconds: float) -> bool:
        """Let one lead."""
        with self.lock:
            self.asked += 1
            until = self.now() + seconds
            holder, end = self.leases.setdefault(key, (lease, until))
            if end <= self.now():
                holder, _ = self.leases[key] = lease, until
            return holder in {lease, ""}

    def release(self, key: str, lease: str, *, failed: bool) -> None:
        """Let another lead, or all."""
        with self.lock:
            self.released += 1
            if self.leases.get(key, ("", 0.0))[0] != lease:
                return
            del self.leases[key]
            if failed:
                self.leases[key] = "", self.now() + 5.0

    def reject(self, key: str, value: Secret) -> None:
        """Remove it, if it still is that one."""
        stored = self.load(key)
        if stored is not None and stored.value == value:
            self.discard(key)


@attrs.define
class Host:
    """A process, and how its calls ended."""

    auth: TokenAuth
    now: Callable[[], float]
    ends: list[object] = attrs.field(factory=list)
    times: list[float] = attrs.field(factory=list)

    async def call(self, seconds: float = 120.0) -> None:
        """Ask for a token."""
        begin = self.now()
        call = a_call(deadline=begin + seconds, timeout=30.0)
        try:
            end: object = await self.auth.authorization(call)
        except SesamyError as error:
            end = type(error)
        self.ends.append(end)
        self.times.append(self.now() - begin)


@attrs.define
class Fleet:
    """Hosts that share a store, in virtual time."""

    now: Callable[[], float]
    act: Callable[[int], Awaitable[object]] | None = None
    life: float = LIFE
    store: Any = None
    asked: list[float] = attrs.field(factory=list)
    world: World = attrs.field(init=False)
    hosts: list[Host] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        async def act(number: int) -> None:
            self.asked.append(self.now() - begin)
            await (self.act(number) if self.act else anyio.sleep(0.1))

        begin = self.now()
        runtime: Any = AnyioRuntime()
        self.store = self.store or Shared(self.now)
        self.world = World(Endpoint(act, life=self.life), runtime, self.store)
        self.hosts = [
            Host(self.world.another(), self.now) for _ in range(HOSTS)
        ]

    async def all(self, *first: Host, seconds: float = 120.0) -> None:
        """Let all hosts ask, some of them first."""
        async with anyio.create_task_group() as group:
            for each in (*first, *(h for h in self.hosts if h not in first)):
                group.start_soon(each.call, seconds)
                await anyio.lowlevel.checkpoint()

    def ended(self) -> list[object]:
        """Return how the last call of each host ended."""
        return [each.ends[-1] for each in self.hosts]

    def longest(self) -> float:
        """Return how long the last calls took."""
        return max(each.times[-1] for each in self.hosts)


Trial = Callable[[Callable[[], float]], Awaitable[None]]


def on_every_loop(trial: Trial) -> Callable[[str], None]:
    """Let a trial be a test in virtual time on each event loop."""

    def test(backend: str) -> None:
        run(backend, trial)

    test.__doc__ = trial.__doc__
    return every_loop(test)


@on_every_loop
async def test_cold_hosts_request_one_token(now: Callable[[], float]) -> None:
    """The others wait for it, and not much longer."""
    fleet = Fleet(now)
    await fleet.all()

    assert ["Bearer token-1"] * HOSTS == fleet.ended()
    assert [0.0] == fleet.asked
    assert fleet.longest() < 0.1 + LOOK
    assert ({}, 1) == (fleet.store.leases, fleet.store.released)


@on_every_loop
async def test_a_token_that_is_stored_is_used(
    now: Callable[[], float],
) -> None:
    """Nobody leads for that."""
    fleet = Fleet(now)
    fleet.store.save(KEY, StoredToken("stored", time.time() + LIFE))
    fleet.store.leases[KEY] = "somebody", now() + 60
    await fleet.all()

    assert ["Bearer stored"] * HOSTS == fleet.ended()
    assert 0.0 == fleet.longest()


@on_every_loop
async def test_a_token_that_came_just_before_the_lead_is_used(
    now: Callable[[], float],
) -> None:
    """A host leads, but another one has stored a token meanwhile."""

    class Late(Shared):
        def lead(self, key: str, lease: str, seconds: float) -> bool:
            self.save(key, StoredToken("stored", time.time() + LIFE))
            return super().lead(key, lease, seconds)

    fleet = Fleet(now, store=Late(now))
    await fleet.hosts[0].call()

    assert ["Bearer stored"] == fleet.hosts[0].ends
    assert ([], {}) == (fleet.asked, fleet.store.leases)


@on_every_loop
async def test_a_token_is_used_as_soon_as_it_is_stored(
    now: Callable[[], float],
) -> None:
    """The leader may lead for longer."""
    fleet = Fleet(now)
    fleet.store.leases[KEY] = "leader", now() + 60
    async with anyio.create_task_group() as group:
        group.start_soon(fleet.all)
        await anyio.sleep(1.0)
        fleet.store.save(KEY, StoredToken("stored", time.time() + LIFE))

    assert ["Bearer stored"] * HOSTS == fleet.ended()
    assert fleet.longest() < 1.0 + 2 * LOOK


@on_every_loop
async def test_a_refusal_makes_nobody_wait(now: Callable[[], float]) -> None:
    """If the leader fails, each host tries, at once."""

    async def refuse(_: int) -> None:
        await anyio.sleep(0.1)
        raise APIError("x", status_code=401, body=b"no")

    fleet = Fleet(now, refuse)
    await fleet.all()

    assert 1 == len({*fleet.ended()})
    assert fleet.longest() < 4 * 0.1 + LOOK  # In two encodings, twice.
    assert HOSTS * 2 == len(fleet.asked)


@on_every_loop
async def test_a_killed_leader_is_replaced_by_one(
    now: Callable[[], float],
) -> None:
    """Its lead ends after some seconds."""
    fleet = Fleet(now)
    fleet.store.lead(KEY, "killed", LEAD)
    await fleet.all()

    assert ["Bearer token-1"] * HOSTS == fleet.ended()
    assert 1 == len(fleet.asked)
    assert LEAD < fleet.longest() < LEAD + 0.1 + 2 * LOOK


@on_every_loop
async def test_a_leader_that_hangs_is_not_waited_for(
    now: Callable[[], float],
) -> None:
    """Another one requests a token, which all but the first one use."""

    async def hang(number: int) -> None:
        await anyio.sleep(60 if number == 1 else 0.1)

    fleet = Fleet(now, hang)
    await fleet.all(fleet.hosts[0])
    *_, first = sorted(each.times[-1] for each in fleet.hosts)

    assert ["Bearer token-1", *["Bearer token-2"] * 7] == fleet.ended()
    assert 2 == len(fleet.asked)
    assert 60 == pytest.approx(first)
    assert fleet.hosts[1].times[-1] < LEAD + 0.1 + 2 * LOOK


@on_every_loop
async def test_an_outage_makes_nobody_wait_for_all_others(
    now: Callable[[], float],
) -> None:
    """After some seconds each host requests a token of its own."""

    async def hang(_: int) -> None:
        await anyio.sleep(30)

    fleet = Fleet(now, hang)
    await fleet.all()

    assert HOSTS == len(fleet.asked)
    assert max(fleet.asked) <= PATIENCE + 0.01


@on_every_loop
async def test_a_call_has_half_of_its_time_for_itself(
    now: Callable[[], float],
) -> None:
    """It does not wait for a leader until its deadline."""
    fleet = Fleet(now)
    fleet.store.lead(KEY, "killed", LEAD)
    await fleet.hosts[0].call(seconds=1.0)

    assert ["Bearer token-1"] == fleet.hosts[0].ends
    assert [0.5] == pytest.approx(fleet.asked)


@on_every_loop
async def test_a_cancelled_leader_is_replaced_at_once(
    now: Callable[[], float],
) -> None:
    """It lets another one lead when it ends."""

    async def act(number: int) -> None:
        await anyio.sleep(60 if number == 1 else 0.1)

    fleet = Fleet(now, act)
    async with anyio.create_task_group() as group:

        async def cancelled() -> None:
            with anyio.move_on_after(0.3):
                await fleet.hosts[0].call()

        group.start_soon(cancelled)
        await anyio.sleep(0.1)
        for each in fleet.hosts[1:]:
            group.start_soon(each.call)

    assert {"Bearer token-2"} == {each.ends[0] for each in fleet.hosts[1:]}
    assert 2 == len(fleet.asked)
    assert max(each.times[0] for each in fleet.hosts[1:]) < 1.0


@on_every_loop
async def test_a_leader_without_time_is_replaced_by_one(
    now: Callable[[], float],
) -> None:
    """Its end says nothing about the endpoint."""

    async def act(number: int) -> None:
        await anyio.sleep(0.3)
        if number == 1:
            raise DeadlineExceededError("x")

    fleet = Fleet(now, act)
    await fleet.all(fleet.hosts[0])

    assert DeadlineExceededError is fleet.ended()[0]
    assert {"Bearer token-2"} == {*fleet.ended()[1:]}
    assert 2 == len(fleet.asked)


@on_every_loop
async def test_a_call_that_is_late_does_not_lead(
    now: Callable[[], float],
) -> None:
    """The others need not wait for it."""
    fleet = Fleet(now)
    await fleet.hosts[0].call(seconds=0.0)

    assert [DeadlineExceededError] == fleet.hosts[0].ends
    assert {} == fleet.store.leases


@on_every_loop
async def test_a_token_that_is_not_stored_makes_nobody_wait(
    now: Callable[[], float],
) -> None:
    """It has no life; each host requests its own."""
    fleet = Fleet(now, life=0)
    await fleet.all()

    assert HOSTS == len(fleet.asked)
    assert fleet.longest() < 2 * 0.1 + LOOK


@on_every_loop
async def test_a_store_that_fails_makes_nobody_wait(
    now: Callable[[], float],
) -> None:
    """Each host requests its own."""

    class Fails(Shared):
        def lead(self, key: str, lease: str, seconds: float) -> bool:
            raise OSError(key, lease, seconds)

    fleet = Fleet(now, store=Fails(now))
    with pytest.warns(TokenStoreWarning, match="Fails failed with OSError"):
        await fleet.all()

    assert HOSTS == len(fleet.asked)
    assert fleet.longest() == pytest.approx(0.1)


@on_every_loop
async def test_a_rejected_token_is_renewed_by_one_host(
    now: Callable[[], float],
) -> None:
    """All hosts get a 401 at the same time; one is late."""
    fleet = Fleet(now)
    await fleet.all()
    for each in fleet.hosts[1:]:
        await each.auth.rejected("Bearer token-1", a_call())
    await fleet.all()
    await fleet.hosts[0].auth.rejected("Bearer token-1", a_call())
    await fleet.hosts[0].call()

    assert ["Bearer token-2"] * HOSTS == fleet.ended()
    assert 2 == len(fleet.asked)


@on_every_loop
async def test_one_host_renews_ahead_of_the_end(
    now: Callable[[], float],
) -> None:
    """The others use the old token, and find the new one a moment later."""
    fleet = Fleet(now)
    await fleet.all()
    await anyio.sleep(LIFE - 200)
    before = fleet.store.asked
    await fleet.all(fleet.hosts[0])
    for _ in range(10):  # They don't ask again at once.
        await fleet.hosts[1].call()
    asked = fleet.store.asked - before
    ends, longest = fleet.ended(), max(h.times[-1] for h in fleet.hosts[1:])
    await anyio.sleep(1.0)
    await fleet.all()

    assert ["Bearer token-2", *["Bearer token-1"] * 7] == ends
    assert (HOSTS, 0.0) == (asked, longest)
    assert ["Bearer token-2"] * HOSTS == fleet.ended()
    assert 2 == len(fleet.asked)


@on_every_loop
async def test_a_token_that_ends_meanwhile_is_waited_for(
    now: Callable[[], float],
) -> None:
    """Another host leads, but the old token can't be used any longer."""
    fleet = Fleet(now)
    host = fleet.hosts[0]
    await host.call()
    await anyio.sleep(LIFE - 200)
    lead = fleet.store.lead

    def slow(key: str, lease: str, seconds: float) -> bool:
        host.auth._refused = Secret("token-1")
        return bool(lead(key, lease, seconds))

    fleet.store.leases[KEY] = "another", now() + 1.0
    fleet.store.lead = slow
    await host.call()

    assert "Bearer token-2" == host.ends[-1]
    assert 1.0 < host.times[-1] < 1.0 + 0.1 + LOOK


def test_blocking_hosts_request_one_token() -> None:
    """The same holds for threads that block."""
    store, asked = Shared(time.monotonic), list[int]()

    async def act(number: int) -> None:
        asked.append(number)
        time.sleep(0.05)  # noqa: ASYNC251 - no event loop runs this

    runtime: Any = BlockingRuntime()
    world = World(Endpoint(act), runtime, store)
    hosts = [Host(world.another(), time.monotonic) for _ in range(HOSTS)]
    with ThreadPoolExecutor(HOSTS) as pool:
        [*_] = pool.map(lambda each: drive(each.call()), hosts)

    assert ["Bearer token-1"] * HOSTS == [each.ends[0] for each in hosts]
    assert [1] == asked
