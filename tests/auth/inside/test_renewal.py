"""Get a token once for all who wait, and the next one ahead of time."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from sesamy_async._call import AnyioRuntime, Call, Response
from sesamy_async._outcome import Outcome
from sesamy_async.auth import (
    ClientCredentials,
    MemoryTokenStore,
    TokenAuth,
    _renewal,
)
from sesamy_async.errors import (
    APIError,
    AuthenticationError,
    ConnectionFailedError,
    DeadlineExceededError,
    SesamyError,
    UnreadableResponseError,
)
from support.exchanges import a_call
from support.runtime import FakeRuntime
from support.token_world import LIFE, URL, Endpoint, TimedRuntime, World, fails


pytestmark = pytest.mark.usefixtures("bound_in_time")


async def test_a_token_is_got_once_in_its_life() -> None:
    """Expiry is read on the monotonic clock."""
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
        len(world.endpoint.calls),
    )


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
    """One call per encoding; what one call notes on its error is its own."""
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

    assert ([("no", None)] * 100, 2) == (found, len(world.endpoint.calls))


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


class Hanging:
    """Answers so many times, then hangs."""

    def __init__(self, answers: int) -> None:
        self.answers = answers

    async def __call__(self, call: Call) -> Response:
        """Answer, or hang."""
        del call
        self.answers -= 1
        if self.answers < 0:
            await anyio.sleep(30)
        content = b'{"access_token": "t1", "expires_in": 3600}'
        return Response(status_code=200, content=content)


def hanging(answers: int) -> TokenAuth:
    """Return an auth in real time."""
    return TokenAuth(
        ClientCredentials("id", "s"),
        URL,
        AnyioRuntime(),
        Hanging(answers),
    )


async def test_an_early_renewal_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A renewal ahead of time is given up, and the living token is used."""
    monkeypatch.setattr(_renewal, "_EARLY_PATIENCE", 0.01)
    auth = hanging(answers=1)
    await auth.authorization(a_call())
    now = auth._runtime.now()
    monkeypatch.setattr(AnyioRuntime, "now", lambda _: now + 3500)
    with anyio.fail_after(20):
        value = await auth.authorization(a_call())

    assert "Bearer t1" == value


async def test_a_token_call_that_hangs() -> None:
    """A call whose token does not come in time was not sent."""
    auth = hanging(answers=0)
    call = a_call(deadline=auth._runtime.now() + 0.02)
    with anyio.fail_after(20), pytest.raises(DeadlineExceededError) as caught:
        await auth.authorization(call)

    assert Outcome.NOT_SENT is caught.value.outcome


async def test_a_token_answer_that_is_cut_by_the_deadline() -> None:
    """It is the deadline that is told of, not the address."""

    class Dripping(Hanging):
        async def __call__(self, call: Call) -> Response:
            await anyio.lowlevel.checkpoint()
            runtime.time = call.deadline
            raise UnreadableResponseError("Cut.")

    runtime = FakeRuntime()
    auth = TokenAuth(
        ClientCredentials("id", "s"),
        URL,
        runtime,
        Dripping(0),
    )
    with pytest.raises(DeadlineExceededError):
        await auth.authorization(a_call(deadline=runtime.now() + 5))
