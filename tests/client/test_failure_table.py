"""Which failure means what, on real sockets and in all three worlds."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack
from typing import Any

import pytest

from sesamy_async import (
    APIError,
    ConnectionFailedError,
    InvalidRequestError,
    Outcome,
    OutcomeUnknownError,
    RetryPolicy,
)
from support.calling import (
    AT_ONCE,
    ONCE,
    Operation,
    World,
    confirm,
    create,
    post_much,
    spoiled,
)
from support.failure_rows import DOUBTFUL, NOT_SENT, ROWS, Row
from support.fault_server import FaultServer, Step
from support.faults import (
    SECRET,
    close_answer,
    early_413,
    good,
    reset_answer,
)
from support.marks import each_of, every_world
from support.patience import BRIEF, patiently
from support.ports import closed_port, mute_port
from support.reaching import direct


@every_world
@each_of(*ROWS)
def test_each_cause_has_one_meaning(row: Row, world: World) -> None:
    """Only what was not sent is sent again; words of answers stay out."""
    retry = ONCE if row.outcome is Outcome.NOT_SENT else AT_ONCE
    expected = (row.error, row.outcome, 1), row.status, row.received
    told: list[str] = []

    def attempt(timeout: float) -> tuple[object, object, int]:
        with row.server() as server:
            ending = world.one(
                row.operation,
                retry=retry,
                **{**row.settings(server), "timeout": timeout},
            )
        if ending.error is None:  # Its first attempt had too little time.
            return ending, None, 0
        error = ending.failed
        told.append(f"{error} {error!r}")
        status = getattr(error, "status_code", None)
        return ending.facts, status, len(server.received)

    assert expected == patiently(expected, attempt), told
    assert SECRET not in "".join(told)


@every_world
@pytest.mark.parametrize(
    ("row", "operation"),
    [
        *((row, create) for row in NOT_SENT),
        *((row, confirm) for row in DOUBTFUL if not row.stalls),
    ],
    ids=lambda each: each.cause if isinstance(each, Row) else each.__name__,
)
def test_what_is_sent_again(
    row: Row, operation: Operation, world: World
) -> None:
    """A create that did not leave arrives once; any confirm is repeated."""
    times = 1 if operation is create else row.received + 1
    contract = "c-1" if operation is create else "c-9"
    expected = contract, [operation.__name__] * times

    def attempt(timeout: float) -> tuple[Any, list[str]]:
        with row.server() as server:
            ending = world.one(
                operation,
                retry=AT_ONCE,
                **{**row.settings(server), "timeout": timeout},
            )
        return getattr(ending.value, "id", ending.error), server.operations

    assert expected == patiently(expected, attempt)


@every_world
@pytest.mark.parametrize(
    "url",
    ["https://nonexistent.invalid", "http://127.0.0.1:{closed}"],
    ids=["DNS", "refused"],
)
def test_nobody_there(
    url: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that can't be found, or a refusal, is NOT_SENT."""
    resolve = socket.getaddrinfo

    def look_up(host: Any, *about: Any, **more: Any) -> Any:
        # The resolver of this machine may take its time to say so.
        if host in {"nonexistent.invalid", b"nonexistent.invalid"}:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return resolve(host, *about, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with closed_port() as closed:
        url = url.format(closed=closed)
        ending = world.one(create, base_url=url, retry=AT_ONCE)

    assert (ConnectionFailedError, Outcome.NOT_SENT, 3) == ending.facts


@every_world
def test_connecting_hangs(world: World) -> None:
    """Where not even a connection comes about in time, it's NOT_SENT."""
    with mute_port() as port:
        url = f"http://127.0.0.1:{port}"
        ending = world.one(create, base_url=url, timeout=BRIEF)

    assert (ConnectionFailedError, Outcome.NOT_SENT, 1) == ending.facts


@every_world
def test_a_server_comes_back(world: World) -> None:
    """What is refused is sent again until somebody is there."""
    patient = RetryPolicy(attempts=1000, base=0.02, cap=0.02, budget=None)
    server = FaultServer([], good)
    with ExitStack() as stack:
        later = threading.Timer(0.2, stack.enter_context, [server])
        later.start()
        ending = world.one(create, retry=patient, base_url=server.url)
        later.join()

    assert "c-1" == ending.value.id
    assert ["create"] == server.operations


@every_world
@pytest.mark.parametrize(
    "changes",
    [
        {"headers": {"X-A": "CANARY\r\nX-B: b"}},
        {"headers": {"X-A\r\n": "a"}},
        {"headers": {"X-A": "å"}},
        {"headers": {"X-A": "\N{SNOWMAN}"}},
        {"method": "PO ST"},
        {"url": "ftp://127.0.0.1/"},
        {"url": "//127.0.0.1/"},
        {"url": "http://127.0.0.1/\r\n"},
        {"url": "http://[::1/"},
        {"url": ""},
    ],
    ids=str,
)
def test_what_cannot_be_sent(changes: dict[str, Any], world: World) -> None:
    """A request that can't be put on the wire is the caller's mistake."""
    with FaultServer([], good) as server:
        ending = world.one(
            create,
            base_url=server.url,
            middleware=[spoiled(**changes)],
            retry=AT_ONCE,
        )

    assert (InvalidRequestError, Outcome.NOT_SENT, 1) == ending.facts
    assert "CANARY" not in str(ending.error)
    assert [] == server.received


@every_world
@pytest.mark.parametrize(
    ("step", "received"), [(close_answer, 2), (reset_answer, 2)]
)
def test_a_kept_connection_ends_as_the_request_goes_out(
    step: Step, received: int, world: World
) -> None:
    """Such a request may have been seen, so a create is not repeated."""
    with FaultServer([good, step], good) as server:
        first, second = world.run(
            [create, create], retry=AT_ONCE, **direct(server)
        )

    assert "c-1" == first.value.id
    assert (OutcomeUnknownError, Outcome.UNKNOWN, 1) == second.facts
    assert (received, 1) == (len(server.received), server.connections)


@every_world
def test_refused_before_the_body_was_read(world: World) -> None:
    """An early 413 is REFUSED if it got through, else nobody knows."""
    with FaultServer([early_413], good) as server:
        ending = world.one(post_much, retry=AT_ONCE, **direct(server))
    error = ending.failed
    read = isinstance(error, APIError)

    assert [] == server.received
    assert 1 == error.attempts
    assert (Outcome.REFUSED if read else Outcome.UNKNOWN) == error.outcome
