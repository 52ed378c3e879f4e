"""A call ends by its deadline, whatever the other side does."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest

from sesamy_async import (
    Connections,
    Outcome,
    RateLimit,
    RateLimitError,
    RetryPolicy,
)
from support import faults
from support.calling import Ending, World, confirm, create, hasty
from support.fault_server import FaultServer, Peer, Step
from support.faults import answer, drip, good
from support.marks import every_world
from support.patience import noted, patiently, when
from support.ports import mute_port
from support.reaching import direct
from support.slow_rows import HEAD, ROWS, SIZED, Row
from support.tls import server_context


# Seconds.  The first is enough unless the machine is very busy: then the
# others are tried.  A call that is really late is late each time.
DEADLINES = (0.25, 0.5, 1.0, 1.5)
SLACK = 0.5  # Of a busy machine; 0.1 is what a call may take.
SOON = 5.0  # A call that fails at once is faster, on any machine.
AT_ONCE = 8
# They would delay others.
BUSY = {"100s without a pause", "a little is read now and then"}

Attempt = Callable[[float], tuple[object, ...]]


@attrs.frozen(kw_only=True)
class Case:
    """Something that would make a call late.

    Attributes:
        cause: In words.
        attempt: Makes a call with this deadline, and says how it ended.
        expected: How it should end, besides in time.
        deadlines: Which ones to try.
    """

    cause: str
    attempt: Attempt
    expected: tuple[object, ...]
    deadlines: Sequence[float] = DEADLINES

    def first(self) -> bool:
        """Try it once; return whether it ended as it should."""
        return self.expected == self.attempt(self.deadlines[0])

    def last(self) -> object:
        """Try it up to three times more, and return how it ended then."""
        return patiently(self.expected, self.attempt, self.deadlines[1:])


def in_time(ending: Ending, deadline: float) -> bool:
    """Whether a call took no longer than it may."""
    return ending.seconds < deadline + SLACK


def of_row(row: Row, world: World) -> Case:
    """Each wait is bounded by the deadline, however often it's renewed."""
    context = server_context() if row.tls else None

    def attempt(deadline: float) -> tuple[object, ...]:
        with FaultServer([], row.step, context=context) as server:
            ending = world.one(
                row.operation,
                timeout=5.0,
                deadline=deadline,
                **row.settings(server),
            )
        timely = in_time(ending, deadline)
        return timely, type(ending.failed), ending.outcome

    return Case(
        cause=row.cause,
        attempt=attempt,
        expected=(True, row.error, row.outcome),
    )


def of_stall(world: World) -> Case:
    """Each read has the rest of the time, not all of it."""
    step = faults.halves(HEAD, 0.6, b"X: y\r\n")

    def attempt(deadline: float) -> tuple[object, ...]:
        with FaultServer([step], good) as server:
            ending = world.one(
                create, timeout=5.0, deadline=deadline, **direct(server)
            )
        return in_time(ending, deadline), ending.outcome

    return Case(
        cause="a stall after a while",
        attempt=attempt,
        expected=(True, Outcome.UNKNOWN),
        deadlines=(0.7,) * 4,
    )


def of_token(cause: str, step: Step, world: World) -> Case:
    """The wait for a token counts; nothing was sent then."""

    def attempt(deadline: float) -> tuple[object, ...]:
        with FaultServer([], step) as tokens, FaultServer([], good) as server:
            ending = world.one(
                create,
                client_id="id",
                client_secret="secret",
                token_url=tokens.url,
                timeout=5.0,
                deadline=deadline,
                **direct(server),
            )
        nothing_done = ending.failed.outcome.nothing_done
        return in_time(ending, deadline), nothing_done, server.received

    return Case(
        cause=f"the token endpoint {cause}",
        attempt=attempt,
        expected=(True, True, []),
    )


def of_retries(world: World) -> Case:
    """Retries end in time, too, and an unknown outcome stays unknown."""
    stubborn = RetryPolicy(attempts=9999, base=0.05, cap=0.05, budget=None)

    def attempt(deadline: float) -> tuple[object, ...]:
        with FaultServer([], answer(503)) as server:
            ending = world.one(
                confirm, retry=stubborn, deadline=deadline, **direct(server)
            )
        unseen = ending.failed.attempts - len(server.received)
        return in_time(ending, deadline), ending.outcome, unseen in {0, 1}

    return Case(
        cause="a confirm fails again and again",
        attempt=attempt,
        expected=(True, Outcome.UNKNOWN, True),
    )


def of_connecting(url: str, world: World) -> Case:
    """A machine that does not even say no."""

    def attempt(deadline: float) -> tuple[object, ...]:
        ending = world.one(
            create, base_url=url, timeout=5.0, deadline=deadline
        )
        return in_time(ending, deadline), ending.outcome

    return Case(
        cause="connecting hangs",
        attempt=attempt,
        expected=(True, Outcome.NOT_SENT),
    )


