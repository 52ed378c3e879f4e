"""Read orders from JSON Lines, or from a JSON array."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

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

from ._cells import doubts, warnings
from ._encodings import FoundEncoding
from ._fields import ORDER_ID, field_of, mended_id, object_reader, sale_of
from ._text import LONGEST_ROW, TOO_LONG, Lines, Text, fingerprint
from ._values import WrongValue, suspicious


_ORDER_ID = re.compile(rf'"{ORDER_ID}"\s*:\s*(?:"([^"]*)"|([0-9]+))')
_ONLY_LINE = "at line 1 column"
_SPACE = re.compile(r"\s*")
_BREAK = re.compile(r"\s*[\r\n]\s*")
_PART = re.compile(r"\s*\{(?:.*[\[{,])?\s*")  # Of an object on several lines.
_WRITE = "Write an array of orders, or one order per line."
# Only the end of an order is looked for.
_decode = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode


@attrs.frozen
class JsonSource(Text):
    """A `Source` of the orders of a file of JSON.

    Each line is an order, or the file is an array of orders.
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
        start = Lines()
        for line in lines:
            start.append(line)
            blank = not line.strip()
            del line
            if not blank:
                break
        lines = chain(start, lines)
        if "".join(start).lstrip().startswith("["):
            return _array(self.name, _Whole("".join(lines)))
        if start and _PART.fullmatch(start[-1]):
            raise InputFileError(
                f"{self.name} begins with no whole order, and no array. "
                f"{_WRITE}"
            )
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
        values: dict[str, Any] = {}
        problems: list[Problem] = []
        try:
            values = self._values(data)
        except WrongValue as wrong:
            for said in wrong.args:
                path, _, reason = said.removeprefix(".").partition(": ")
                problems.append(Problem(row, path, reason))
        notes = [*_warnings(row, data)]
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


def _warnings(row: int, data: dict[str, Any]) -> Iterator[Note]:
    texts = [*_texts(data)]
    if suspicious("\x1f".join(text for _, text in texts)):
        for path, text in texts:
            if (field := field_of(path)) is not None:
                for remark in warnings(field, text):
                    yield Note(row, path, remark, text, text)


def _texts(data: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text with its path."""
    for key, value in data.items():
        if isinstance(value, str):
            yield f"{above}{key}", value
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


class _Whole(str):
    """A text, which no error shows."""

    __slots__ = ()
    __repr__ = object.__repr__


def _array(name: str, text: _Whole) -> Iterator[Row]:
    """Yield the orders of an array, numbered from 1."""
    number, at = 0, _behind(text, _behind(text, 0) + 1)
    while text[at : at + 1] != "]":
        if number:
            if text[at : at + 1] != ",":
                raise _broken(name, number, "a comma is missing after it")
            at = _behind(text, at + 1)
        number += 1
        end, said = _end(text, at)
        if said:
            raise _broken(name, number, said)
        # No string in JSON has a line break.
        yield Row(number, (_BREAK.sub(" ", text[at:end]),))
        at = _behind(text, end)
    if _behind(text, at + 1) < len(text):
        raise InputFileError(
            f"{name} has something after its array of orders. {_WRITE}"
        )


def _behind(text: str, at: int) -> int:
    """Return where the next character is that is no space."""
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]


def _end(text: str, at: int) -> tuple[int, str]:
    """Return where a value ends; or what is wrong with it."""
    try:
        _, end = _decode(text, at)
    except json.JSONDecodeError as error:
        return at, error.msg
    except RecursionError:
        return at, "nested too deeply"
    return end, "" if end - at <= LONGEST_ROW else TOO_LONG


def _broken(name: str, number: int, said: str) -> InputFileError:
    return InputFileError(
        f"{name}, row {number}: not JSON with orders: {said}. {_WRITE}"
    )
