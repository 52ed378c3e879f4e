"""What one line of JSON Lines says, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sesamy_async.bulk.problem import Problem
from sesamy_async.bulk.record import Mistaken, Record, Sale, Skimmed
from sesamy_async.bulk.repeats import REASON, SENT_BEFORE, is_repeat
from sesamy_async.models import NewContract
from sesamy_async.models.check import refused_data
from sesamy_async.models.read import parse
from sesamy_async.models.texts import is_mapping, is_object, kind

from .columns import IGNORED
from .fields import (
    FIELDS,
    ORDER_ID,
    PROMO_CODE,
    VENDOR_ID,
    mended_id,
    without_value,
)
from .json_skim import may_hold_surrogates, right_row


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

    def skim(self, record: Record) -> Skimmed | Mistaken:
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

    def read(self, record: Record) -> Sale | Mistaken:
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
        self, record: Record, data: Any, problem: str | None
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


def _perhaps(record: Record) -> str | None:
    found = _ORDER_ID.search(record.cells[0])
    return None if found is None else mended_id(found[1] or found[2] or "")


def _problem(row: int, said: str) -> Problem:
    column, _, reason = said.partition(": ")
    return Problem(row, column, without_value(reason))
