"""How far an import has come, on a terminal and in a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import IO, Protocol, Self, cast

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sesamy_async.bulk import Progress
from sesamy_async.bulk.reports._words import duration

from .output import BestEffortStream, plain


def settled(progress: Progress) -> str:
    """Return how many rows are settled, of how many."""
    return f"{progress.settled:,} of {progress.rows:,}"


def facts(progress: Progress) -> str:
    """Return all else that is worth knowing now, in a line."""
    return " · ".join(_facts(progress))


def moment(progress: Progress) -> str:
    """Return a line for a log."""
    after = duration(progress.seconds)
    return f"After {after}: {settled(progress)} rows · {facts(progress)}"


def _facts(progress: Progress) -> Iterator[str]:
    if progress.paused is not None:
        yield f"paused: {progress.paused}"
    else:
        yield _rate(progress)
    yield f"{progress.rejected:,} rejected"
    yield f"{progress.unknown:,} unknown"
    if progress.strays:
        yield f"{progress.strays:,} strays at most"
    if progress.paused is None and progress.left:
        yield f"{duration(progress.left)} left"


def _rate(progress: Progress) -> str:
    rate = f"{progress.rate:.1f}"
    if progress.permitted is None:
        return f"{rate} calls/s"
    return f"{rate} calls/s ({progress.permitted:g} permitted on average)"


class Bar:
    """Two lines at the bottom of a terminal, while the block runs."""

    def __init__(self, name: str, console: Console) -> None:
        self._name = name
        self._live = Live(console=console, redirect_stdout=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._live.stop()

    def show(self, progress: Progress) -> None:
        """Draw how far it has come."""
        self._live.update(picture(self._name, progress))

    def say(self, text: str) -> None:
        """Write something above the bar."""
        self._live.console.print(Text(plain(text)))


def picture(name: str, progress: Progress) -> Group:
    """Return what is drawn; texts are never read as markup."""
    line = Table.grid(padding=(0, 1), expand=True)
    line.add_column(no_wrap=True)
    line.add_column(ratio=1)
    line.add_column(no_wrap=True)
    line.add_row(
        Text(plain(name)),
        ProgressBar(total=progress.rows, completed=progress.settled),
        Text(settled(progress)),
    )
    style = "dim" if progress.paused is None else "yellow"
    return Group(line, Text(plain(facts(progress)), style=style))


_EVERY = 60.0


class ProgressWatch(Protocol):
    """What is told of an import while it runs."""

    def show(self, progress: Progress) -> None:
        """Tell how far it has come."""
        ...

    def say(self, text: str) -> None:
        """Tell something else, once."""
        ...


class LogProgress:
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
        stderr = BestEffortStream(sys.stderr)
        stderr.write(f"{plain(text)}\n")
        stderr.flush()


@contextmanager
def watching(name: str) -> Generator[ProgressWatch]:
    """Yield what tells people on stderr of an import.

    Args:
        name: Of the file.
    """
    console = _console()
    if not _draws(console):
        yield LogProgress()
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
    return Console(file=cast("IO[str]", BestEffortStream(sys.stderr)))


def _draws(console: Console) -> bool:
    return console.is_terminal and not console.is_dumb_terminal
