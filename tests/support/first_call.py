"""A process that makes a client before any loop runs, and then calls.

``python -m support.first_call imports|forks WORLD [CONNECTIONS]`` prints
JSON: what its calls tried to import, or how its forked children ended.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import anyio

from sesamy_async import (
    AsyncSesamy,
    Connections,
    RetryPolicy,
    Sesamy,
    SesamyError,
)
from support.calling import ORDER


CALLS = 10
_FORKS = 10
_PAUSE = 0.004
_DEADLINE = 5.0
_PATIENCE = 20.0


class Spy:
    """Notes what anybody tries to import."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def find_spec(self, name: str, *more: object) -> None:
        """Note it, and leave it to others to find it."""
        del more
        self.names.append(name)


def make(world: str, connections: str) -> AsyncSesamy | Sesamy:
    """Return a client that nothing was done with."""
    settings: Any = {
        "retry": RetryPolicy(attempts=1),
        "deadline": _DEADLINE,
        "transport": Connections(**json.loads(connections)),
    }
    if world == "blocking":
        return Sesamy(**settings)
    return AsyncSesamy(**settings)


async def _calls(client: AsyncSesamy, times: int) -> None:
    for _ in range(times):
        with suppress(SesamyError):
            await client.contracts.create("SPRING-12", ORDER)


def call(client: AsyncSesamy | Sesamy, world: str, times: int = 1) -> None:
    """Call, however it ends."""
    if isinstance(client, AsyncSesamy):
        anyio.run(_calls, client, times, backend=world)
        return
    for _ in range(times):
        with suppress(SesamyError):
            client.contracts.create("SPRING-12", ORDER)


def imports(client: AsyncSesamy | Sesamy, world: str) -> list[str]:
    """Return what calls try to import, also those that fail."""
    logging.basicConfig(level=logging.DEBUG)
    spy = Spy()
    sys.meta_path.insert(0, spy)
    call(client, world, CALLS)
    return spy.names


def forks(client: AsyncSesamy | Sesamy, world: str) -> list[int | str]:
    """Fork again and again in the midst of a first call; call in each."""
    thread = threading.Thread(target=call, args=(client, world))
    thread.start()
    children = []
    for _ in range(_FORKS):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                call(client, world)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
        time.sleep(_PAUSE)
    latest = time.monotonic() + _PATIENCE
    ends = [_end(child, latest) for child in children]
    thread.join()
    return ends


def _end(child: int, latest: float) -> int | str:
    while time.monotonic() < latest:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(_PAUSE)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hangs"


def main(what: str, world: str, connections: str = "{}") -> None:
    """Do it, and print what was found."""
    client = make(world, connections)
    if world == "trio":
        anyio.run(anyio.sleep, 0, backend=world)  # What a loop needs.
    found = imports if what == "imports" else forks
    sys.stdout.write(json.dumps(found(client, world)))
    sys.stdout.flush()
    os._exit(0)  # Nobody closes the client.


if __name__ == "__main__":
    main(*sys.argv[1:])
