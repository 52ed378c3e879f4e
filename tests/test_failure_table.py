"""Which failure means what, on real sockets and in all three worlds."""

from __future__ import annotations

import gc
import signal
import threading
import tracemalloc
import warnings
from contextlib import ExitStack
from typing import Any

import anyio
import pytest

from sesamy_async import (
    APIError,
    AsyncSesamy,
    BadRequestError,
    ConflictError,
    ConnectionFailedError,
    Connections,
    DeadlineExceededError,
    InvalidRequestError,
    Outcome,
    OutcomeUnknownError,
    RetryPolicy,
    Sesamy,
)
from support.calling import (
    AT_ONCE,
    ONCE,
    Ending,
    Operation,
    World,
    awaited,
    complete,
    confirm,
    create,
    hasty,
    later,
    onboard,
    post_much,
    spoiled,
)
from support.failure_rows import DOUBTFUL, NOT_SENT, QUICK, REFUSED, ROWS, Row
from support.fault_server import FaultServer, Step
from support.faults import (
    BOMB,
    SECRET,
    answer,
    close_answer,
    early_413,
    good,
    hang,
    message,
    raw,
    reset_answer,
    reset_first,
    silent,
)
from support.marks import each_of, every_world
from support.ports import closed_port, mute_port
from support.reaching import direct
from support.tls import server_context


@every_world
@each_of(*ROWS)
def test_each_cause_has_one_meaning(row: Row, world: World) -> None:
    """Only what was not sent is sent again; words of answers stay out."""
    retry = ONCE if row.outcome is Outcome.NOT_SENT else AT_ONCE
    with row.server() as server:
        settings = row.settings(server)
        ending = world.one(row.operation, retry=retry, **settings)
    error = ending.failed

    assert (row.error, row.outcome, 1) == ending.facts, str(error)
    assert row.status == getattr(error, "status_code", None)
    assert row.received == len(server.received)
    assert SECRET not in f"{error} {error!r}"


@every_world
@each_of(*NOT_SENT)
def test_what_was_not_sent_is_sent_again(row: Row, world: World) -> None:
    """A create that did not leave is sent again, and arrives once."""
    with row.server() as server:
        settings = row.settings(server)
        ending = world.one(create, retry=AT_ONCE, **settings)

    assert "c-1" == ending.value.id
    assert ["create"] == server.operations


@every_world
@each_of(*[row for row in DOUBTFUL if not row.stalls])
def test_confirm_is_sent_again(row: Row, world: World) -> None:
    """A confirm can be repeated: whatever was unknown recovers."""
    with row.server() as server:
        settings = row.settings(server)
        ending = world.one(confirm, retry=AT_ONCE, **settings)

    assert "c-9" == ending.value.id
    assert ["confirm"] * (row.received + 1) == server.operations


@every_world
@each_of(*QUICK)
def test_onboard_counts_strays(row: Row, world: World) -> None:
    """A create inside onboard whose answer is lost is a possible stray."""
    with row.server() as server:
        settings = row.settings(server)
        ending = world.one(onboard, retry=AT_ONCE, **settings)
    creates = ["create"] * (row.received + 1)

    assert 1 == ending.value.strays
    assert f"c-{len(creates)}" == ending.value.contract.id
    assert [*creates, "confirm"] == server.operations


@every_world
@each_of(*REFUSED)
def test_onboard_ends_at_a_refusal(row: Row, world: World) -> None:
    """A refused create is not sent again, and nothing is confirmed."""
    with row.server() as server:
        settings = row.settings(server)
        ending = world.one(onboard, retry=AT_ONCE, **settings)

    assert (row.error, Outcome.REFUSED, 1) == ending.facts
    assert "create" == ending.failed.step
    assert ["create"] == server.operations


@every_world
@pytest.mark.parametrize(
    ("status", "error"), [(409, ConflictError), (400, BadRequestError)]
)
def test_a_refusal_after_doubt_is_doubtful(
    status: int, error: type[APIError], world: World
) -> None:
    """What an earlier create may have done, a refusal can't undo."""
    with FaultServer([answer(503), answer(status)], good) as server:
        ending = world.one(onboard, retry=AT_ONCE, **direct(server))

    assert (error, Outcome.UNKNOWN, 2) == ending.facts
    assert "create" == ending.failed.step
    assert ["create", "create"] == server.operations


