"""One token for all who wait for it, on both event loops."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import attrs
import pytest

from sesamy_async.auth import (
    ClientCredentials,
    FileTokenStore,
    MemoryTokenStore,
    StoredToken,
    TokenAuth,
    TokenStoreWarning,
    store_key,
)
from sesamy_async.core.call import Call, Request
from sesamy_async.core.outcome import Outcome
from sesamy_async.core.response import Response
from sesamy_async.errors import (
    APIError,
    AuthenticationError,
    ConnectionFailedError,
    DeadlineExceededError,
    SesamyError,
)
from support.runtime import FakeRuntime


URL = "https://token.sesamy.com/oauth/token"
KEY = store_key(URL, ClientCredentials("id", "s"))
PATIENCE = 20.0
LIFE = 3600.0


@attrs.define
class TimedEvent:
    """An event whose waits end soon, and move the virtual time."""

    runtime: FakeRuntime
    event: anyio.Event = attrs.field(factory=anyio.Event)

    def set(self) -> None:
        """Let it happen."""
        self.event.set()

    async def wait(self, seconds: float) -> bool:
        """Wait a moment of real time at most."""
        with anyio.move_on_after(0.05 if seconds < LIFE else PATIENCE):
            await self.event.wait()
            return True
        self.runtime.time += seconds
        return False


@attrs.define
class TimedRuntime(FakeRuntime):
    """A runtime in which waits for a flight can run out."""

    def event(self) -> Any:
        """Make an event whose waits end."""
        return TimedEvent(self)


@attrs.define
class Endpoint:
    """A token endpoint; `act` says what it does, by the call's number."""

    act: Callable[[int], Awaitable[object]] | None = None
    calls: list[Call] = attrs.field(factory=list)
    life: float = LIFE

    async def __call__(self, call: Call) -> Response:
        """Answer with ``token-<number>``, after what `act` does."""
        self.calls.append(call)
        number = len(self.calls)
        if self.act is not None:
            await self.act(number)
        data = {"access_token": f"token-{number}", "expires_in": self.life}
        return Response(status_code=200, content=json.dumps(data).encode())


@attrs.define
class World:
    """An auth, its endpoint and its clock."""

    endpoint: Endpoint = attrs.field(factory=Endpoint)
    runtime: TimedRuntime = attrs.field(factory=TimedRuntime)
    store: Any = None
    auth: TokenAuth = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.auth = self.another()

    def another(self) -> TokenAuth:
        """Return one that shares all but its memory."""
        credentials = ClientCredentials("id", "s", store=self.store)
        return TokenAuth(credentials, URL, self.runtime, self.endpoint)

    async def value(self, seconds: float = float("inf")) -> str:
        """Ask on behalf of a call that has so long."""
        return await self.auth.authorization(self.call(seconds))

    async def rejected(self, number: int) -> bool:
        """Tell that a token was not accepted."""
        return await self.auth.rejected(f"Bearer token-{number}", self.call())

    def call(self, seconds: float = float("inf")) -> Call:
        """Make a call that has so long."""
        return Call(
            operation="contracts.create",
            request=Request(method="POST", url="https://api.sesamy.com"),
            deadline=self.runtime.now() + seconds,
            timeout=7.0,
            external_order_id="order-1",
        )

    async def crowd(self, size: int) -> list[object]:
        """Ask for so many at once; return values and errors."""
        ends: list[object] = []

        async def one() -> None:
            try:
                ends.append(await self.value())
            except SesamyError as error:
                ends.append(error)

        async with anyio.create_task_group() as tasks:
            for _ in range(size):
                tasks.start_soon(one)
        return ends


@pytest.fixture(autouse=True)
async def _bound_in_time() -> Any:
    """End any test that hangs."""
    with anyio.fail_after(PATIENCE):
        yield


def fails(error: SesamyError, *numbers: int) -> Endpoint:
    """Return an endpoint that fails in these calls (or in all)."""

    async def act(number: int) -> None:
        await anyio.lowlevel.checkpoint()
        if number in numbers or not numbers:
            raise error

    return Endpoint(act)


async def test_a_token_is_got_once() -> None:
    """Later calls use it, and no time passes."""
    world = World()

    assert [
        await world.value(),
        await world.value(),
        len(world.endpoint.calls),
    ] == ["Bearer token-1"] * 2 + [1]


async def test_the_token_call_has_the_time_of_its_call() -> None:
    """And its own name, record, and leave to be repeated."""
    world = World()
    call = world.call(5.0)
    await world.auth.authorization(call)
    asked = world.endpoint.calls[0]

    assert ("token", True, call.deadline, 7.0, None, URL) == (
        asked.operation,
        asked.repeatable,
        asked.deadline,
        asked.timeout,
        asked.external_order_id,
        asked.request.url,
    )
    assert asked.record is not call.record


async def test_a_thousand_wait_for_one_token_call() -> None:
    """Single flight: however many wait, one asks."""

    async def act(number: int) -> None:
        del number
        await anyio.sleep(0.05)

    world = World(Endpoint(act))
    values = await world.crowd(1000)

    assert ({"Bearer token-1"}, 1000, 1) == (
        set(values),
        len(values),
        len(world.endpoint.calls),
    )


