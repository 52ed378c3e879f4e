"""Find the orders in one JSON document, without having all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from sesamy_async._models import is_object
from sesamy_async.bulk._rows import Row
from sesamy_async.bulk._states import InputFileError

from ._fields import ORDER_ID
from ._text import LONGEST_ROW


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


def is_document(start: str) -> bool:
    """Whether a file that begins so is one document, and no JSON Lines."""
    return any(
        each.match(start) is not None for each in (_ARRAY, _OBJECTS, _WRAPPED)
    )


class Document:
    """The orders of a document.

    It is an array of orders, or an object with one array of them and nothing
    else but single values; or objects that follow each other.

    Its repr has nothing of the text, which is personal.
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
                    raise self._broken("a comma is missing behind it")
                self._at += 1
            yield self._next()
            comma = False
        while self._read_on() and len(self._text) < LONGEST_ROW:
            pass
        if end.fullmatch(self._text, self._at) is None:
            raise InputFileError(
                f"{self._name} has something behind its array of orders. "
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
            end, said, certain = self._end_of_order(alone=alone)
            if not said:
                break
            if len(self._text) - self._at > LONGEST_ROW:
                raise self._broken(f"it has more than {LONGEST_ROW} letters")
            if certain or not self._read_on():
                raise self._broken(said)
        start, self._at = self._at, end
        # No string in JSON has a line break.
        return Row(
            self._number, (_BREAK.sub(" ", self._text[start : self._at]),)
        )

    def _end_of_order(self, *, alone: bool) -> tuple[int, str, bool]:
        """Return where it ends; or what is wrong, and whether for certain."""
        try:
            value, end = self._decode(self._text, self._at)
        except json.JSONDecodeError as error:
            # At the end of what was read, the rest may only be missing.
            near = error.pos >= len(self._text) - _NEAR
            return 0, error.msg, not near and error.msg != _CUT
        except RecursionError:
            return 0, "nested too deeply", True
        if alone and _holds_orders(value):
            return 0, "it is one object with several values", True
        return end, "", True

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