@every_world
@pytest.mark.parametrize(
    ("step", "outcome", "attempts"),
    [
        (answer(400), Outcome.REFUSED, 1),
        (answer(503), Outcome.UNKNOWN, 3),
        (close_answer, Outcome.UNKNOWN, 3),
        (answer(200, b"{"), Outcome.APPLIED, 3),
    ],
    ids=["refused", "answered 503", "not answered", "unreadable"],
)
def test_a_failed_confirm_names_the_contract(
    step: Step, outcome: Outcome, attempts: int, world: World
) -> None:
    """Where onboard stops at the confirm, it says which contract to."""
    with FaultServer([good], step) as server:
        ending = world.one(onboard, retry=AT_ONCE, **direct(server))
    error = ending.failed

    assert (outcome, attempts) == (error.outcome, error.attempts)
    assert ("confirm", "c-1") == (error.step, error.contract_id)
    assert ["create"] + ["confirm"] * attempts == server.operations


@every_world
def test_a_confirm_that_is_not_sent(world: World) -> None:
    """The contract was made before, so the order is not NOT_SENT."""
    made = raw(message(201, {"id": "c-1"}, {"Connection": "close"}))
    context = server_context()
    with FaultServer([made], reset_first, context=context) as server:
        ending = world.one(onboard, retry=AT_ONCE, **direct(server))
    error = ending.failed

    assert (ConnectionFailedError, Outcome.UNKNOWN, 3) == ending.facts
    assert ("confirm", "c-1") == (error.step, error.contract_id)
    assert ["create"] == server.operations


@every_world
def test_a_create_that_is_never_readable(world: World) -> None:
    """Inside onboard strays are all it made, so it is not APPLIED."""
    with FaultServer([], answer(201, b"{")) as server:
        ending = world.one(onboard, retry=AT_ONCE, **direct(server))

    assert Outcome.UNKNOWN is ending.outcome
    assert "create" == ending.failed.step
    assert ["create"] * 3 == server.operations


def test_a_bomb_is_not_inflated() -> None:
    """What is over the limit is never held, not even for a moment."""
    bomb = answer(201, BOMB, {"Content-Encoding": "gzip"})
    with FaultServer([bomb], good) as server:
        tracemalloc.start()
        ending = World.BLOCKING.one(create, **direct(server))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert Outcome.APPLIED is ending.outcome
    assert peak < 10_000_000


@every_world
@pytest.mark.parametrize(
    "url",
    ["https://nonexistent.invalid", "http://127.0.0.1:{closed}"],
    ids=["DNS", "refused"],
)
def test_nobody_there(url: str, world: World) -> None:
    """A name that can't be found, or a refusal, is NOT_SENT."""
    with closed_port() as closed:
        url = url.format(closed=closed)
        ending = world.one(create, base_url=url, retry=AT_ONCE)

    assert (ConnectionFailedError, Outcome.NOT_SENT, 3) == ending.facts


@every_world
def test_connecting_hangs(world: World) -> None:
    """Where not even a connection comes about in time, it's NOT_SENT."""
    with mute_port() as port:
        ending = world.one(create, base_url=f"http://127.0.0.1:{port}")

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
def test_no_connection_is_free(world: World) -> None:
    """Who waits for a connection until the deadline has sent nothing."""
    waiting = later(0.1, hasty(0.2, create))
    with FaultServer([], silent) as server:
        settings = {**direct(server), "transport": Connections(cap=1)}
        _, *endings = world.together(
            [create, waiting, waiting], **settings, timeout=0.6
        )
    late = (DeadlineExceededError, Outcome.NOT_SENT, 1)

    assert [late, late] == [ending.facts for ending in endings]
    assert 1 == len(server.received)


@every_world
@pytest.mark.parametrize(
    "changes",
    [
        {"headers": {"X-A": "a\r\nX-B: b"}},
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


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(("step", "tls", "outcome"), STOPPED)
def test_a_cancelled_call_leaves_word(
    step: Step, tls: bool, outcome: Outcome, backend: str
) -> None:
    """A note says what became of it, and its connection is not reused."""
    notes: list[str] = []

    async def main(server: FaultServer) -> Ending:
        async with AsyncSesamy(**complete(direct(server))) as client:
            with anyio.move_on_after(0.15):
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
    assert not tls
    main = threading.main_thread().ident
    with FaultServer([step], good) as server:
        settings = {**complete(direct(server)), "timeout": 5.0}
        with Sesamy(**settings) as client:
            timer = threading.Timer(
                0.15, signal.pthread_kill, [main, signal.SIGINT]
            )
            timer.start()
            with pytest.raises(KeyboardInterrupt) as caught:
                create(client)
            timer.join()
            contract = create(client)

    assert f"Outcome: {outcome}." in "".join(caught.value.__notes__)
    assert contract.id
    assert 2 == server.connections


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
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
