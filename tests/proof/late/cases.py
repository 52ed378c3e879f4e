"""What makes calls late, and how they then end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from sesamy_async import Connections, RetryPolicy
from support import slow_rows
from support.calling import (
    Ending,
    Operation,
    World,
    confirm,
    create,
    hasty,
    later,
)
from support.ports import closed_port, mute_port
from support.reaching import direct

from .servers import Servers


_STUBBORN = RetryPolicy(attempts=9999, base=0.02, cap=0.02, budget=None)
_LONG = 20.0
_AFTER = 0.05
_BUSY = {
    "100s without a pause",
    "nothing is read",
    "a little is read now and then",
}

Run = Callable[[World, float, Servers], list[Ending]]
"""Makes calls with so many seconds, and returns those that are late."""


@attrs.frozen
class Case:
    """One cause.

    Attributes:
        what: In words.
        run: Makes the calls.
        busy: Whether that keeps the machine busy, rather than waits.
    """

    what: str
    run: Run
    busy: bool = False


def _one(
    world: World, deadline: float, operation: Operation, **settings: Any
) -> list[Ending]:
    settings = {"timeout": _LONG, "deadline": deadline, **settings}
    return [world.one(operation, **settings)]


def _slow(row: slow_rows.Row) -> Case:
    def run(world: World, deadline: float, servers: Servers) -> list[Ending]:
        settings = row.settings(servers[row.cause])
        return _one(world, deadline, row.operation, **settings)

    return Case(row.cause, run, row.cause in _BUSY)


def _token(step: str) -> Case:
    def run(world: World, deadline: float, servers: Servers) -> list[Ending]:
        return _one(
            world,
            deadline,
            create,
            client_id="id",
            client_secret="secret",
            token_url=servers[step].url,
            **direct(servers["good"]),
        )

    return Case(f"the token endpoint {step}", run)


def _retried(what: str, step: str, operation: Operation) -> Case:
    def run(world: World, deadline: float, servers: Servers) -> list[Ending]:
        settings = {**direct(servers[step]), "retry": _STUBBORN}
        return _one(world, deadline, operation, **settings)

    return Case(f"{what}, {step}", run, busy=True)


def _refused(world: World, deadline: float, servers: Servers) -> list[Ending]:
    del servers
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}"
        return _one(world, deadline, create, base_url=url, retry=_STUBBORN)


def _mute(world: World, deadline: float, servers: Servers) -> list[Ending]:
    del servers
    with mute_port() as port:
        url = f"http://127.0.0.1:{port}"
        return _one(world, deadline, create, base_url=url)


def _queue(world: World, deadline: float, servers: Servers) -> list[Ending]:
    holder = hasty(deadline + 4 * _AFTER, create)
    waiting = later(_AFTER, hasty(deadline, create))
    settings = {
        **direct(servers["is silent"]),
        "transport": Connections(cap=1),
        "timeout": _LONG,
    }
    _, *endings = world.together([holder, *[waiting] * 5], **settings)
    # At first they only let the holder have the connection.
    return [attrs.evolve(end, seconds=end.seconds - _AFTER) for end in endings]


CASES = (
    *map(_slow, slow_rows.ROWS),
    *map(_token, ("hangs", "is silent", "drips headers", "drips a body")),
    _retried("a confirm is retried", "always 503", confirm),
    _retried("a confirm is retried", "always resets", confirm),
    _retried("a create is retried", "always 429", create),
    Case("a create is retried, always refused", _refused, busy=True),
    Case("connecting hangs", _mute),
    Case("five wait for one connection", _queue, busy=True),
)
