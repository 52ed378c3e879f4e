"""A token is requested once for all calls, and renewed ahead of its end."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from sesamy_async._call import AnyioRuntime
from sesamy_async._outcome import Outcome
from sesamy_async.auth import MemoryTokenStore, _renewal
from sesamy_async.errors import (
    APIError,
    AuthenticationError,
    ConnectionFailedError,
    DeadlineExceededError,
    SesamyError,
    UnreadableResponseError,
)
from support.token_world import LIFE, URL, Endpoint, TimedRuntime, World, fails


pytestmark = pytest.mark.usefixtures("bound_in_time")


def held(call: int) -> tuple[Endpoint, anyio.Event]:
    """Return an endpoint that holds back one call until an event."""
    release = anyio.Event()

    async def act(number: int) -> None:
        if number == call:
            await release.wait()

    return Endpoint(act), release


async def test_a_token_is_requested_once_in_its_life() -> None:
    """Its end is read on the monotonic clock."""
    world = World()
    token = await world.auth.token(world.call())
    same = await world.value()
    world.runtime.time += LIFE

    assert ("token-1", 1000.0 + LIFE) == (
        token.value.reveal(),
        token.expires_at,
    )
    assert ("Bearer token-1", "Bearer token-2", 2) == (
        same,
        await world.value(),
        world.asked,
    )


async def test_the_token_call_has_the_deadline_of_its_call() -> None:
    """It has its own name and record, and may be repeated."""
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


async def test_a_thousand_calls_make_one_token_call() -> None:
    """The others wait for it (single flight)."""

    async def act(_: int) -> None:
        await anyio.sleep(0.05)

    world = World(Endpoint(act))
    values = await world.crowd(1000)

    assert (["Bearer token-1"] * 1000, 1) == (values, world.asked)


async def test_a_failure_is_shared_by_all_that_wait() -> None:
    """Each has its own copy of the error."""
    world = World(fails(APIError("x", status_code=403, body=b"no")))
    found: list[tuple[str | None, str | None]] = []

    async def one() -> None:
        try:
            await world.value()
        except AuthenticationError as error:
            found.append((error.error_description, error.external_order_id))
            error.external_order_id = "mine"

    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(one)

    assert ([("no", None)] * 100, 2) == (found, world.asked)


async def test_a_failure_is_not_remembered() -> None:
    """The next call tries again."""
    world = World(fails(ConnectionFailedError("x"), 1))
    with pytest.raises(ConnectionFailedError, match="SESAMY_TOKEN_URL"):
        await world.value()

    assert await world.value() == "Bearer token-2"


@pytest.mark.parametrize("followers", [1, 50])
async def test_a_cancelled_leader_is_followed_by_the_next(
    followers: int,
) -> None:
    """One of the others requests a token, and none hangs."""
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

    assert (["Bearer token-2"] * followers, 2) == (values, world.asked)


async def test_a_leader_without_time_is_followed_by_the_next() -> None:
    """The others may have later deadlines."""

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
        world.asked,
    )


async def test_a_call_waits_until_its_own_deadline() -> None:
    """Then it ends NOT_SENT, and the leader continues."""
    endpoint, release = held(1)
    world = World(endpoint)
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
        world.asked,
    ) == (Outcome.NOT_SENT, 1005.0, "Bearer token-1", 1)


async def test_a_late_call_makes_no_token_call() -> None:
    """Its deadline has passed already."""
    world = World()
    with pytest.raises(DeadlineExceededError, match=r"token\.sesamy\.com"):
        await world.value(0.0)

    assert world.endpoint.calls == []


async def test_scopes_share_the_token_but_not_the_flight() -> None:
    """None waits for an event of another event loop."""
    scopes = iter("ab")

    class Scopes(TimedRuntime):
        def scope(self) -> str:
            return next(scopes)

    endpoint, release = held(1)
    world = World(endpoint, Scopes())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(world.value)
        await anyio.wait_all_tasks_blocked()
        other = await world.value()
        release.set()

    assert (other, await world.value(), world.auth._flights) == (
        "Bearer token-2",
        "Bearer token-1",
        {},
    )


async def test_a_token_without_life_is_for_one_flight() -> None:
    """All that waited for it use it, but it is not saved."""

    async def act(_: int) -> None:
        await anyio.sleep(0.01)

    store = MemoryTokenStore()
    world = World(Endpoint(act, life=0), store=store)

    assert ({"Bearer token-1"}, "Bearer token-2", {}) == (
        set(await world.crowd(10)),
        await world.value(),
        store._tokens,
    )


async def test_one_call_renews_ahead_of_the_end() -> None:
    """The others use the token that is still valid."""
    endpoint, release = held(2)
    world = World(endpoint)
    await world.value()
    world.runtime.time += LIFE - 200
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(world.value)
        await anyio.wait_all_tasks_blocked()
        others = await world.crowd(100)
        release.set()

    assert ({"Bearer token-1"}, "Bearer token-2", 2) == (
        set(others),
        await world.value(),
        world.asked,
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
    """The token is still valid; it is tried again after a pause."""
    world = World(fails(error, *failing))
    await world.value()
    world.runtime.time += LIFE - 200
    failed = [await world.value() for _ in range(10)]
    calls = world.asked
    world.runtime.time += 10

    assert (failed, calls, await world.value()) == (
        ["Bearer token-1"] * 10,
        failing[-1],
        f"Bearer token-{failing[-1] + 1}",
    )


async def test_an_early_renewal_leaves_time_for_the_call() -> None:
    """It has ten seconds at most, and less if the call has less."""
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


async def test_if_the_token_ends_meanwhile_another_is_requested() -> None:
    """The early renewal failed, but now a token is needed."""
    world = World()

    async def act(number: int) -> None:
        if number == 2:
            world.runtime.time += 200
            raise ConnectionFailedError("x")

    world.endpoint.act = act
    await world.value()
    world.runtime.time += LIFE - 200

    assert await world.value() == "Bearer token-3"


def hanging(answers: int) -> World:
    """Return a world in real time whose endpoint hangs after some answers."""

    async def act(number: int) -> None:
        if number > answers:
            await anyio.sleep(30)

    runtime: Any = AnyioRuntime()
    return World(Endpoint(act), runtime)


async def test_an_early_renewal_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is given up, and the valid token is used."""
    monkeypatch.setattr(_renewal, "_EARLY_PATIENCE", 0.01)
    world = hanging(answers=1)
    await world.value()
    now = world.runtime.now()
    monkeypatch.setattr(AnyioRuntime, "now", lambda _: now + LIFE - 100)
    with anyio.fail_after(20):
        assert "Bearer token-1" == await world.value()


async def test_a_token_call_that_hangs() -> None:
    """The call that waits for it ends at its deadline, NOT_SENT."""
    with anyio.fail_after(20), pytest.raises(DeadlineExceededError) as caught:
        await hanging(answers=0).value(0.02)

    assert Outcome.NOT_SENT is caught.value.outcome


async def test_a_token_answer_that_is_cut_by_the_deadline() -> None:
    """The error is about the deadline, not about the answer."""
    world = World()

    async def act(_: int) -> None:
        world.runtime.time += 5
        raise UnreadableResponseError("Cut.")

    world.endpoint.act = act
    with pytest.raises(DeadlineExceededError):
        await world.value(5.0)
