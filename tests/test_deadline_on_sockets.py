"""A call ends by its deadline, whatever the other side does."""

from __future__ import annotations

import socket
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
from support.calling import Ending, World, confirm, create, hasty, later
from support.fault_server import FaultServer, Step
from support.faults import answer, drip, good
from support.marks import each_of, every_world
from support.ports import mute_port
from support.reaching import direct
from support.slow_rows import HEAD, ROWS, SIZED, Row
from support.tls import server_context


DEADLINE = 0.4
SLACK = 0.5  # Of a busy machine; 0.1 is what a call may take.


def in_time(ending: Ending, deadline: float = DEADLINE) -> bool:
    """Whether a call took no longer than it may."""
    return ending.seconds < deadline + SLACK


@every_world
@each_of(*ROWS)
def test_a_call_ends_by_its_deadline(row: Row, world: World) -> None:
    """Each wait is bounded by the deadline, however often it's renewed."""
    context = server_context() if row.tls else None
    with FaultServer([], row.step, context=context) as server:
        ending = world.one(
            row.operation,
            timeout=5.0,
            deadline=DEADLINE,
            **row.settings(server),
        )
    error = ending.failed

    assert in_time(ending)
    assert (row.error, row.outcome) == (type(error), error.outcome)


@every_world
def test_a_stall_after_a_while(world: World) -> None:
    """Each read has what is left of the time, not all of it."""
    step = faults.halves(HEAD, 0.7, b"X: y\r\n")
    with FaultServer([step], good) as server:
        settings = {**direct(server), "timeout": 5.0, "deadline": 0.8}
        ending = world.one(create, **settings)

    assert in_time(ending, 0.8)
    assert Outcome.UNKNOWN is ending.outcome


@every_world
@pytest.mark.parametrize(
    "step",
    [faults.hang, faults.silent, drip(HEAD, b"X"), drip(SIZED, b" ")],
    ids=["hangs", "silent", "drips headers", "drips a body"],
)
def test_a_slow_token_endpoint(step: Step, world: World) -> None:
    """The wait for a token counts; nothing was sent then."""
    with FaultServer([], step) as tokens, FaultServer([], good) as server:
        ending = world.one(
            create,
            client_id="id",
            client_secret="secret",
            token_url=tokens.url,
            timeout=5.0,
            deadline=DEADLINE,
            **direct(server),
        )

    assert in_time(ending)
    assert ending.failed.outcome.settled
    assert [] == server.received


@every_world
def test_a_full_queue(world: World) -> None:
    """Whoever waits for a connection does so no longer than it may."""
    waiting = later(0.1, hasty(0.2, create))
    with FaultServer([], faults.silent) as server:
        settings = {**direct(server), "transport": Connections(cap=1)}
        _, *endings = world.together(
            [create, *[waiting] * 5], timeout=0.8, **settings
        )

    assert all(in_time(ending, 0.2) for ending in endings)
    assert {Outcome.NOT_SENT} == {ending.outcome for ending in endings}


@every_world
def test_a_confirm_that_fails_again_and_again(world: World) -> None:
    """Repeating ends in time, too, and what is unknown stays so."""
    stubborn = RetryPolicy(attempts=9999, base=0.05, cap=0.05, budget=None)
    with FaultServer([], answer(503)) as server:
        ending = world.one(
            confirm, retry=stubborn, deadline=DEADLINE, **direct(server)
        )

    assert in_time(ending)
    assert Outcome.UNKNOWN is ending.outcome
    assert ending.failed.attempts - len(server.received) in {0, 1}


@every_world
def test_a_place_behind_the_deadline(world: World) -> None:
    """Whoever can't be served in time by the pace fails at once."""
    pace = RateLimit(requests=1, per=60, burst=1)
    with FaultServer([], good) as server:
        _, ending = world.run(
            [create, create], rate_limit=pace, **direct(server)
        )

    assert ending.seconds < DEADLINE
    assert Outcome.NOT_SENT is ending.outcome
    assert 1 == len(server.received)


@every_world
def test_a_wait_that_sesamy_asks_for(world: World) -> None:
    """A Retry-After behind the deadline is not waited for."""
    headers = {"Retry-After": "60"}
    with FaultServer([], answer(429, b"", headers)) as server:
        ending = world.one(create, retry=RetryPolicy(), **direct(server))

    assert ending.seconds < DEADLINE
    assert RateLimitError is type(ending.error)
    assert 1 == len(server.received)


@every_world
def test_a_large_request_that_is_refused(world: World) -> None:
    """The time to explain an answer does not grow with the request."""

    def post(client: Any) -> Any:
        # Compiled patterns are cached, so each world has one of its own.
        return client.request("POST", "/", json=world * 500_000)

    refusal = answer(400, {"error": {"message": "No, thank you."}})
    with FaultServer([], refusal) as server:
        ending = world.one(post, deadline=DEADLINE, **direct(server))

    assert in_time(ending)
    assert Outcome.REFUSED is ending.outcome


@every_world
def test_connecting_hangs(world: World) -> None:
    """A machine that does not even say no."""
    with mute_port() as port:
        ending = world.one(
            create,
            base_url=f"http://127.0.0.1:{port}",
            timeout=5.0,
            deadline=DEADLINE,
        )

    assert in_time(ending)
    assert Outcome.NOT_SENT is ending.outcome


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
        ending = world.one(
            create,
            base_url=f"https://api.sesamy.test:{port}",
            timeout=5.0,
            deadline=DEADLINE,
        )

    assert in_time(ending)
    assert Outcome.NOT_SENT is ending.outcome


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
    ending = world.one(
        create,
        base_url="https://api.sesamy.test",
        timeout=5.0,
        deadline=DEADLINE,
    )

    assert in_time(ending)
    assert Outcome.NOT_SENT is ending.outcome
