"""How a running import is watched: on a terminal, or in a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import IO, Protocol, cast

from rich.console import Console
from rich.text import Text

from sesamy_async.bulk.progress import Progress
from sesamy_async.cli.lossy import Lossy
from sesamy_async.cli.plain import plain

from .bar import Bar
from .words import moment


_EVERY = 60.0


class Watch(Protocol):
    """What is told of an import while it runs."""

    def show(self, progress: Progress) -> None:
        """Tell how far it has come."""
        ...

    def say(self, text: str) -> None:
        """Tell something else, once."""
        ...


class Log:
    """A line a minute, and one whenever it pauses or goes on."""

    def __init__(self) -> None:
        self._next = _EVERY
        self._paused: str | None = None

    def show(self, progress: Progress) -> None:
        """Tell how far it has come, if it is time."""
        due = progress.seconds >= self._next
        if due:
            self._next = progress.seconds + _EVERY
        if due or progress.paused != self._paused:
            self._paused = progress.paused
            self.say(moment(progress))

    def say(self, text: str) -> None:
        """Tell something; a stderr that takes nothing stops no import."""
        stderr = Lossy(sys.stderr)
        stderr.write(f"{plain(text)}\n")
        stderr.flush()


@contextmanager
def watching(name: str) -> Generator[Watch]:
    """Yield what tells people on stderr of an import.

    Args:
        name: Of the file.
    """
    console = _console()
    if not _draws(console):
        yield Log()
        return
    with Bar(name, console) as bar:
        yield bar


@contextmanager
def counting(text: str) -> Generator[Callable[[int], None] | None]:
    """Show a number that grows, on a terminal.

    Yields:
        What is to be called with the number; None elsewhere.
    """
    console = _console()
    if not _draws(console):
        yield None
        return
    safe = plain(text)
    # A str would be read as markup, and a name may hold brackets.
    status = console.status(Text(safe))
    with status:
        yield lambda rows: status.update(Text(f"{safe}: {rows:,} rows"))


def _console() -> Console:
    return Console(file=cast("IO[str]", Lossy(sys.stderr)))


def _draws(console: Console) -> bool:
    return console.is_terminal and not console.is_dumb_terminal
