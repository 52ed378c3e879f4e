"""The progress of an import, on a terminal and in a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import IO, cast

import attrs
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sesamy_async.bulk import Progress
from sesamy_async.bulk.reports._words import duration

from .output import BestEffortStream, plain


_EVERY = 60.0


@attrs.define
class ProgressWatch:
    """Shows the progress of an import on stderr.

    That is a bar on a terminal. Elsewhere it is a line each minute, and one
    whenever the import pauses or continues.
    """

    _name: str
    _console: Console
    _bar: Live | None = None
    _next: float = attrs.field(default=_EVERY, init=False)
    _paused: str | None = attrs.field(default=None, init=False)

    def show(self, progress: Progress) -> None:
        """Show the progress, if it is time."""
        if self._bar is not None:
            self._bar.update(picture(self._name, progress))
            return
        due = progress.seconds >= self._next
        if due:
            self._next = progress.seconds + _EVERY
        if due or progress.paused != self._paused:
            self._paused = progress.paused
            self.say(line(progress))

    def say(self, text: str) -> None:
        """Write a text, above the bar if there is one."""
        # No str, which would be read as markup.
        self._console.print(Text(plain(text)), soft_wrap=True)


@contextmanager
def watching(name: str) -> Generator[ProgressWatch]:
    """Show the import of a file while the block runs."""
    console = _console()
    if not console.is_interactive:
        yield ProgressWatch(name, console)
        return
    with Live(console=console, redirect_stdout=False) as bar:
        yield ProgressWatch(name, console, bar)


@contextmanager
def counting(text: str) -> Generator[Callable[[int], None] | None]:
    """Show a number that grows, on a terminal.

    Yields:
        A function to call with the number; None elsewhere.
    """
    console = _console()
    if not console.is_interactive:
        yield None
        return
    safe = plain(text)
    with console.status(Text(safe)) as status:
        yield lambda rows: status.update(Text(f"{safe}: {rows:,} rows"))


def _console() -> Console:
    # A stderr that can't be written to must not stop an import.
    return Console(file=cast("IO[str]", BestEffortStream(sys.stderr)))


def picture(name: str, progress: Progress) -> Group:
    """Return the bar, and a line of facts under it."""
    bar = Table.grid(padding=(0, 1), expand=True)
    bar.add_column(no_wrap=True)
    bar.add_column(ratio=1)
    bar.add_column(no_wrap=True)
    bar.add_row(
        Text(plain(name)),
        ProgressBar(total=progress.rows, completed=progress.settled),
        Text(_settled(progress)),
    )
    style = "dim" if progress.paused is None else "yellow"
    facts = Text(plain(" · ".join(_facts(progress))), style=style)
    return Group(bar, facts)


def line(progress: Progress) -> str:
    """Return the same as a line for a log."""
    after = f"After {duration(progress.seconds)}"
    return " · ".join(
        [f"{after}: {_settled(progress)} rows", *_facts(progress)]
    )


def _settled(progress: Progress) -> str:
    return f"{progress.settled:,} of {progress.rows:,}"


def _facts(progress: Progress) -> Iterator[str]:
    if progress.paused is not None:
        yield f"paused: {progress.paused}"
    elif progress.permitted is None:
        yield f"{progress.rate:.1f} calls/s"
    else:
        yield (
            f"{progress.rate:.1f} calls/s ({progress.permitted:g} permitted "
            "on average)"
        )
    yield f"{progress.rejected:,} rejected"
    yield f"{progress.unknown:,} unknown"
    if progress.strays:
        yield f"{progress.strays:,} strays at most"
    if progress.paused is None and progress.left:
        yield f"{duration(progress.left)} left"