def cases(world: World, mute: int) -> Iterator[Case]:
    """Return all cases without a patch; the longest one first."""
    yield of_stall(world)
    for row in ROWS:
        if row.cause not in BUSY:
            yield of_row(row, world)
    yield of_token("hangs", faults.hang, world)
    yield of_token("is silent", faults.silent, world)
    yield of_token("drips headers", drip(HEAD, b"X"), world)
    yield of_token("drips a body", drip(SIZED, b" "), world)
    yield of_retries(world)
    yield of_connecting(f"http://127.0.0.1:{mute}", world)


@every_world
def test_calls_end_by_their_deadlines(world: World) -> None:
    """All that makes others wait is bounded: tried side by side."""
    with mute_port() as mute, ThreadPoolExecutor(AT_ONCE) as pool:
        tried = list(cases(world, mute))
        passed = list(pool.map(Case.first, tried))
        wrong = [
            case
            for case, right in zip(tried, passed, strict=True)
            if not right
        ]
        late = {case.cause: (case.last(), case.expected) for case in wrong}

    assert {} == {
        cause: found
        for cause, (found, expected) in late.items()
        if found != expected
    }


@every_world
@pytest.mark.parametrize("cause", sorted(BUSY))
def test_a_busy_call_ends_by_its_deadline(cause: str, world: World) -> None:
    """So is what keeps us busy."""
    (row,) = (row for row in ROWS if row.cause == cause)
    case = of_row(row, world)

    assert case.first() or case.expected == case.last()


@every_world
def test_a_full_queue(world: World) -> None:
    """A call waits for a connection no longer than its deadline."""

    def attempt(deadline: float) -> tuple[object, ...]:
        late: list[Ending] = []
        taken = threading.Event()

        def busy(peer: Peer) -> None:
            peer.read_request()
            taken.set()
            while len(late) < 5:
                peer.pause(0.01)
            peer.close()

        waiting = when(taken.is_set, noted(late, hasty(deadline, create)))
        with FaultServer([busy], good) as server:
            settings = {**direct(server), "transport": Connections(cap=1)}
            world.together([create, *[waiting] * 5], **settings)
        on_time = all(in_time(ending, deadline) for ending in late)
        return on_time, {ending.outcome for ending in late}

    expected = True, {Outcome.NOT_SENT}

    assert expected == patiently(expected, attempt, DEADLINES)


@every_world
def test_a_place_behind_the_deadline(world: World) -> None:
    """A call that the pace can't serve in time fails at once."""
    pace = RateLimit(requests=1, per=60, burst=1)
    with FaultServer([], good) as server:
        _, ending = world.run(
            [create, create], rate_limit=pace, **direct(server)
        )

    assert ending.seconds < SOON
    assert Outcome.NOT_SENT is ending.outcome
    assert 1 == len(server.received)


@every_world
def test_a_wait_that_sesamy_asks_for(world: World) -> None:
    """A Retry-After behind the deadline is not waited for."""
    headers = {"Retry-After": "60"}
    with FaultServer([], answer(429, b"", headers)) as server:
        ending = world.one(create, retry=RetryPolicy(), **direct(server))

    assert ending.seconds < SOON
    assert RateLimitError is type(ending.error)
    assert 1 == len(server.received)


@every_world
def test_a_large_request_that_is_refused(world: World) -> None:
    """The time to explain an answer does not grow with the request."""
    numbers = itertools.count()
    refusal = answer(400, {"error": {"message": "No, thank you."}})

    def post(client: Any) -> Any:
        # Compiled patterns are cached, so each try has one of its own.
        text = f"{world}{next(numbers)}" * 500_000
        return client.request("POST", "/", json=text)

    def attempt(deadline: float) -> tuple[object, ...]:
        with FaultServer([], refusal) as server:
            ending = world.one(post, deadline=deadline, **direct(server))
        return in_time(ending, deadline), ending.outcome

    expected = True, Outcome.REFUSED

    assert expected == patiently(expected, attempt, DEADLINES)


@every_world
def test_connecting_hangs_at_each_address(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name with many addresses has one deadline for all of them."""
    addresses = [f"127.0.0.{n}" for n in range(1, 5)]
    resolve = socket.getaddrinfo

    def many(host: Any, port: Any, *about: Any, **more: Any) -> list[Any]:
        named = host in {"api.sesamy.test", b"api.sesamy.test"}
        found = addresses if named else [host]
        each = [resolve(one, port, *about, **more) for one in found]
        return [info for infos in each for info in infos]

    with mute_port(*addresses[1:]) as port:
        monkeypatch.setattr(socket, "getaddrinfo", many)
        case = of_connecting(f"https://api.sesamy.test:{port}", world)

        assert case.first() or case.expected == case.last()


@pytest.mark.parametrize("world", [World.ASYNCIO, World.TRIO])
def test_a_slow_resolver(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that can't be looked up in time is NOT_SENT.

    Not so in the blocking client: no system call for that has a timeout.
    """
    over = threading.Event()

    def slow(*about: Any, flags: int = 0, **_: object) -> list[object]:
        # trio asks at first whether it is an address, which is not slow.
        if not (flags or sum(about[5:])) & socket.AI_NUMERICHOST:
            over.wait(20.0)
        raise socket.gaierror(socket.EAI_AGAIN, "slow")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    case = of_connecting("https://api.sesamy.test", world)
    try:
        assert case.first() or case.expected == case.last()
    finally:
        over.set()