async def test_a_failure_is_shared_by_all_who_wait() -> None:
    """One token call, and each gets an error object of its own."""
    world = World(fails(APIError("x", status_code=403, body=b"no")))
    errors = [
        error
        for error in await world.crowd(100)
        if isinstance(error, AuthenticationError)
    ]

    assert (100, {"no"}, 1) == (
        len({id(error) for error in errors}),
        {error.error_description for error in errors},
        len(world.endpoint.calls),
    )


async def test_the_next_call_tries_again_after_a_failure() -> None:
    """Nothing is remembered of a failed flight."""
    world = World(fails(ConnectionFailedError("x"), 1))
    with pytest.raises(ConnectionFailedError, match="SESAMY_TOKEN_URL"):
        await world.value()

    assert await world.value() == "Bearer token-2"


@pytest.mark.parametrize("followers", [1, 50])
async def test_a_cancelled_leader_is_followed_by_the_next(
    followers: int,
) -> None:
    """Nobody hangs, and one of the others asks anew."""
    leading = anyio.CancelScope()

    async def act(number: int) -> None:
        await (anyio.sleep_forever() if number == 1 else anyio.sleep(0.01))

    world = World(Endpoint(act))
    values: list[object] = []

    async def lead() -> None:
        with leading:
            await world.value()

    async def follow() -> None:
        values.extend(await world.crowd(followers))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lead)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(follow)
        await anyio.wait_all_tasks_blocked()
        leading.cancel()

    assert (["Bearer token-2"] * followers, 2) == (
        values,
        len(world.endpoint.calls),
    )


async def test_a_leader_without_time_is_followed_by_the_next() -> None:
    """Its deadline was its own: the others have more time."""

    async def act(number: int) -> None:
        await anyio.sleep(0.02)
        if number == 1:
            raise DeadlineExceededError("x", outcome=Outcome.UNKNOWN)

    world = World(Endpoint(act))
    ends = await world.crowd(50)
    late = [error for error in ends if isinstance(error, SesamyError)]

    assert (1, DeadlineExceededError, Outcome.NOT_SENT, 49, 2) == (
        len(late),
        type(late[0]),
        late[0].outcome,
        ends.count("Bearer token-2"),
        len(world.endpoint.calls),
    )


async def test_a_waiter_waits_until_its_own_deadline() -> None:
    """Then it ends NOT_SENT, and the leader goes on."""
    release = anyio.Event()

    async def act(number: int) -> None:
        del number
        await release.wait()

    world = World(Endpoint(act))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(world.value)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(DeadlineExceededError) as caught:
            await world.value(5.0)
        release.set()

    assert (
        caught.value.outcome,
        world.runtime.time,
        await world.value(),
        len(world.endpoint.calls),
    ) == (Outcome.NOT_SENT, 1005.0, "Bearer token-1", 1)


async def test_without_time_nothing_is_asked() -> None:
    """A call that is late already ends without a token call."""
    world = World()
    with pytest.raises(DeadlineExceededError, match=r"token\.sesamy\.com"):
        await world.value(0.0)

    assert world.endpoint.calls == []


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
    "error",
    [
        ConnectionFailedError("x"),
        DeadlineExceededError("x"),
        APIError("x", status_code=503),
        APIError("x", status_code=403),
    ],
)
async def test_a_failed_early_renewal_is_no_error(error: SesamyError) -> None:
    """The token still lives; it is tried again, but not at once."""
    world = World(fails(error, 2))
    await world.value()
    world.runtime.time += LIFE - 200
    failed = [await world.value() for _ in range(10)]
    calls = len(world.endpoint.calls)
    world.runtime.time += 10

    assert (
        failed,
        calls,
        await world.value(),
    ) == (["Bearer token-1"] * 10, 2, "Bearer token-3")


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


async def test_a_warning_made_an_error_leaves_nobody_waiting() -> None:
    """It ends the call of the leader; the token is kept nevertheless."""

    class Warns(MemoryTokenStore):
        def save(self, key: str, token: StoredToken) -> None:
            raise TokenStoreWarning(key, token)

    world = World(store=Warns())
    with pytest.raises(TokenStoreWarning):
        await world.value()

    assert await world.value() == "Bearer token-1"


async def test_scopes_share_the_token_but_not_the_flight() -> None:
    """Nobody waits on an event of another event loop."""
    release = anyio.Event()
    scopes = iter("ab")

    class Scopes(TimedRuntime):
        def scope(self) -> str:
            return next(scopes)

    async def act(number: int) -> None:
        if number == 1:
            await release.wait()

    world = World(Endpoint(act), Scopes())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(world.value)
        await anyio.wait_all_tasks_blocked()
        other = await world.value()
        release.set()

    assert (
        other,
        await world.value(),
        world.auth._flights,
    ) == ("Bearer token-2", "Bearer token-1", {})


async def test_an_error_is_not_marked_by_another_call() -> None:
    """What one call writes on its error is not on that of the next."""
    world = World(fails(APIError("x", status_code=500)))
    found: list[str | None] = []

    async def one() -> None:
        try:
            await world.value()
        except AuthenticationError as error:
            found.append(error.external_order_id)
            error.external_order_id = "mine"

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(one)

    assert ([None] * 3, 1) == (found, len(world.endpoint.calls))


async def test_token_returns_the_token_itself() -> None:
    """The command line shows when it ends."""
    token = await World().auth.token(World().call())

    assert (
        token.value.reveal(),
        token.expires_at,
    ) == ("token-1", 1000.0 + LIFE)
