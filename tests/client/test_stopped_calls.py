"""A call that is stopped half-way says what became of its order."""

from __future__ import annotations

import gc
import signal
import threading
import time
import warnings
from typing import Any

import anyio
import attrs
import pytest

from sesamy_async import (
    AsyncSesamy,
    Call,
    Outcome,
    Proceed,
    Response,
    Sesamy,
)
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
from support.patience import until
from support.reaching import direct
from support.tls import server_context


def half(status: int, body: bytes = b"") -> Step:
    """Answer with the beginning of nine bytes."""
    return answer(status, body, {"Content-Length": "9"})


STOPPED: dict[str, tuple[Step, Outcome]] = {
    "in TLS": (hang, Outcome.NOT_SENT),
    "waits for the answer": (silent, Outcome.UNKNOWN),
    "has a 100": (raw(b"HTTP/1.1 100 Continue\r\n\r\n"), Outcome.UNKNOWN),
    "reads a 500": (half(500), Outcome.UNKNOWN),
    "reads a 400": (half(400), Outcome.REFUSED),
    "reads a 201": (half(201, b"{"), Outcome.APPLIED),
    "reads a page": (half(201, b"<"), Outcome.UNKNOWN),
}


READING = 0.2  # Seconds in which a client has read a 100 that is there.


@attrs.frozen
class Reached:
    """Tells when a call has come as far as it will."""

    server: FaultServer
    tls: bool
    outcome: Outcome
    calls: list[Call] = attrs.field(factory=list[Call])

    async def spy(self, call: Call, proceed: Proceed) -> Response:
        """See a call; this is a middleware."""
        self.calls.append(call)
        return await proceed(call)

    def __call__(self) -> bool:
        """Whether it has."""
        if self.tls:
            return self.server.connections > 0
        if not self.server.received:
            return False
        record = self.calls[0].record
        return (
            self.outcome is Outcome.UNKNOWN or record.status_code is not None
        )

    def settings(self) -> dict[str, Any]:
        """Return those of a client that is seen."""
        return complete({**direct(self.server), "middleware": [self.spy]})


@every_loop
@pytest.mark.parametrize("where", STOPPED)
def test_a_cancelled_call_leaves_word(where: str, backend: str) -> None:
    """A note says what became of it, and its connection is not reused."""
    step, outcome = STOPPED[where]
    tls = where == "in TLS"
    notes: list[str] = []

    async def stop(reached: Reached, scope: anyio.CancelScope) -> None:
        while not reached():  # noqa: ASYNC110 - a thread serves
            await anyio.sleep(0.01)
        await anyio.sleep(READING)
        scope.cancel()

    async def main(server: FaultServer) -> Ending:
        reached = Reached(server, tls, outcome)
        async with AsyncSesamy(**reached.settings()) as client:
            async with anyio.create_task_group() as group:
                group.start_soon(stop, reached, group.cancel_scope)
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


@pytest.mark.parametrize("where", list(STOPPED)[1:])
def test_an_interrupted_call_leaves_word(where: str) -> None:
    """Ctrl-C in the blocking client says the same as a cancellation."""
    step, outcome = STOPPED[where]
    main = threading.main_thread().ident
    assert main is not None

    def stop() -> None:
        until(reached)
        time.sleep(READING)
        signal.pthread_kill(main, signal.SIGINT)

    with FaultServer([step], good) as server:
        reached = Reached(server, tls=False, outcome=outcome)
        with Sesamy(**reached.settings()) as client:
            stopping = Aside(stop)
            with pytest.raises(KeyboardInterrupt) as caught:
                create(client)
            stopping.end(20)
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
