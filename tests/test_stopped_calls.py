"""A call that is stopped half-way leaves word of its order, and no socket."""

from __future__ import annotations

import gc
import signal
import threading
import time
import warnings

import anyio
import pytest

from sesamy_async import AsyncSesamy, Outcome, Sesamy
from support.aside import Aside
from support.calling import (
    Ending,
    Operation,
    World,
    awaited,
    complete,
    create,
    post_much,
)
from support.fault_server import FaultServer, Step
from support.faults import answer, good, hang, raw, silent
from support.marks import every_loop
from support.reaching import direct
from support.tls import server_context


STOPPED = [
    pytest.param(hang, True, Outcome.NOT_SENT, id="in TLS"),
    pytest.param(silent, False, Outcome.UNKNOWN, id="waits for the answer"),
    pytest.param(
        raw(b"HTTP/1.1 100 Continue\r\n\r\n"),
        False,
        Outcome.UNKNOWN,
        id="has a 100",
    ),
    pytest.param(
        answer(500, b"", {"Content-Length": "9"}),
        False,
        Outcome.UNKNOWN,
        id="reads a 500",
    ),
    pytest.param(
        answer(400, b"", {"Content-Length": "9"}),
        False,
        Outcome.REFUSED,
        id="reads a 400",
    ),
    pytest.param(
        answer(201, b"", {"Content-Length": "9"}),
        False,
        Outcome.APPLIED,
        id="reads a 201",
    ),
]


READING = 0.2  # Seconds in which a client has read what is there at once.


def reached(server: FaultServer, *, tls: bool) -> bool:
    """Whether a call has come as far as it will."""
    return bool(server.connections if tls else server.received)


@every_loop
@pytest.mark.parametrize(("step", "tls", "outcome"), STOPPED)
def test_a_cancelled_call_leaves_word(
    step: Step, tls: bool, outcome: Outcome, backend: str
) -> None:
    """A note says what became of it, and its connection is not reused."""
    notes: list[str] = []

    async def stop(server: FaultServer, scope: anyio.CancelScope) -> None:
        while not reached(server, tls=tls):  # noqa: ASYNC110 - a thread serves
            await anyio.sleep(0.01)
        await anyio.sleep(READING)
        scope.cancel()

    async def main(server: FaultServer) -> Ending:
        settings = {**complete(direct(server)), "timeout": 5.0}
        async with AsyncSesamy(**settings) as client:
            async with anyio.create_task_group() as group:
                group.start_soon(stop, server, group.cancel_scope)
                try:
                    await create(client)
                except BaseException as error:
                    notes.extend(error.__notes__)
                    raise
            return await awaited(create, client)

    context = server_context() if tls else None
    with FaultServer([step], good, context=context) as server:
        ending = anyio.run(main, server, backend=backend)

    assert f"Outcome: {outcome}." in "".join(notes)
    assert ending.value is not None
    assert 2 == server.connections


@pytest.mark.parametrize(("step", "tls", "outcome"), STOPPED[1:])
def test_an_interrupted_call_leaves_word(
    step: Step, tls: bool, outcome: Outcome
) -> None:
    """Ctrl-C in the blocking client is told as a cancellation is."""
    main = threading.main_thread().ident
    assert main is not None

    def stop() -> None:
        while not reached(server, tls=tls):
            time.sleep(0.01)
        time.sleep(READING)
        signal.pthread_kill(main, signal.SIGINT)

    with FaultServer([step], good) as server:
        settings = {**complete(direct(server)), "timeout": 5.0}
        with Sesamy(**settings) as client:
            stopping = Aside(stop)
            with pytest.raises(KeyboardInterrupt) as caught:
                create(client)
            stopping.end(5)
            contract = create(client)

    assert f"Outcome: {outcome}." in "".join(caught.value.__notes__)
    assert contract.id
    assert 2 == server.connections


@every_loop
def test_a_call_that_was_cancelled_before(backend: str) -> None:
    """Where nothing was traced of a connection of ours, nothing was sent."""
    notes: list[str] = []

    async def main(server: FaultServer) -> None:
        async with AsyncSesamy(**complete(direct(server))) as client:
            with anyio.CancelScope() as scope:
                scope.cancel()
                try:
                    await create(client)
                except BaseException as error:
                    notes.extend(error.__notes__)
                    raise

    with FaultServer([], good) as server:
        anyio.run(main, server, backend=backend)

    assert "Outcome: NOT_SENT." in "".join(notes)
    assert 0 == server.connections


BAD_ZIP = answer(201, b"no zip", {"Content-Encoding": "gzip"})
TOO_MUCH = answer(201, b"x" * 1_000_001)


@pytest.mark.parametrize(
    ("backend", "step", "tls", "operation"),
    [
        ("trio", BAD_ZIP, False, create),
        ("trio", TOO_MUCH, False, create),
        ("trio", hang, False, post_much),
        ("trio", hang, True, create),
        ("asyncio", hang, True, create),
        ("trio", silent, True, create),
        ("asyncio", silent, True, create),
        ("blocking", silent, True, create),
        ("blocking", hang, True, create),
        ("blocking", hang, False, post_much),
        ("blocking", BAD_ZIP, False, create),
    ],
)
def test_nothing_is_left_half_way(
    backend: str, step: Step, tls: bool, operation: Operation
) -> None:
    """However a call ends, its generators and sockets end with it."""
    context = server_context() if tls else None
    gc.collect()
    with (
        FaultServer([step], good, context=context) as server,
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        settings = {**direct(server), "deadline": 0.2, "timeout": 9.0}
        World(backend).one(operation, **settings)
        gc.collect()

    assert [] == [str(each.message) for each in caught]
