"""Sending no faster than permitted."""

from __future__ import annotations

import logging
from contextlib import suppress

import anyio
import attrs
import pytest

from sesamy_async import (
    ConnectionFailedError,
    DeadlineExceededError,
    MemoryPacer,
    Outcome,
    OutcomeUnknownError,
    PacerUnavailable,
    Place,
    PlaceEnd,
    Priority,
    RateLimit,
    Response,
    SesamyError,
    Turn,
)
from sesamy_async._call import Kept, Latency, Pace, Runtime, give_back
from support.buckets import INF
from support.exchanges import Script, a_call, an_answer, an_api_error
from support.runtime import FakeRuntime


LIMIT = RateLimit(requests=60, per=60, burst=1)  # One a second.


def _pacer(limit: RateLimit, runtime: FakeRuntime) -> MemoryPacer:
    return MemoryPacer(limit, clock=runtime.now)


def _overtake(pace: Pace) -> Place:
    """Let a call go that completes another."""
    place = Place(priority=Priority.COMPLETING)
    assert pace.pacer.reserve(place, longest=INF, within=0.0)
    return place


def make(limit: RateLimit = LIMIT) -> tuple[Pace, FakeRuntime]:
    """Return the middleware, and the time it lives in."""
    runtime = FakeRuntime()
    return Pace(_pacer(limit, runtime), runtime, Latency()), runtime


async def test_would_pass_the_deadline() -> None:
    """A wait beyond the deadline fails at once, and nothing is sent."""
    script = Script([an_answer()])
    pace, runtime = make()
    await pace(a_call(), script)

    with pytest.raises(DeadlineExceededError) as caught:
        await pace(a_call(deadline=runtime.now() + 0.5), script)

    assert Outcome.NOT_SENT is caught.value.outcome
    assert caught.value.args[0] == (
        "Waiting for the rate limit would exceed the deadline."
    )
    assert (1, []) == (len(script.calls), runtime.slept)


QUICK = RateLimit(requests=4, per=1, burst=1)
SLOW = RateLimit(requests=1, per=2, burst=1)
ROOMY = RateLimit(requests=60)
LEFT = {"X_RateLimit_Remaining": "0"}


@pytest.mark.parametrize(
    ("limit", "first", "waits"),
    [
        (LIMIT, an_answer(), [1.0]),
        # A 429 blocks as long as it says, or until one request is free.
        (LIMIT, an_api_error(429, Retry_After="7"), [7.0]),
        (QUICK, an_api_error(429), [0.25]),
        (SLOW, an_api_error(429), [2.0]),
        # A success and a refusal both tell what the server has left.
        (ROOMY, an_answer(200, **LEFT), [1.0]),  # type: ignore[arg-type]
        (ROOMY, an_api_error(404, **LEFT), [1.0]),  # type: ignore[arg-type]
        # And how many it permits in a minute.
        (QUICK, an_answer(X_RateLimit_Limit="60"), [1.0]),
        # What was not sent gives its place back; what left keeps it.
        (LIMIT, ConnectionFailedError("-"), []),
        (LIMIT, OutcomeUnknownError("?", outcome=Outcome.UNKNOWN), [1.0]),
        (LIMIT, an_api_error(404), [1.0]),
    ],
)
async def test_waits(
    limit: RateLimit, first: Response | SesamyError, waits: list[float]
) -> None:
    """How long the next call waits depends on how the first one ended."""
    script = Script([first, an_answer()])
    pace, runtime = make(limit)
    with suppress(SesamyError):
        await pace(a_call(), script)
    await pace(a_call(), script)

    assert waits == runtime.slept


class Rateless(MemoryPacer):
    """A pacer that knows no rate now."""

    @property
    def rate(self) -> float:
        """Return none."""
        return 0.0


