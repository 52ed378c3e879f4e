"""A call ends by its deadline, whatever the other side does."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from typing import Any

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
from support.marks import each_of, every_world
from support.patience import noted, patiently, when
from support.ports import mute_port
from support.reaching import direct
from support.slow_rows import HEAD, ROWS, SIZED, Row
from support.tls import server_context


DEADLINE = 0.4
SLACK = 0.5  # Of a busy machine; 0.1 is what a call may take.
# One that is busier still is so for a moment: what is late is so each time.
TRIES = (DEADLINE,) * 4
SOON = 5.0  # What is known at once is told sooner, on any machine.


def in_time(ending: Ending, deadline: float = DEADLINE) -> bool:
    """Whether a call took no longer than it may."""
    return ending.seconds < deadline + SLACK


@every_world
@each_of(*ROWS)
def test_a_call_ends_by_its_deadline(row: Row, world: World) -> None:
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
        return in_time(ending), type(ending.failed), ending.outcome

    expected = True, row.error, row.outcome

    assert expected == patiently(expected, attempt, TRIES)


@every_world
def test_a_stall_after_a_while(world: World) -> None:
    """Each read has what is left of the time, not all of it."""
    step = faults.halves(HEAD, 0.7, b"X: y\r\n")

    def attempt(deadline: float) -> tuple[object, ...]:
        with FaultServer([step], good) as server:
            ending = world.one(
                create, timeout=5.0, deadline=deadline, **direct(server)
            )
        return in_time(ending, deadline), ending.outcome

    expected = True, Outcome.UNKNOWN

    assert expected == patiently(expected, attempt, (0.8,) * 4)


@every_world
@pytest.mark.parametrize(
    "step",
    [faults.hang, faults.silent, drip(HEAD, b"X"), drip(SIZED, b" ")],
    ids=["hangs", "silent", "drips headers", "drips a body"],
)
def test_a_slow_token_endpoint(step: Step, world: World) -> None:
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
        return in_time(ending), nothing_done, server.received

    expected: tuple[object, ...] = True, True, []

    assert expected == patiently(expected, attempt, TRIES)


@every_world
def test_a_full_queue(world: World) -> None:
    """Whoever waits for a connection does so no longer than it may."""

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

    assert expected == patiently(expected, attempt, (0.2,) * 4)


@every_world
def test_a_confirm_that_fails_again_and_again(world: World) -> None:
    """Repeating ends in time, too, and what is unknown stays so."""
    stubborn = RetryPolicy(attempts=9999, base=0.05, cap=0.05, budget=None)

    def attempt(deadline: float) -> tuple[object, ...]:
        with FaultServer([], answer(503)) as server:
            ending = world.one(
                confirm, retry=stubborn, deadline=deadline, **direct(server)
            )
        unseen = ending.failed.attempts - len(server.received)
        return in_time(ending), ending.outcome, unseen in {0, 1}

    expected = True, Outcome.UNKNOWN, True

    assert expected == patiently(expected, attempt, TRIES)


@every_world
def test_a_place_behind_the_deadline(world: World) -> None:
    """Whoever can't be served in time by the pace fails at once."""
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
        return in_time(ending), ending.outcome

    expected = True, Outcome.REFUSED

    assert expected == patiently(expected, attempt, TRIES)


def hanging(world: World, url: str) -> object:
    """Return whether a create ends in time there, and how."""

    def attempt(deadline: float) -> tuple[object, ...]:
        ending = world.one(
            create, base_url=url, timeout=5.0, deadline=deadline
        )
        return in_time(ending), ending.outcome

    return patiently((True, Outcome.NOT_SENT), attempt, TRIES)


@every_world
def test_connecting_hangs(world: World) -> None:
    """A machine that does not even say no."""
    with mute_port() as port:
        ended = hanging(world, f"http://127.0.0.1:{port}")

    assert (True, Outcome.NOT_SENT) == ended


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
        ended = hanging(world, f"https://api.sesamy.test:{port}")

    assert (True, Outcome.NOT_SENT) == ended


@pytest.mark.parametrize("world", [World.ASYNCIO, World.TRIO])
def test_a_slow_resolver(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that can't be looked up in time is NOT_SENT.

    Not so in the blocking client: no system call for that has a timeout.
    """

    def slow(*about: Any, flags: int = 0, **_: object) -> list[object]:
        # trio asks at first whether it is an address, which is not slow.
        if not (flags or sum(about[5:])) & socket.AI_NUMERICHOST:
            time.sleep(DEADLINE + SLACK + 0.2)
        raise socket.gaierror(socket.EAI_AGAIN, "slow")

    monkeypatch.setattr(socket, "getaddrinfo", slow)

    assert (True, Outcome.NOT_SENT) == hanging(
        world, "https://api.sesamy.test"
    )
