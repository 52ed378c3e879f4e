"""Clients whose pace somebody else keeps."""

from __future__ import annotations

import time
from contextlib import closing
from threading import Event
from typing import Any

import anyio
import attrs
import pytest

from sesamy_async import (
    AsyncSesamy,
    ConfigurationError,
    DeadlineExceededError,
    MemoryPacer,
    Outcome,
    Pacer,
    PacerUnavailable,
    Place,
    PlaceEnd,
    Priority,
    RateLimit,
    RetryPolicy,
    Sesamy,
    StaticToken,
    Turn,
)
from sesamy_async._call import pace
from sesamy_async.redis import RedisPacer
from sesamy_async.sandbox import Sandbox
from sesamy_async.testing import Time, order
from support.patience import until
from support.ports import closed_port
from support.servers import Redis


PROMO = "SPRING-12"
ONCE = RetryPolicy(attempts=1)


@attrs.define
class Scripted:
    """A pacer of the user's: it answers what it is told to, then yes."""

    answers: list[Turn | Exception | None] = attrs.field(factory=list)
    asked: list[Place] = attrs.field(factory=list)
    said: list[tuple[Place, PlaceEnd | None]] = attrs.field(factory=list)
    rate: float = 5.0
    free: float = 2.0

    def reserve(
        self, place: Place, *, longest: float, within: float
    ) -> Turn | None:
        """Answer."""
        assert 0 < within <= 2.0
        assert longest >= within
        self.asked.append(place)
        answer = self.answers.pop(0) if self.answers else Turn()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def end(self, place: Place, end: PlaceEnd, *, within: float) -> None:
        """Remember it."""
        assert 0 < within <= 2.0
        self.said.append((place, end))

    def give_back(self, place: Place, *, within: float) -> None:
        """Remember it."""
        assert 0 < within <= 2.0
        self.said.append((place, None))


async def test_an_onboarding_asks_for_both_its_requests(
    sesamy_sandbox: Sandbox,
) -> None:
    """First for two places, then for the one that was kept."""
    del sesamy_sandbox
    pacer = Scripted()
    async with AsyncSesamy(rate_limit=pacer) as sesamy:
        await sesamy.contracts.onboard(PROMO, order())
    create, confirm = pacer.asked

    assert (Priority.NEW, 2) == (create.priority, create.size)
    assert (Priority.KEPT, create) == (confirm.priority, confirm.kept)
    until(lambda: len(pacer.said) == 2)
    ended = dict(pacer.said)
    assert {create, confirm} == {*ended}
    for end in ended.values():
        assert end is not None
        assert None is not end.left
        assert None is end.wait


