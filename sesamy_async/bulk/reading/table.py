"""What the cells of a row say, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sesamy_async.bulk.problem import Problem
from sesamy_async.bulk.record import Mistaken, Record, Sale, Skimmed
from sesamy_async.bulk.repeats import SENT_BEFORE, is_repeat
from sesamy_async.models import NewContract

from . import swallowed
from .columns import Column
from .fields import (
    ORDER_ID,
    OVERRIDES,
    PROMO_CODE,
    VENDOR_ID,
    field_of,
    mended_id,
)
from .plain import is_text


class Table:
    """Turns rows into sales; made once from a header.

    Args:
        width: How many cells a row has.
        columns: Those that are read.
        constants: What every row says, by path.
        delimiter: What stands between them.
        reason: Which of the cells says why a row was rejected, if any.
    """

    def __init__(
        self,
        width: int,
        columns: Sequence[Column],
        constants: Mapping[str, Any],
        delimiter: str,
        reason: int | None,
    ) -> None:
        self._delimiter = delimiter
        self._reason = reason
        self._width = width
        self._columns = columns
        self._ruled = [each for each in columns if not each.field.any_text]
        self._at = {each.field.name: each for each in columns}
        self._constants = constants

    def skim(self, record: Record) -> Skimmed | Mistaken:
        """Return whether a row holds a sale, at little cost.

        Where a row as a whole is text, a cell that may be any text needs no
        look of its own.
        """
        cells = record.cells
        row = "".join(cells)
        if len(cells) != self._width or "\0" in row or not is_text(row):
            return self._look(record)
        if "\n" in row or "\r" in row:
            return self._look(record)
        for column in self._ruled:
            cell = cells[column.index]
            if cell and column.wrong(cell):
                return self._look(record)
        order_id = cells[self._at[ORDER_ID].index]
        if not order_id or self._repeats(cells):
            return self._look(record)
        return Skimmed(order_id, self._override(PROMO_CODE, cells))

    def read(self, record: Record) -> Sale | Mistaken:
        """Return the sale that a row holds, or all that is wrong with it."""
        found = self._look(record)
        if isinstance(found, Mistaken):
            return found
        return Sale(
            order=NewContract.from_dict(self._data(record.cells)),
            promo_code=found.promo_code,
            vendor_id=self._override(VENDOR_ID, record.cells),
        )

    def _look(self, record: Record) -> Skimmed | Mistaken:
        cells, row = record.cells, record.number
        misfit = self._misfit(cells)
        if misfit:
            there = cells[self._at[ORDER_ID].index :][:1]
            perhaps = mended_id("".join(there))
            return Mistaken((Problem(row, "", misfit),), perhaps=perhaps)
        if self._repeats(cells):
            return Mistaken((Problem(row, "", SENT_BEFORE),))
        problems = tuple(
            Problem(row, column.header, wrong)
            for column, wrong in self._wrong_cells(cells)
        )
        column = self._at[ORDER_ID]
        order_id = cells[column.index]
        if not problems:
            return Skimmed(order_id, self._override(PROMO_CODE, cells))
        if all(each.column != column.header for each in problems):
            return Mistaken(problems, order_id)
        return Mistaken(problems, perhaps=mended_id(order_id))

    def _repeats(self, cells: Sequence[str]) -> bool:
        return self._reason is not None and is_repeat(cells[self._reason])

    def _misfit(self, cells: Sequence[str]) -> str:
        why = ""
        if len(cells) < self._width:
            why = "the row is cut, or delimiters are missing"
        elif any(cells[self._width :]):
            why = "a cell that holds the delimiter needs quotation marks"
        elif self._swallows(cells):
            return swallowed.REASON
        each = f"has {len(cells)} cells, and the header {self._width}"
        return why and f"{each}: {why}"

    def _swallows(self, cells: Sequence[str]) -> bool:
        if self._width < swallowed.FEWEST:
            return False
        return any(
            len(row) == self._width and not any(self._wrong_cells(row))
            for row in swallowed.swallowed(cells, self._delimiter)
        )

    def _wrong_cells(
        self, cells: Sequence[str]
    ) -> Iterator[tuple[Column, str]]:
        for column in self._columns:
            cell = cells[column.index]
            wrong: str | None = None
            if "\0" in cell:
                wrong = "has a NUL character, which is no text"
            elif cell:
                wrong = column.wrong(cell)
            elif column.field.name == ORDER_ID:
                wrong = "required"
            if wrong:
                yield column, wrong

    def _override(self, name: str, cells: Sequence[str]) -> str | None:
        column = self._at.get(name)
        given = self._constants.get(name) if column is None else None
        return given if column is None else cells[column.index] or None

    def _data(self, cells: Sequence[str]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for name, value in self._constants.items():
            field = field_of(name)
            if field is not None and name not in OVERRIDES:
                _put(data, field.path, value)
        for column in self._columns:
            cell = cells[column.index]
            if cell and column.field.name not in OVERRIDES:
                _put(data, column.field.path, column.value(cell))
        return data


def _put(data: dict[str, Any], path: Sequence[str], value: Any) -> None:
    *above, last = path
    for name in above:
        data = data.setdefault(name, {})
    data[last] = value
