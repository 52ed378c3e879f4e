"""Ctrl-C in an import: before it sends at once, then gently first."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import attrs

from sesamy_async.cli.interruption import InterruptionError


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class NothingSentError(InterruptionError):
    """Ctrl-C came before this run has sent anything."""

    def _advice(self) -> str:
        return "This run has sent nothing; give the same command again."


@attrs.define
class Presses:
    """What each press does; none is lost, and none interrupts a write.

    Attributes:
        count: How many there were.
    """

    count: int = 0
    _actions: list[Callable[[], object]] = attrs.field(
        factory=list[Callable[[], object]], init=False
    )

    def then(self, *actions: Callable[[], object]) -> None:
        """Say what the first press does, the second one, and so on."""
        self._actions = [*actions]
        for _ in range(self.count):
            self._act()

    def nothing(self) -> None:
        """Let further presses do nothing."""
        self._actions = []

    def press(self) -> None:
        """Do what is next."""
        self.count += 1
        self._act()

    def _act(self) -> None:
        if self._actions:
            self._actions.pop(0)()


@contextmanager
def heeding(presses: Presses) -> Generator[Presses]:
    """Turn SIGINT and SIGTERM into presses while the block runs.

    Until somebody says what they do, the first one ends the block.  From
    the main thread, in which Python runs the handlers of signals.

    Raises:
        NothingSentError: A press has ended it.
    """

    def on_signal(number: int, frame: FrameType | None) -> None:
        del number, frame
        presses.press()

    before = {each: signal.signal(each, on_signal) for each in _SIGNALS}
    presses.then(_interrupt)
    try:
        yield presses
    except KeyboardInterrupt:
        raise NothingSentError("Interrupted.") from None
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _interrupt() -> NoReturn:
    raise KeyboardInterrupt


def in_loop(action: Callable[[], object]) -> Callable[[], object]:
    """Return what does something in the running loop, called anywhere."""
    loop = asyncio.get_running_loop()
    return lambda: loop.call_soon_threadsafe(action)