async def test_who_gives_up_while_it_asks_leaves_nothing(
    sesamy_sandbox: Sandbox,
) -> None:
    """The pacer hears so when it has answered, whatever it was."""
    del sesamy_sandbox
    asked, heard = Event(), Event()

    class Slow(Scripted):
        def reserve(
            self, place: Place, *, longest: float, within: float
        ) -> Turn | None:
            asked.set()
            heard.wait(20.0)
            return super().reserve(place, longest=longest, within=within)

    pacer = Slow()
    async with (
        AsyncSesamy(rate_limit=pacer) as sesamy,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(sesamy.contracts.onboard, PROMO, order())
        while not asked.is_set():  # noqa: ASYNC110 - a thread's
            await anyio.sleep(0.001)
        tasks.cancel_scope.cancel()
    time.sleep(0.05)  # noqa: ASYNC251 - for a thread
    early = [*pacer.said]
    heard.set()
    until(lambda: len(pacer.said) == 2)
    [place] = pacer.asked

    assert [] == early
    assert [(place, PlaceEnd(sent=False)), (place, None)] == pacer.said


def test_a_place_that_was_given_up_is_not_asked_for() -> None:
    """A thread may come to it when the call has long ended."""
    pacer, place = Scripted(), Place()
    asking = pace._Asking(pacer, place)
    asking.give_up()

    assert asking.reserve(longest=9.0, within=1.0) is None
    assert [] == pacer.asked
    # It has no second one to give back.
    assert [(place, PlaceEnd(sent=False))] == pacer.said


def test_a_blocking_client_asks_by_itself(sesamy_sandbox: Sandbox) -> None:
    """In its own thread, and both ends have come when the call returns."""
    del sesamy_sandbox
    pacer = Scripted()
    with Sesamy(rate_limit=pacer) as sesamy:
        sesamy.contracts.onboard(PROMO, order())

    assert [1, 1] == [
        len([each for each, _ in pacer.said if each is place])
        for place in pacer.asked
    ]


async def test_who_has_to_wait_asks_again(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """For the same place, as often as it is told to."""
    del sesamy_sandbox
    pacer = Scripted([Turn(3.0), Turn(4.0), Turn()])
    async with AsyncSesamy(rate_limit=pacer) as sesamy:
        await sesamy.contracts.create(PROMO, order())

    assert [3.0, 4.0] == sesamy_time.waits
    assert 3 == len(pacer.asked)
    assert 1 == len({each.id for each in pacer.asked})


async def test_too_late(sesamy_sandbox: Sandbox) -> None:
    """Nothing is sent, and nothing has to be given back."""
    pacer = Scripted([None])
    async with AsyncSesamy(rate_limit=pacer) as sesamy:
        with pytest.raises(DeadlineExceededError) as caught:
            await sesamy.contracts.onboard(PROMO, order())

    assert Outcome.NOT_SENT is caught.value.outcome
    assert 0 == len(sesamy_sandbox.ledger.orders)
    assert [] == pacer.said


async def test_a_429_is_told(sesamy_sandbox: Sandbox) -> None:
    """With the seconds it asks for; then the pacer is asked again."""
    sesamy_sandbox.faults.add("wait:1", on="create")
    pacer = Scripted()
    async with AsyncSesamy(rate_limit=pacer) as sesamy:
        await sesamy.contracts.create(PROMO, order())

    until(lambda: len(pacer.said) == 2)
    ends = [end.wait for _, end in pacer.said if end]
    assert {1.0, None} == {*ends}
    assert 2 == len({each.id for each in pacer.asked})


async def test_a_pacer_that_fails(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """Nothing is sent, and the error shows nothing of the pacer's own."""
    pacer = Scripted([OSError("redis://:s3cret@host")] * 100)
    async with AsyncSesamy(rate_limit=pacer) as sesamy:
        with pytest.raises(PacerUnavailable) as caught:
            await sesamy.contracts.onboard(PROMO, order())
    error = caught.value

    assert "The pacer (Scripted) failed with OSError." == error.args[0]
    assert (Outcome.NOT_SENT, True) == (error.outcome, error.retryable)
    assert 0 == len(sesamy_sandbox.ledger.orders)
    assert 5.0 == pytest.approx(sum(sesamy_time.waits), abs=0.3)


async def test_a_pacer_that_returns_something_else(
    sesamy_sandbox: Sandbox,
) -> None:
    """It is named, and nothing is sent."""
    wrong: Any = [5.0]
    async with AsyncSesamy(rate_limit=Scripted(wrong)) as sesamy:
        with pytest.raises(ConfigurationError) as caught:
            await sesamy.contracts.onboard(PROMO, order())

    assert (
        "Scripted.reserve must return a Turn or None, not float."
        == caught.value.args[0]
    )
    assert Outcome.NOT_SENT is caught.value.outcome
    assert 0 == len(sesamy_sandbox.ledger.orders)


@pytest.mark.parametrize("wait", [-1.0, float("nan"), "5"])
def test_a_turn_that_is_none(wait: Any) -> None:
    """A turn comes now or later."""
    with pytest.raises(ConfigurationError, match=r"^Turn\.wait"):
        Turn(wait)


async def test_a_pacer_that_is_away_for_a_moment(
    sesamy_sandbox: Sandbox, sesamy_time: Time
) -> None:
    """It is asked again for the same place; that is no second attempt."""
    pacer = Scripted([PacerUnavailable("It is away.")] * 3)
    async with AsyncSesamy(rate_limit=pacer, retry=ONCE) as sesamy:
        await sesamy.contracts.onboard(PROMO, order())

    assert [0.25] * 3 == sesamy_time.waits
    assert 1 == len({each.id for each in pacer.asked[:4]})
    assert sesamy_sandbox.ledger.confirmed("A-1")


@pytest.mark.parametrize(
    ("retryable", "deadline", "waits"), [(None, 1.0, 3), (False, 60.0, 0)]
)
async def test_a_pacer_that_is_away_for_too_long(
    sesamy_sandbox: Sandbox,
    sesamy_time: Time,
    retryable: bool | None,
    deadline: float,
    waits: int,
) -> None:
    """Nobody waits beyond the deadline, nor for what needs a person."""
    error = PacerUnavailable("It is away.", retryable=retryable)
    pacer = Scripted([error] * 100)
    async with AsyncSesamy(rate_limit=pacer, deadline=deadline) as sesamy:
        with pytest.raises(PacerUnavailable):
            await sesamy.contracts.create(PROMO, order())

    assert 0 == len(sesamy_sandbox.ledger.orders)
    assert waits == pytest.approx(len(sesamy_time.waits), abs=1)


async def test_a_pacer_that_hangs(
    sesamy_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds up neither the event loop nor the call."""
    for name in ("_PATIENCE", "_GRACE", "_AWAY"):
        monkeypatch.setattr(pace, name, 0.05)
    go, ticks = Event(), 0

    class Hanging(Scripted):
        def reserve(self, *_: Any, **__: Any) -> Turn | None:
            go.wait(30)
            return Turn()

    async with (
        AsyncSesamy(rate_limit=Hanging()) as sesamy,
        anyio.create_task_group() as tasks,
    ):

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await anyio.sleep(0.01)

        tasks.start_soon(tick)
        with pytest.raises(PacerUnavailable) as caught:
            await sesamy.contracts.onboard(PROMO, order())
        tasks.cancel_scope.cancel()
        go.set()

    assert (
        "The pacer (Hanging) did not respond in time." == caught.value.args[0]
    )
    assert ticks > 1
    assert 0 == len(sesamy_sandbox.ledger.orders)


async def test_a_call_that_is_cancelled_gives_its_place_up(
    sesamy_sandbox: Sandbox,
) -> None:
    """While it waits for its turn, nothing is sent."""
    pacer = Scripted([Turn(3600.0)])
    async with AsyncSesamy(rate_limit=pacer, deadline=None) as sesamy:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:

                async def cancel() -> None:
                    while not pacer.asked:  # noqa: ASYNC110 - a thread's
                        await anyio.sleep(0.001)
                    scope.cancel()

                tasks.start_soon(cancel)
                await sesamy.contracts.onboard(PROMO, order())

    until(lambda: len(pacer.said) == 2)
    place = pacer.asked[0]
    assert [(place, PlaceEnd(sent=False)), (place, None)] == pacer.said
    assert 0 == len(sesamy_sandbox.ledger.orders)


async def test_a_call_that_is_refused_gives_back_what_is_kept(
    sesamy_sandbox: Sandbox,
) -> None:
    """Its confirm never comes."""
    sesamy_sandbox.faults.add("status:422", on="create")
    pacer = Scripted()
    async with AsyncSesamy(rate_limit=pacer) as sesamy:
        with pytest.raises(Exception, match="422"):
            await sesamy.contracts.onboard(PROMO, order())

    [create] = pacer.asked
    until(lambda: len(pacer.said) == 2)
    assert (create, None) in pacer.said


async def test_a_client_is_ready_with_its_pacer(
    sesamy_sandbox: Sandbox,
) -> None:
    """It is asked, but no place is taken; a fallback is good enough."""
    del sesamy_sandbox
    pacer = Scripted()
    async with AsyncSesamy(rate_limit=pacer) as sesamy:
        await sesamy.ready()
    [(place, end)] = pacer.said

    assert None is end
    assert [] == pacer.asked
    assert 1 == place.size


@pytest.mark.parametrize("fallback", [None, RateLimit()])
async def test_a_client_is_not_ready_without_its_pacer(
    sesamy_sandbox: Sandbox, fallback: RateLimit | None
) -> None:
    """Unless each process may go on alone."""
    del sesamy_sandbox
    with (
        closed_port() as port,
        closing(
            RedisPacer(f"redis://127.0.0.1:{port}", fallback=fallback)
        ) as pacer,
    ):
        async with AsyncSesamy(rate_limit=pacer) as sesamy:
            if fallback is None:
                with pytest.raises(PacerUnavailable) as caught:
                    await sesamy.ready()
                assert Outcome.NOT_SENT is caught.value.outcome
                assert "ready" == caught.value.operation
            else:
                await sesamy.ready()


async def test_a_client_is_not_ready_if_its_pacer_fails(
    sesamy_sandbox: Sandbox,
) -> None:
    """The error names the pacer, and shows nothing of its own."""
    del sesamy_sandbox

    class Failing(Scripted):
        def give_back(self, *_: Any, **__: Any) -> None:
            raise OSError("redis://:s3cret@host")

    async with AsyncSesamy(rate_limit=Failing()) as sesamy:
        with pytest.raises(PacerUnavailable) as caught:
            await sesamy.ready()

    assert "The pacer (Failing) failed with OSError." == caught.value.args[0]


def test_a_pacer_shows_its_limit() -> None:
    """For whoever looks at what a program uses."""
    assert f"MemoryPacer({RateLimit()!r})" == repr(MemoryPacer())


def test_what_is_no_pacer() -> None:
    """A class, or a number, is none."""
    for wrong in (RedisPacer, MemoryPacer, 5, "redis://localhost"):
        given: Any = wrong
        with pytest.raises(ConfigurationError, match="rate_limit must be a"):
            Sesamy("acme", auth=StaticToken("t"), rate_limit=given)


def test_what_a_client_says_of_its_pace() -> None:
    """It is what the pacer knows."""
    pacer = Scripted()

    assert isinstance(pacer, Pacer)
    with Sesamy("acme", auth=StaticToken("t"), rate_limit=pacer) as sesamy:
        assert (5.0, 2.0) == (sesamy.permitted_rate, sesamy.permitted_at_once)


def test_copies_keep_a_pacer() -> None:
    """Also where they would have a pace of their own by default."""
    pacer = MemoryPacer(RateLimit(requests=7, per=1, burst=9))
    with Sesamy("acme", auth=StaticToken("t"), rate_limit=pacer) as sesamy:
        pacer.reserve(Place(), longest=0, within=0)
        copies = [
            sesamy.with_options(base_url="https://other.example"),
            sesamy.with_options(auth=StaticToken("u")),
            sesamy.with_options(rate_limit=RateLimit(burst=3)),
        ]

        assert [8.0, 8.0, 3.0] == [
            round(each.permitted_at_once or 0.0) for each in copies
        ]


@pytest.mark.parametrize("count", [1, 3, 1000])
def test_a_share_of_a_limit(count: int) -> None:
    """All shares together are the limit; each can send at least one."""
    share = RateLimit(requests=300, per=60, burst=500).share(count)

    assert 5.0 == pytest.approx(count * share.rate)
    assert max(1.0, 500 / count) == share.burst


@pytest.mark.parametrize("count", [0, 0.5, "8", None])
def test_no_share_of_a_limit(count: Any) -> None:
    """There is at least one who shares it."""
    with pytest.raises(ConfigurationError, match="count must be"):
        RateLimit().share(count)


async def test_both_clients_share_a_pace_in_a_redis(
    redis: Redis, served: Sandbox
) -> None:
    """What one has used, the other one has to wait for."""
    limit = RateLimit(requests=20, per=1, burst=4)
    with closing(RedisPacer(redis.url, limit)) as pacer:
        async with AsyncSesamy(rate_limit=pacer) as sesamy:
            for number in range(2):
                await sesamy.contracts.onboard(PROMO, order(f"a-{number}"))
        began = time.monotonic()
        with (
            closing(RedisPacer(redis.url, limit)) as other,
            Sesamy(rate_limit=other) as blocking,
        ):
            for number in range(3):
                blocking.contracts.onboard(PROMO, order(f"b-{number}"))

    assert time.monotonic() - began > 0.15
    for each in ("a-0", "a-1", "b-0", "b-1", "b-2"):
        assert served.ledger.confirmed(each)
