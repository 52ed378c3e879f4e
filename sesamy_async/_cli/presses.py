"""What Ctrl-C does to a command that must end in an orderly way."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import NoReturn

from .output import InterruptionError


class NothingSentError(InterruptionError):
    def _advice(self) -> str:
        return "This run sent nothing; run the same command again."


def interrupt() -> NoReturn:
    """End what is going on."""
    raise KeyboardInterrupt


class Presses:
    """What each Ctrl-C does; none gets lost, or interrupts a write."""

    def __init__(self) -> None:
        self._count = 0
        self._actions: list[Callable[[], object]] = [interrupt]

    def then(self, *actions: Callable[[], object]) -> None:
        """Set what the next presses do; those from before count too."""
        before, self._count = self._count, 0
        self._actions = [*actions]
        for _ in range(before):
            self.press()

    def press(self) -> None:
        """Do the next action."""
        self._count += 1
        if self._actions:
            self._actions.pop(0)()


@contextmanager
def heeding() -> Generator[Presses]:
    """Turn SIGINT and SIGTERM into presses; for the main thread only.

    Until `Presses.then` is called, the first one ends the block.

    Raises:
        NothingSentError: A press has ended it.
    """
    presses = Presses()
    before = {
        each: signal.signal(each, lambda _, __: presses.press())
        for each in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield presses
    except KeyboardInterrupt:
        raise NothingSentError("Interrupted.") from None
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
