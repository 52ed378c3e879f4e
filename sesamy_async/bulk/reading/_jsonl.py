"""Read orders from JSON Lines, or from one JSON document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import attrs

from sesamy_async._models import is_object, kind, parse
from sesamy_async.bulk._rows import (
    IGNORED,
    ORIGINAL,
    Mistaken,
    Note,
    Problem,
    Row,
    Sale,
    changed_id,
)
from sesamy_async.bulk._states import InputFileError

from ._cells import clean, doubts, suspicious
from ._encodings import Found
from ._fields import (
    ORDER_ID,
    WrongValue,
    field_of,
    mended_id,
    object_reader,
    sale_of,
)
from ._json import Document, is_document
from ._text import LONGEST_ROW, TOO_LONG, Lines, Text, fingerprint


_ORDER_ID = re.compile(rf'"{ORDER_ID}"\s*:\s*(?:"([^"]*)"|([0-9]+))')
_BEGINNING = 4096  # Characters.
_ONLY_LINE = "at line 1 column"


@attrs.frozen
class JsonLinesSource:
    """A `Source` of the orders of a file of JSON.

    Each line is an order; or the file is one document: an array of orders,
    an object around that, or objects one after the other.

    Attributes:
        text: The file.
        notes: What was found out about the file as a whole.
    """

    text: Text
    _meaning: Mapping[str, Any] = attrs.field(repr=False)
    _values: Callable[[Any], dict[str, Any]]
    notes: tuple[Note, ...] = attrs.field(default=(), repr=False, kw_only=True)

    @classmethod
    def open(
        cls, path: Path, *, encoding: Found, allow_unknown: bool
    ) -> JsonLinesSource:
        """Read the first order, or raise `InputFileError`."""
        source = cls(
            Text(path, encoding.encoding or "", newline=""),
            {
                "format": "jsonl",
                "encoding": encoding.encoding,
                "allow_unknown": allow_unknown,
            },
            object_reader(allow_unknown=allow_unknown),
        )
        if encoding.rival is not None:
            raise source.text.unclear(source.split, encoding)
        if next(source.records(), None) is None:
            raise InputFileError(f"{path.name} has no orders.")
        return attrs.evolve(source, notes=source.text.notes(source.split))

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.text.path.name

    def fingerprint(self) -> str:
        """Hash the bytes, and how they are read.

        Raises:
            InputFileError: The file can't be read.
        """
        return fingerprint(self.text.digest(), self._meaning)

    @property
    def header(self) -> tuple[str, ...]:
        """Empty: a line names its own fields."""
        return ()

    def records(self) -> Iterator[Row]:
        """Yield the lines that are not blank, or the orders of a document."""
        return self.text.rows(self.split)

    def split(self, lines: Iterator[str]) -> Iterator[Row]:
        """Yield the rows of lines."""
        start, size = Lines(), 0
        for line in lines:
            start.append(line)
            size += len(line)
            del line
            if size >= _BEGINNING:
                break
        lines = chain(start, lines)
        if is_document("".join(start)):
            return Document(self.name, lines).rows()
        return _rows(self.name, lines)

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
        reading = _Order(row, data)
        problems = reading.read(self._values)
        order_id = None
        if all(each.column != ORDER_ID for each in problems):
            order_id = data[ORDER_ID]
            changed = changed_id(original, order_id)
            if changed:
                order_id = None
                problems.append(Problem(row, ORDER_ID, changed))
        if not problems:
            return _noted(row, sale_of(reading.values), reading.notes)
        perhaps = _perhaps(line) if order_id is None else None
        notes = tuple(reading.notes)
        return Mistaken(tuple(problems), order_id, perhaps, notes)


@attrs.define
class _Order:
    """An order in JSON that is read: its values, and notes."""

    row: int
    data: dict[str, Any]
    values: dict[str, Any] = attrs.field(factory=dict[str, Any], init=False)
    notes: list[Note] = attrs.field(factory=list[Note], init=False)

    def read(self, values: Callable[[Any], dict[str, Any]]) -> list[Problem]:
        """Read the values, cleaned if they need it; return the problems."""
        texts = [*_texts(self.data)]
        dirty = suspicious(
            "\x1f".join(holder[key] for _, holder, key in texts)
        )
        if not dirty:
            try:
                self.values = values(self.data)
            except WrongValue:
                # It may be right once it is cleaned.
                pass
            else:
                return []
        problems = [
            Problem(self.row, path, wrong)
            for path, holder, key in texts
            if (wrong := self._clean(path, holder, key))
        ]
        try:
            self.values = values(self.data)
        except WrongValue as wrong:
            seen = {each.column for each in problems}
            found = (_problem(self.row, each) for each in wrong.args)
            problems += (each for each in found if each.column not in seen)
        return problems

    def _clean(self, path: str, holder: dict[str, Any], key: str) -> str:
        """Clean a text in its place; return what is wrong with it."""
        field = field_of(path)
        if field is None:
            return ""
        try:
            value, found = clean(field, holder[key])
        except WrongValue:
            # Of a date; what is said of CSV is about mappings.
            return "must be a date such as 1980-12-31"
        holder[key] = value
        if not value and found:
            del holder[key]
        self.notes += (Note(self.row, path, *each) for each in found)
        return ""


def _texts(
    data: dict[str, Any], above: str = ""
) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the path of each text, the object that it is in, and its key."""
    for key, value in data.items():
        if isinstance(value, str):
            yield f"{above}{key}", data, key
        elif is_object(value):
            yield from _texts(value, f"{above}{key}.")


def _noted(row: int, sale: Sale, notes: list[Note]) -> Sale:
    notes += (Note(row, path, remark) for path, remark in doubts(sale))
    return attrs.evolve(sale, notes=tuple(notes)) if notes else sale


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