@pytest.mark.parametrize(
    ("rate", "level", "waited"), [(1, "INFO", "1.0"), (2, "DEBUG", "0.5")]
)
async def test_a_wait_is_logged(
    rate: int, level: str, waited: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With its order and its seconds, and more quietly if it is short."""
    caplog.set_level(logging.DEBUG, logger="sesamy_async")
    script = Script([an_answer(), an_answer()])
    pace, _ = make(RateLimit(requests=rate, per=1, burst=1))
    await pace(a_call(), script)
    assert [] == caplog.records
    await pace(a_call(), script)
    [record] = caplog.records

    assert level == record.levelname
    assert (
        f"contracts.create waited {waited} s for the rate limit "
        "external_order_id='o-1'"
    ) == record.getMessage()
    values = {
        "operation": "contracts.create",
        "external_order_id": "o-1",
        "waited": 1 / rate,
    }
    assert values.items() <= vars(record).items()


async def test_a_429_without_a_wait_where_no_rate_is_known() -> None:
    """Nothing is sent for a second."""
    script = Script([an_api_error(429), an_answer()])
    runtime = FakeRuntime()
    pacer = Rateless(QUICK, clock=runtime.now)
    pace = Pace(pacer, runtime, Latency())
    with suppress(SesamyError):
        await pace(a_call(), script)
    await pace(a_call(), script)

    assert [1.0] == runtime.slept


async def test_a_block_while_waiting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What waits while a 429 comes in waits for its end, too."""
    caplog.set_level(logging.INFO, logger="sesamy_async")
    script = Script([an_answer()])
    pace, runtime = make()
    await pace(a_call(), script)

    async def sleep(_: FakeRuntime, seconds: float) -> None:
        runtime.slept.append(seconds)
        runtime.time += seconds
        if len(runtime.slept) == 1:
            other = _overtake(pace)
            pace.pacer.end(other, PlaceEnd(wait=5.0), within=0.0)

    monkeypatch.setattr(FakeRuntime, "sleep", sleep)
    await pace(a_call(), script)

    assert [1.0, 5.0] == runtime.slept
    assert "waited 6.0 s for the rate limit" in caplog.text


@pytest.mark.parametrize(("sent", "waits"), [(False, []), (True, [1.0])])
async def test_places_after_cancellations(
    sent: bool, waits: list[float]
) -> None:
    """A cancelled call keeps its place only if it had begun to leave."""
    script = Script([an_answer()])
    pace, runtime = make()
    cancelled = a_call()
    cancelled.record.sent = sent
    with anyio.CancelScope() as scope:
        scope.cancel()
        await pace(cancelled, lambda _: anyio.sleep(1))  # type: ignore[arg-type, return-value]
    await pace(a_call(), script)

    assert waits == runtime.slept


async def test_cancelled_in_the_queue() -> None:
    """Who leaves the queue makes room for the others."""
    script = Script([an_answer()])
    pace, runtime = make()
    await pace(a_call(), script)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await pace(a_call(), script)
    runtime.slept.clear()
    runtime.time -= 1.0
    await pace(a_call(), script)

    assert [1.0] == runtime.slept


async def test_a_pacer_in_memory_needs_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is told at once what became of a call, so the next one knows."""
    monkeypatch.delattr(FakeRuntime, "start", raising=False)
    monkeypatch.delattr(Runtime, "start")
    script = Script([an_answer()])
    pace, runtime = make(RateLimit(requests=60, per=60, burst=2))
    kept = Kept()
    await pace(a_call(kept=kept), script)
    assert kept.place is not None
    give_back(pace.pacer, kept.place, runtime)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await pace(a_call(), lambda _: anyio.sleep(1))  # type: ignore[arg-type, return-value]

    assert 1.0 == pace.pacer.free

    await pace(a_call(), script)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await pace(a_call(), script)

    assert 1.0 == pace.pacer.free


async def test_what_is_kept_outlives_a_retry() -> None:
    """A create that is sent again keeps what it has, and no more."""
    lost = OutcomeUnknownError("?", outcome=Outcome.UNKNOWN)
    script = Script([lost, an_answer()])
    runtime = FakeRuntime()
    pacer = _pacer(RateLimit(burst=10), runtime)
    pace, kept = Pace(pacer, runtime, Latency()), Kept()
    create = a_call(kept=kept)
    free: list[float] = []
    with pytest.raises(OutcomeUnknownError):
        await pace(create, script)
    free.append(pacer.free)
    await pace(create, script)
    free.append(pacer.free)
    for _ in range(2):
        await pace(a_call(kept=kept, completes=True), script)
        free.append(pacer.free)

    assert [8.0, 7.0, 7.0, 6.0] == free
    assert not pacer._places
    assert not pacer._kept


async def test_the_time_of_another_attempt_does_not_count() -> None:
    """Until it is sent again, a call counts as not sent."""
    script = Script([an_answer()])
    pace, _ = make()
    call = a_call()
    call.record.began = 1.0
    await pace(call, script)

    assert None is script.calls[0].record.began


@attrs.define
class Asked:
    """A pacer of the user's that says yes, or that is never there."""

    away: bool = False
    places: list[Place] = attrs.field(factory=list)
    rate: float = 5.0
    free: float = 2.0

    def reserve(
        self, place: Place, *, longest: float, within: float
    ) -> Turn | None:
        """Say yes, or fail."""
        del longest, within
        self.places.append(place)
        if self.away:
            raise PacerUnavailable("It is away.")
        return Turn()

    def end(self, place: Place, end: PlaceEnd, *, within: float) -> None:
        """Nothing is remembered."""

    def give_back(self, place: Place, *, within: float) -> None:
        """Nothing is remembered."""


KEPT = Place(size=2)


@pytest.mark.parametrize(
    ("completes", "kept", "expected"),
    [
        (False, None, (Priority.NEW, 1, None)),
        (False, Kept(), (Priority.NEW, 2, None)),
        (False, Kept(KEPT), (Priority.NEW, 1, None)),
        (True, None, (Priority.COMPLETING, 1, None)),
        (True, Kept(), (Priority.COMPLETING, 1, None)),
        (True, Kept(KEPT), (Priority.KEPT, 1, KEPT)),
    ],
)
async def test_what_is_asked_for(
    kept: Kept | None,
    expected: tuple[Priority, int, Place | None],
    *,
    completes: bool,
) -> None:
    """What completes a call goes first, and best where a place is kept."""
    pacer = Asked()
    call = a_call(completes=completes, kept=kept and attrs.evolve(kept))
    pace = Pace(pacer, FakeRuntime(), Latency())
    await pace(call, Script([an_answer()]))
    [place] = pacer.places

    assert expected == (place.priority, place.size, place.kept)
    assert call.record is place.record


@pytest.mark.parametrize(
    ("seconds", "waits"), [(INF, 19), (60.0, 19), (1.25, 3), (0.125, 0)]
)
async def test_how_long_a_pacer_may_be_away(
    seconds: float, waits: int
) -> None:
    """Five seconds, or until the call could not end in time any more."""
    runtime, script = FakeRuntime(), Script([an_answer()])
    call = a_call(deadline=runtime.now() + seconds)
    with pytest.raises(PacerUnavailable):
        await Pace(Asked(away=True), runtime, Latency())(call, script)

    assert ([0.25] * waits, []) == (runtime.slept, script.calls)


async def test_too_late_when_its_turn_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever was put off too far gives its place back, and says so."""
    script = Script([an_answer()])
    pace, runtime = make()
    await pace(a_call(), script)

    async def sleep(_: FakeRuntime, seconds: float) -> None:
        runtime.time += seconds
        _overtake(pace)

    monkeypatch.setattr(FakeRuntime, "sleep", sleep)
    with pytest.raises(DeadlineExceededError) as caught:
        await pace(a_call(deadline=runtime.now() + 1.9), script)

    assert Outcome.NOT_SENT is caught.value.outcome
    assert isinstance(pace.pacer, MemoryPacer)
    assert 0 == pace.pacer._unsent
