"""Orders in JSON Lines: one object a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from sesamy_async.bulk.errors import InputFileError
from sesamy_async.bulk.record import Mistaken, Record, Sale, Skimmed

from .broken_bytes import undecodable
from .files import fingerprint
from .json_order import JsonOrders
from .lines import LONGEST_ROW, TOO_LONG, Text


@attrs.frozen
class JsonLinesSource:
    """A `Source` of the lines of a file of JSON Lines."""

    _text: Text
    _orders: JsonOrders
    _meaning: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def open(
        cls, path: Path, *, encoding: str, allow_unknown: bool
    ) -> JsonLinesSource:
        """Look whether there is an order at all.

        Args:
            path: The file.
            encoding: How its bytes are read.
            allow_unknown: Whether a word may be none that the guide names.

        Raises:
            InputFileError: It can't be read, or is one JSON array.
        """
        source = cls(
            Text(path, encoding, newline="\n"),
            JsonOrders(allow_unknown=allow_unknown),
            {
                "format": "jsonl",
                "encoding": encoding,
                "allow_unknown": allow_unknown,
            },
        )
        first = next(source.records(), None)
        if first is None:
            raise InputFileError(f"{path.name} has no orders.")
        if first.cells[0].startswith("["):
            raise InputFileError(
                f"{path.name} is a JSON array. Write one order on each line, "
                "without brackets around them and commas between them."
            )
        return source

    @property
    def name(self) -> str:
        """The name of the file."""
        return self._text.path.name

    @property
    def header(self) -> tuple[str, ...]:
        """Nothing: the lines name their own fields."""
        return ()

    def fingerprint(self) -> str:
        """Hash the bytes, and how they are read."""
        return fingerprint(self._text.path, self._meaning)

    def records(self) -> Iterator[Record]:
        """Yield the lines that are not blank."""
        rows = partial(_rows, self.name)
        try:
            yield from rows(self._text.lines())
        except UnicodeError:
            pass
        else:
            return
        raise undecodable(self._text, rows, headed=False)

    def read(self, record: Record) -> Sale | Mistaken:
        """Return what a line says, or all that is wrong with it."""
        return self._orders.read(record)

    def skim(self, record: Record) -> Skimmed | Mistaken:
        """Return whether `read` finds a sale there, without building it."""
        return self._orders.skim(record)


def _rows(name: str, lines: Iterable[str]) -> Iterator[Record]:
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_ROW:
            del line
            raise InputFileError(f"{name}, row {number}: {TOO_LONG}.")
        stripped = line.strip()
        if stripped:
            yield Record(number, (stripped,))
        # An error shows the locals of its frame, and a line is personal.
        del line, stripped
