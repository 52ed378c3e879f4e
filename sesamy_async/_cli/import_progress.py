"""The progress of an import, on a terminal and in a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, cast

import attrs
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sesamy_async.bulk import Progress
from sesamy_async.bulk.reports._words import duration

from .output import BestEffortStream, fitted, plain, width_of


_EVERY = 60.0


YES = frozenset({"y", "yes", "j", "ja", "k", "kyllä"})
"""Also in the languages of the Nordic countries."""


@attrs.define
class ProgressWatch:
    """Shows the progress of an import on stderr.

    On a terminal, it is a bar. Elsewhere, it is a line every minute, and
    whenever the import pauses or continues.
    """

    _name: str
    _console: Console
    _bar: Live | None = None
    _bars: ExitStack = attrs.field(factory=ExitStack)
    _next: float = attrs.field(default=_EVERY, init=False)
    _paused: str | None = attrs.field(default=None, init=False)

    def show(self, progress: Progress) -> None:
        if self._bar is not None:
            self._bar.update(picture(self._name, progress))
            return
        due = progress.seconds >= self._next
        if due:
            self._next = progress.seconds + _EVERY
        if due or progress.paused != self._paused:
            self._paused = progress.paused
            self.say(line(progress))

    def say(self, *lines: str) -> None:
        """Write lines, above the bar if there is one."""
        _write(self._console, lines)

    def asks(self, lines: Iterable[str], question: str) -> bool:
        if self._bar is not None:
            self._bar.stop()
        self.say(*lines)
        agreed = agrees(question)
        if agreed and self._bar is not None:
            # A new bar: the old one would be drawn over the question.
            self._bar = self._bars.enter_context(_new_bar(self._console))
        return agreed


def agrees(question: str) -> bool:
    """Ask a question on the terminal; return whether the reply is yes."""
    _console().print(Text(f"{question} [y/N] "), end="")
    return sys.stdin.readline().strip().casefold() in YES


def on_terminal() -> bool:
    """Whether stderr is a terminal.

    For Rich, a log file is one, too, if FORCE_COLOR is set.
    """
    with suppress(AttributeError, ValueError):
        return sys.stderr.isatty()
    return False  # It is closed.


def can_ask() -> bool:
    """Whether a person can see a question and reply."""
    with suppress(AttributeError, ValueError):
        return on_terminal() and sys.stdin.isatty()
    return False


def say(*lines: str) -> None:
    """Write lines to stderr while nothing else is shown."""
    _write(_console(), lines)


def show(table: Table) -> None:
    """Write a table to stderr while nothing else is shown."""
    _console().print(table)


def _write(console: Console, lines: Iterable[str]) -> None:
    for each in lines:
        # No str, which would be read as markup.
        text = Text(fitted(plain(each), width_of(console.file)))
        console.print(text, soft_wrap=True)


@contextmanager
def watching(name: str) -> Generator[ProgressWatch]:
    console = _console()
    if not console.is_interactive:
        yield ProgressWatch(name, console)
        return
    with _visible_cursor(console), ExitStack() as bars:
        bar = bars.enter_context(_new_bar(console))
        yield ProgressWatch(name, console, bar, bars)


def _new_bar(console: Console) -> Live:
    return Live(console=console, redirect_stdout=False)


@contextmanager
def _visible_cursor(console: Console) -> Generator[None]:
    """Show the cursor again, also if Ctrl-C comes while Rich hides it."""
    try:
        yield
    finally:
        console.show_cursor(show=True)


@contextmanager
def counting(text: str) -> Generator[Callable[[int], None] | None]:
    """Show a number that grows; yield a function that sets it.

    If stderr is no terminal, yield None.
    """
    console = _console()
    if not console.is_interactive:
        yield None
        return
    safe = plain(text)
    with _visible_cursor(console), console.status(Text(safe)) as status:
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
    """Return the progress as a line for a log."""
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
