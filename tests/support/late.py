"""All that would make a call late, and how the call ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import attrs

from sesamy_async import Outcome, RetryPolicy

from . import faults
from .calling import Ending, World, confirm, create
from .fault_server import FaultServer, Step
from .faults import answer, drip, good
from .patience import patiently
from .reaching import direct
from .slow_rows import HEAD, ROWS, SIZED, Row
from .tls import server_context


# Seconds.  The first is enough unless the machine is very busy: then the
# others are tried.  A call that is really late is late each time.
DEADLINES = (0.25, 0.5, 1.0, 1.5)
SLACK = 0.5  # Of a busy machine; 0.1 is what a call may take.
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
