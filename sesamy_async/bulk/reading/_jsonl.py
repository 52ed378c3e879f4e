"""Read orders from JSON Lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from sesamy_async._models import is_object, kind, parse
from sesamy_async.bulk._rows import (
    IGNORED,
    ORIGINAL,
    Mistaken,
    Problem,
    Row,
    Sale,
    changed_id,
)
from sesamy_async.bulk._states import InputFileError

from ._fields import (
    ORDER_ID,
    WrongValue,
    mended_id,
    object_reader,
    sale_of,
)
from ._text import LONGEST_ROW, TOO_LONG, Text, TextSource


_ORDER_ID = re.compile(rf'"{ORDER_ID}"\s*:\s*(?:"([^"]*)"|([0-9]+))')
_ONLY_LINE = "at line 1 column"


@attrs.frozen
class JsonLinesSource(TextSource):
    """A `Source` of the lines of a file of JSON Lines."""

    _values: Callable[[Any], dict[str, Any]]

    @classmethod
    def open(
        cls, path: Path, *, encoding: str, allow_unknown: bool
    ) -> JsonLinesSource:
        """Read the first order, or raise `InputFileError`."""
        source = cls(
            Text(path, encoding, newline="\n"),
            {
                "format": "jsonl",
                "encoding": encoding,
                "allow_unknown": allow_unknown,
            },
            object_reader(allow_unknown=allow_unknown),
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
    def header(self) -> tuple[str, ...]:
        """Empty: a line names its own fields."""
        return ()

    def records(self) -> Iterator[Row]:
        """Yield the lines that are not blank."""
        return self.text.rows(partial(_rows, self.name), headed=False)

    def read(self, record: Row) -> Sale | Mistaken:
        """Return the order of a line, or all its problems."""
        (line,), row = record.cells, record.number
        data, broken = parse(line)
        if broken is not None:
            said = f"not JSON: {broken.replace(_ONLY_LINE, 'at column')}"
            problem = Problem(row, "", said)
            return Mistaken((problem,), perhaps=_perhaps(line))
        if not is_object(data):
            said = f"must be an object, got {kind(data)}"
            return Mistaken((Problem(row, "", said),))
        original = data.get(ORIGINAL)
        # In place: a copy would not know which keys were repeated.
        for key in [key for key in data if key.startswith(IGNORED)]:
            del data[key]
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        try:
            values = self._values(data)
        except WrongValue as wrong:
            problems += (_problem(row, reason) for reason in wrong.args)
        order_id = None
        if all(each.column != ORDER_ID for each in problems):
            order_id = data[ORDER_ID]
            changed = changed_id(original, order_id)
            if changed:
                order_id = None
                problems.append(Problem(row, ORDER_ID, changed))
        if not problems:
            return sale_of(values)
        perhaps = _perhaps(line) if order_id is None else None
        return Mistaken(tuple(problems), order_id, perhaps)


def _problem(row: int, said: str) -> Problem:
    column, _, reason = said.removeprefix(".").partition(": ")
    return Problem(row, column, reason)


def _perhaps(line: str) -> str | None:
    found = _ORDER_ID.search(line)
    return None if found is None else mended_id(found[1] or found[2] or "")


def _rows(name: str, lines: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_ROW:
            del line
            raise InputFileError(f"{name}, row {number}: {TOO_LONG}.")
        stripped = line.strip()
        if stripped:
            yield Row(number, (stripped,))
        # An error shows the locals of its frame, and a line is personal.
        del line, stripped
