"""Waits that do not depend on how fast a machine is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import anyio

from .calling import Ending, Operation, awaited, blocked, either


BRIEF = 0.6
"""Seconds in which a test waits for what never comes."""

# The first is enough on a machine that has nothing else to do.
_LONGER = (BRIEF / 4, BRIEF, 3.0, 12.0)
_PATIENCE = 20.0
_STEP = 0.005


def patiently(
    expected: object,
    attempt: Callable[[float], object],
    seconds: Sequence[float] = _LONGER,
) -> object:
    """Return what comes of an attempt of so many seconds.

    A machine that is busy for a moment may use up the time before the call
    has come to what is tried.  So an attempt that ends otherwise than it
    should is repeated; what is broken ends so each time.
    """
    for each in seconds:
        found = attempt(each)
        if found == expected:
            break
    return found


def until(condition: Callable[[], object]) -> None:
    """Block until something is so, which another thread sees to."""
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end, "It never came to that."
        time.sleep(_STEP)


def when(condition: Callable[[], object], operation: Operation) -> Operation:
    """Wait until something is so, then do it."""

    async def wait(client: Any) -> Any:
        with anyio.fail_after(_PATIENCE):
            while not condition():  # noqa: ASYNC110 - threads see to it
                await anyio.sleep(_STEP)
        return await operation(client)

    def block(client: Any) -> Any:
        until(condition)
        return operation(client)

    return either(wait, block)


def noted(endings: list[Ending], operation: Operation) -> Operation:
    """Do it, and add how it ended to a list; it returns that, too."""

    async def wait(client: Any) -> Ending:
        endings.append(await awaited(operation, client))
        return endings[-1]

    def block(client: Any) -> Ending:
        endings.append(blocked(operation, client))
        return endings[-1]

    return either(wait, block)
