"""Where the orders of an import come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from .record import Mistaken, Record, Sale, Skimmed


class Source(Protocol):
    """Rows that can be read again and again, always in the same order.

    An import reads them when it checks, when it sends and when it reports,
    one at a time: a file of a million rows is never in memory.

    .. versionadded:: 0.1.0
    """

    @property
    def name(self) -> str:
        """How messages call it, such as ``"orders.csv"``."""
        ...

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the cells, for reports; () for JSON Lines."""
        ...

    def fingerprint(self) -> str:
        """Return what changes when any row, or its meaning, changes.

        A hash of the bytes and of how they are read (encoding, mapping).
        """
        ...

    def records(self) -> Iterator[Record]:
        """Yield the rows as they stand, the first one first.

        Raises:
            InputFileError: They can't be read (on).
        """
        ...

    def read(self, record: Record) -> Sale | Mistaken:
        """Return what a row says, or all that is wrong with it."""
        ...

    def skim(self, record: Record) -> Skimmed | Mistaken:
        """Return whether `read` finds a sale there, without building it.

        It finds the same mistakes as `read`, but faster: for a million
        rows.
        """
        ...
