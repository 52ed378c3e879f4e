"""The progress bar of an import."""

from __future__ import annotations

from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sesamy_async.bulk.progress import Progress
from sesamy_async.cli.plain import plain

from .words import facts, settled


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
