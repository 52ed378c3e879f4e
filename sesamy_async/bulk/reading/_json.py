"""Read orders from JSON Lines, or from one JSON document."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, cast

import attrs

from sesamy_async._models import NO_OBJECT, is_object, parse
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

from ._cells import clean, doubts
from ._encodings import FoundEncoding
from ._fields import ORDER_ID, field_of, mended_id, object_reader, sale_of
from ._text import LONGEST_ROW, TOO_LONG, Lines, Text, fingerprint
from ._values import NO_DATE, WrongValue, suspicious


_ORDER_ID = re.compile(rf'"{ORDER_ID}"\s*:\s*(?:"([^"]*)"|([0-9]+))')
_BEGINNING = 4096  # Characters.
_ONLY_LINE = "at line 1 column"


@attrs.frozen
class JsonSource(Text):
    """A `Source` of the orders of a file of JSON.

    Each line is an order; or the file is one document: an array of orders,
    an object around that, or objects one after the other.
    """

    allow_unknown: bool
    _values: Callable[[Any], dict[str, Any]] = attrs.field(repr=False)

    @classmethod
    def open(
        cls, path: Path, *, encoding: FoundEncoding, allow_unknown: bool
    ) -> JsonSource:
        """Read the first order, or raise `InputFileError`."""
        values = object_reader(allow_unknown=allow_unknown)
        source = cls(path, encoding.encoding or "", allow_unknown, values)
        if encoding.rival is not None:
            raise source.unclear(encoding)
        if next(source.records(), None) is None:
            raise InputFileError(f"{path.name} has no orders.")
        return source

    def fingerprint(self) -> str:
        meaning = {
            "format": "jsonl",
            "encoding": self.encoding,
            "allow_unknown": self.allow_unknown,
        }
        return fingerprint(self.digest(), meaning)

    @property
    def header(self) -> tuple[str, ...]:
        """Empty: an order names its own fields."""
        return ()

    def records(self) -> Iterator[Row]:
        return self.rows()

    def split(self, lines: Iterator[str]) -> Iterator[Row]:
        start, size = Lines(), 0
        for line in lines:
            start.append(line)
            size += len(line)
            del line
            if size >= _BEGINNING:
                break
        lines, beginning = chain(start, lines), "".join(start)
        if any(it.match(beginning) for it in (_ARRAY, _OBJECTS, _WRAPPED)):
            return _Document(self.name, lines).rows()
        return _lines(self.name, lines)

    def read(self, record: Row) -> Sale | Mistaken:
        (line,), row = record.cells, record.number
        data, broken = parse(line)
        if broken is not None:
            said = f"not JSON: {broken.replace(_ONLY_LINE, 'at column')}"
            problem = Problem(row, "", said)
            return Mistaken((problem,), perhaps=_perhaps(line))
        if not is_object(data):
            return Mistaken((Problem(row, "", NO_OBJECT),))
        original = data.get(ORIGINAL)
        # In place: a copy would not know which keys were repeated.
        for key in [key for key in data if key.startswith(IGNORED)]:
            del data[key]
        reading = _Order(row, data)
        values = reading.values(self._values)
        problems, notes = reading.problems, reading.notes
        order_id = None
        if all(each.column != ORDER_ID for each in problems):
            order_id = data[ORDER_ID]
            if changed := changed_id(original, order_id):
                order_id = None
                problems.append(Problem(row, ORDER_ID, changed))
        if problems:
            perhaps = _perhaps(line) if order_id is None else None
            return Mistaken(tuple(problems), order_id, perhaps, tuple(notes))
        sale = sale_of(values)
        notes += (Note(row, *each) for each in doubts(sale))
        return attrs.evolve(sale, notes=tuple(notes)) if notes else sale


@attrs.define
class _Order:
    row: int
    data: dict[str, Any]
    problems: list[Problem] = attrs.field(factory=list[Problem], init=False)
    notes: list[Note] = attrs.field(factory=list[Note], init=False)

    def values(self, read: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Return the values, cleaned if needed; or note what is wrong."""
        texts = [*_texts(self.data)]
        if not suspicious("\x1f".join(each[key] for _, each, key in texts)):
            # It may be right once it is cleaned.
            with suppress(WrongValue):
                return read(self.data)
        for path, holder, key in texts:
            self._clean(path, holder, key)
        seen = {each.column for each in self.problems}
        try:
            return read(self.data)
        except WrongValue as wrong:
            for said in wrong.args:
                path, _, reason = said.removeprefix(".").partition(": ")
                if path not in seen:
                    self.problems.append(Problem(self.row, path, reason))
        return {}

    def _clean(self, path: str, holder: dict[str, Any], key: str) -> None:
        field = field_of(path)
        if field is None:
            return
        try:
            value, found = clean(field, holder[key])
        except WrongValue:
            # Of a date; what is said of CSV is about mappings.
            self.problems.append(Problem(self.row, path, NO_DATE))
            return
        holder[key] = value
        if not value and found:
            del holder[key]
        self.notes += (Note(self.row, path, *each) for each in found)


