"""One token call for all who wait, on both event loops."""

from __future__ import annotations

import anyio
import pytest

from sesamy_async._outcome import Outcome
from sesamy_async.errors import (
    APIError,
    AuthenticationError,
    ConnectionFailedError,
    DeadlineExceededError,
    SesamyError,
)
from support.token_world import LIFE, URL, Endpoint, TimedRuntime, World, fails


pytestmark = pytest.mark.usefixtures("bound_in_time")


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
    """One call per encoding, and each gets an error object of its own."""
    world = World(fails(APIError("x", status_code=403, body=b"no")))
    errors = [
        error
        for error in await world.crowd(100)
        if isinstance(error, AuthenticationError)
    ]

    assert (100, {"no"}, 2) == (
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
