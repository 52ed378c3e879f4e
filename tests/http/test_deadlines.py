"""A call ends by its deadline, whatever the other side does."""

from __future__ import annotations

import itertools
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sesamy_async import (
    Connections,
    Outcome,
    RateLimit,
    RateLimitError,
    RetryPolicy,
)
from support.calling import Ending, World, create, hasty
from support.fault_server import FaultServer, Peer
from support.faults import answer, good
from support.late import (
    BUSY,
    DEADLINES,
    Case,
    cases,
    in_time,
    of_connecting,
    of_row,
)
from support.marks import every_world
from support.patience import noted, patiently, when
from support.ports import mute_port
from support.reaching import direct
from support.slow_rows import ROWS


SOON = 5.0  # A call that fails at once is faster, on any machine.
AT_ONCE = 8


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