def _texts(
    data: dict[str, Any], above: str = ""
) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the path of each text, the object that it is in, and its key."""
    for key, value in data.items():
        if isinstance(value, str):
            yield f"{above}{key}", data, key
        elif is_object(value):
            yield from _texts(value, f"{above}{key}.")


def _perhaps(line: str) -> str | None:
    found = _ORDER_ID.search(line)
    return None if found is None else mended_id(found[1] or found[2] or "")


def _lines(name: str, lines: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_ROW:
            del line
            raise InputFileError(f"{name}, row {number}: {TOO_LONG}.")
        stripped = line.strip()
        if stripped:
            yield Row(number, (stripped,))
        # An error shows the locals of its frame, and a line is personal.
        del line, stripped


# One document

# Not that of an order, nor of a report of rejected ones.
_KEY = rf'"(?!#|{ORDER_ID}")[^"]*"\s*:\s*'
_MEMBER = rf'{_KEY}(?:"(?:[^"\\]|\\.)*"|[-+.\w]+)'
# {"count": 2, "orders": [{
_WRAPPED = re.compile(rf"\s*\{{\s*(?:{_MEMBER}\s*,\s*)*+{_KEY}\[\s*(?=\{{|\Z)")
_END = re.compile(rf"\s*\]\s*(?:,\s*{_MEMBER}\s*)*+\}}\s*")
_ARRAY = re.compile(r"\s*\[")
_END_OF_ARRAY = re.compile(r"\s*\]\s*")
_OBJECTS = re.compile(r"\s*\{\s*[\r\n]")
_SPACE = re.compile(r"\s*")
_BREAK = re.compile(r"\s*[\r\n]\s*")
_CUT = "Unterminated string starting at"
_PART = 65_536  # Characters.
_NEAR = 16  # Characters: a word that is cut by the end of a part is shorter.
_WRITE = (
    "Write an array of orders, such as [{...}, {...}], or one order on each "
    "line."
)


class _Document:
    """The orders of a document, without having all of it.

    It is an array of orders, or an object with one array of them and nothing
    else but single values; or objects that follow each other.
    """

    def __init__(self, name: str, lines: Iterator[str]) -> None:
        self._name = name
        self._lines = lines
        self._text = ""
        self._at = 0
        self._number = 0
        # Only the end of an order is looked for.
        decoder = json.JSONDecoder(parse_int=str, parse_float=str)
        self._decode = decoder.raw_decode

    def rows(self) -> Iterator[Row]:
        """Yield the orders, numbered from 1.

        Raises:
            InputFileError: It is no JSON, or it can't be told which of its
                objects are the orders.
        """
        self._read_on()
        for start, end in ((_ARRAY, _END_OF_ARRAY), (_WRAPPED, _END)):
            found = start.match(self._text)
            if found is not None:
                self._at = found.end()
                del found
                yield from self._array(end)
                return
        while self._peek():
            yield self._next(alone=True)

    def _array(self, end: re.Pattern[str]) -> Iterator[Row]:
        comma = True
        while (char := self._peek()) != "]":
            if not comma:
                if char != ",":
                    raise self._broken("a comma is missing after it")
                self._at += 1
            yield self._next()
            comma = False
        while self._read_on() and len(self._text) < LONGEST_ROW:
            pass
        if end.fullmatch(self._text, self._at) is None:
            raise InputFileError(
                f"{self._name} has something after its array of orders. "
                f"{_WRITE}"
            )

    def _peek(self) -> str:
        """Return the next character that is no space; "" at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read_on():
                return ""

    def _next(self, *, alone: bool = False) -> Row:
        self._peek()
        self._number += 1
        while True:
            certain = True
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                said = error.msg
                # At the end of what was read, the rest may only be missing.
                near = error.pos >= len(self._text) - _NEAR
                certain = not near and said != _CUT
            except RecursionError:
                said = "nested too deeply"
            else:
                several = alone and _holds_orders(value)
                # An error shows the locals of its frame.
                del value
                if not several:
                    break
                said = "it is one object with several values"
            if len(self._text) - self._at > LONGEST_ROW:
                said = f"it has more than {LONGEST_ROW} characters"
                certain = True
            if certain or not self._read_on():
                raise self._broken(said)
        start, self._at = self._at, end
        # No string in JSON has a line break.
        text = _BREAK.sub(" ", self._text[start:end])
        return Row(self._number, (text,))

    def _read_on(self) -> bool:
        """Read another part; whether there was one."""
        parts = [self._text[self._at :]]
        size = 0
        try:
            for line in self._lines:
                parts.append(line)
                size += len(line)
                del line
                if size >= _PART:
                    break
            self._text, self._at = "".join(parts), 0
        finally:
            # An error shows the locals of its frame.
            del parts
        return size > 0

    def _broken(self, said: str) -> InputFileError:
        return InputFileError(
            f"{self._name}, row {self._number}: not JSON with orders: {said}. "
            f"{_WRITE}"
        )


def _holds_orders(value: Any) -> bool:
    """Whether it is no order, but has a list of objects."""
    return (
        is_object(value)
        and ORDER_ID not in value
        and any(
            isinstance(each, list) and any(map(is_object, cast("Any", each)))
            for each in value.values()
        )
    )
