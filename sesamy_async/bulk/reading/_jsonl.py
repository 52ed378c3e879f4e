"""Read orders from JSON Lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import attrs

from sesamy_async._models import (
    KEY,
    TEXT,
    NewContract,
    RepeatedKeys,
    is_mapping,
    is_object,
    kind,
    parse,
    refused_data,
    ruled_fields,
)
from sesamy_async.bulk._rows import (
    REASON,
    SENT_BEFORE,
    Mistaken,
    Problem,
    Row,
    Sale,
    Skimmed,
    is_repeat,
)
from sesamy_async.bulk._states import InputFileError

from ._columns import IGNORED
from ._fields import (
    FIELDS,
    ORDER_ID,
    OVERRIDES,
    PROMO_CODE,
    VENDOR_ID,
    Check,
    is_text,
    mended_id,
    without_value,
)
from ._text import LONGEST_ROW, TOO_LONG, Text, fingerprint, undecodable


Right: TypeAlias = Callable[[Any], bool]

_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def may_hold_surrogates(line: str) -> bool:
    """Whether a string of the line may be no text once it is parsed."""
    return not is_text(line) or _ESCAPED_SURROGATE.search(line) is not None


def right_row(*, allow_unknown: bool) -> Right:
    """Return what tells whether an object is an order, with its overrides.

    It may say no to what is right, never yes to what is wrong.  What it
    does not look for is a lone surrogate: see `may_hold_surrogates`.

    Args:
        allow_unknown: Whether a word may be none that the guide names.
    """
    checks = {
        name: field.check(allow_unknown=allow_unknown)
        for name, field in FIELDS.items()
    }
    members = {**_members(NewContract, "", checks)}
    for name in OVERRIDES:
        members[name] = _by_rule(checks[name])
    return partial(_all_right, members)


def _members(
    model: type[Any], above: str, checks: Mapping[str, Check]
) -> Mapping[str, Right]:
    members: dict[str, Right] = {}
    for wire, ruled in ruled_fields(model).items():
        name = f"{above}{wire}"
        if ruled.rule.model is not None:
            inner = _members(ruled.rule.model, f"{name}.", checks)
            members[wire] = partial(_all_right, inner)
        elif ruled.rule is TEXT[KEY]:
            members[wire] = _is_text
        else:
            members[wire] = _by_rule(checks.get(name, ruled.rule.check))
    return members


def _all_right(members: Mapping[str, Right], value: Any) -> bool:
    if value is None:
        return True
    if not is_object(value) or isinstance(value, RepeatedKeys):
        return False
    for key, item in value.items():
        right = members.get(key)
        if right is None or not right(item):
            return False
    return True


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _by_rule(check: Check) -> Right:
    def right(value: Any) -> bool:
        return value is None or next(check(value, ""), None) is None

    return right


_ORDER_ID = re.compile(rf'"{ORDER_ID}"\s*:\s*(?:"([^"]*)"|([0-9]+))')
_ONLY_LINE = "at line 1 column"


class _Seen(NamedTuple):
    """A line without mistakes."""

    order: dict[str, Any]
    promo_code: str | None
    vendor_id: str | None


class JsonOrders:
    """Turns lines into sales.

    Args:
        allow_unknown: Whether a word may be none that the guide names.
    """

    def __init__(self, *, allow_unknown: bool) -> None:
        self._right = right_row(allow_unknown=allow_unknown)
        self._checks = [
            (field, field.check(allow_unknown=allow_unknown))
            for field in FIELDS.values()
        ]

    def skim(self, record: Row) -> Skimmed | Mistaken:
        """Return whether a line holds a sale, at little cost."""
        (line,) = record.cells
        data, problem = parse(line)
        if (
            is_object(data)
            and not is_repeat(data.get(REASON))
            and not may_hold_surrogates(line)
        ):
            _drop_ignored(data)
            if data.get(ORDER_ID) is not None and self._right(data):
                return Skimmed(data[ORDER_ID], data.get(PROMO_CODE))
        found = self._look(record, data, problem)
        if isinstance(found, Mistaken):
            return found
        return Skimmed(found.order[ORDER_ID], found.promo_code)

    def read(self, record: Row) -> Sale | Mistaken:
        """Return the sale that a line holds, or all that is wrong with it."""
        (line,) = record.cells
        found = self._look(record, *parse(line))
        if isinstance(found, Mistaken):
            return found
        return Sale(
            order=NewContract.from_dict(found.order),
            promo_code=found.promo_code,
            vendor_id=found.vendor_id,
        )

    def _look(
        self, record: Row, data: Any, problem: str | None
    ) -> _Seen | Mistaken:
        row = record.number
        if problem is not None:
            said = f"no JSON: {problem.replace(_ONLY_LINE, 'at column')}"
            problem_of_row = Problem(row, "", said)
            return Mistaken((problem_of_row,), perhaps=_perhaps(record))
        if not is_object(data):
            said = f"must be an object, got {kind(data)}"
            return Mistaken((Problem(row, "", said),))
        if is_repeat(data.get(REASON)):
            return Mistaken((Problem(row, "", SENT_BEFORE),))
        _drop_ignored(data)
        # What belongs to no field is told of the order alone.
        problems = list(self._stricter(data))
        promo_code, vendor_id = (
            data.pop(PROMO_CODE, None),
            data.pop(VENDOR_ID, None),
        )
        refused = refused_data(NewContract, data)
        if refused is not None:
            more = [each for each in problems if each not in refused.problems]
            problems = [*refused.problems, *more]
        if not problems:
            return _Seen(data, promo_code, vendor_id)
        wrong = tuple(_problem(row, each) for each in problems)
        if all(each.column != ORDER_ID for each in wrong):
            return Mistaken(wrong, data.get(ORDER_ID))
        return Mistaken(wrong, perhaps=_perhaps(record))

    def _stricter(self, data: Mapping[str, Any]) -> Iterator[str]:
        """Yield what is asked of a row besides what an order must be."""
        for field, check in self._checks:
            value: Any = data
            for name in field.path:
                value = value.get(name) if is_mapping(value) else None
            if value is not None:
                yield from check(value, field.name)


def _drop_ignored(data: dict[str, Any]) -> None:
    # In place: a copy would not know which keys were repeated.
    for key in [key for key in data if key.startswith(IGNORED)]:
        del data[key]


def _perhaps(record: Row) -> str | None:
    found = _ORDER_ID.search(record.cells[0])
    return None if found is None else mended_id(found[1] or found[2] or "")


def _problem(row: int, said: str) -> Problem:
    column, _, reason = said.partition(": ")
    return Problem(row, column, without_value(reason))


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

    def records(self) -> Iterator[Row]:
        """Yield the lines that are not blank."""
        rows = partial(_rows, self.name)
        try:
            yield from rows(self._text.lines())
        except UnicodeError:
            pass
        else:
            return
        raise undecodable(self._text, rows, headed=False)

    def read(self, record: Row) -> Sale | Mistaken:
        """Return what a line says, or all that is wrong with it."""
        return self._orders.read(record)

    def skim(self, record: Row) -> Skimmed | Mistaken:
        """Return whether `read` finds a sale there, without building it."""
        return self._orders.skim(record)


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
