"""Turn the rows of a table into sales."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from sesamy_async._checks import is_text
from sesamy_async._models import NewContract
from sesamy_async.bulk._rows import (
    NUMBER,
    ORIGINAL,
    Mistaken,
    Note,
    Problem,
    Remark,
    Row,
    Sale,
    changed_id,
)

from ._cells import clean, doubts, suspicious
from ._columns import Column, Header, letters
from ._fields import (
    HOLDERS,
    ORDER_ID,
    WrongValue,
    field_of,
    mended_id,
    sale_of,
)
from ._mapping import Mapped


MERGED_ROWS = (
    "some lines in a cell are rows of their own: a quotation mark is not "
    "closed, or is in the wrong place"
)
_BREAK = re.compile("\r\n|\r|\n")
_FEWEST_CELLS = 3  # Of fewer, a row can't be told from words with a comma.
_MEANT = "; a mapping can say what it stands for ([values])"
_UNNAMED = "may go on in row {}, which has no id; correct or remove that row"


class Table:
    """Turns rows into sales; made once for a file."""

    def __init__(self, head: Header, delimiter: str, mapped: Mapped) -> None:
        self._delimiter = delimiter
        self._width = len(head.names)
        self._widest = head.widest
        # What a report says of its rows.
        known = ORIGINAL in head.names
        self._original = head.names.index(ORIGINAL) if known else None
        numbers = [at for at, it in enumerate(head.names) if it == NUMBER]
        self._columns = columns = head.columns
        [self._order_id] = (it for it in columns if it.field.name == ORDER_ID)
        # In a report, lines that were apart in the file stand together.
        self._common = (self._order_id.index, *numbers)
        self._texts = [
            (it.index, it.field.holder, it.field.attribute)
            for it in columns
            if it.is_plain
        ]
        # The columns of which most cells are right as they are.
        self._checked = [
            (it, it.index, it.field.holder, it.field.attribute, it.read)
            for it in columns
            if not (it.is_plain or it.is_mapped)
        ]
        self._meant = [it for it in columns if it.is_mapped]
        read = {it.field.name for it in columns}
        fixed = [
            (field, value)
            for name, value in (
                *mapped.constants.items(),
                *mapped.defaults.items(),
            )
            if (field := field_of(name)) and name not in read
        ]
        used = {it.holder for it, _ in fixed}
        used |= {it.field.holder for it in columns}
        # The objects in the order that a row can have.
        holders = [
            holder
            for holder in HOLDERS
            if any(f"{it}.".startswith(f"{holder.name}.") for it in used)
        ]
        # What a row has before it is read: objects by path, "" is the order.
        self._start: dict[str, dict[str, Any]] = {
            "": {},
            **{holder.name: {} for holder in holders},
        }
        self._builders = [
            (it.name, it.holder, it.attribute, it.builder()) for it in holders
        ]
        for field, value in fixed:
            # The mapping was checked, with or without unknown words.
            read_value = field.reader(allow_unknown=True)
            self._start[field.holder][field.attribute] = read_value(value)

    def is_lone(self, row: Row) -> bool:
        """Whether a row is the rest of another one, or the start of it.

        A line break that is not inside quotation marks cuts a row in two; if
        it is in the first or the last cell, one of the two looks whole.
        """
        few = len(row.cells) == 1 and self._width >= _FEWEST_CELLS
        return few and not row.broken and self._delimiter != ""

    def together(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield each order with its further lines, which follow it."""
        order, more = None, _Further()
        for row in rows:
            own = self._own(row)
            if order is not None and own == self._own(order):
                more.append(row.cells)
            else:
                if order is not None:
                    doubt = order.doubt
                    if not own:
                        doubt = _UNNAMED.format(row.number)
                    yield attrs.evolve(order, more=tuple(more), doubt=doubt)
                order = row if own else None
                more.clear()
                if not own:
                    yield row
            # An error shows the locals of its frame.
            del row, own
        if order is not None:
            yield attrs.evolve(order, more=tuple(more))

    def _own(self, row: Row) -> tuple[str, ...] | None:
        """Return what the lines of an order have in common."""
        own = tuple("".join(row.cells[it : it + 1]) for it in self._common)
        return None if row.broken or not own[0] else own

    def read(self, record: Row) -> Sale | Mistaken:
        """Return the order of a row, or all its problems."""
        cells, row = record.cells, record.number
        text = _BETWEEN.join(cells)
        problem = record.broken or self._misfit(record, text) or record.doubt
        if problem:
            if record.broken:
                cells = tuple(cells[0].split(self._delimiter or "\0"))
            perhaps = mended_id("".join(cells[self._order_id.index :][:1]))
            return Mistaken((Problem(row, "", problem),), perhaps=perhaps)
        reading = _Row(row, {it: {**had} for it, had in self._start.items()})
        self._fill(reading, cells, text)
        if record.more:
            self._add_lines(reading, record.more)
        order_id = cells[self._order_id.index]
        if order_id and self._original is not None:
            changed = changed_id(cells[self._original], order_id)
            if changed:
                # It says more than that the id is wrong as it is.
                reading.wrong = [
                    it for it in reading.wrong if it[0] is not self._order_id
                ]
                reading.wrong.append((self._order_id, changed))
        right = all(it is not self._order_id for it, _ in reading.wrong)
        if not reading.wrong:
            return self._sale(reading)
        problems = tuple(
            Problem(row, column.header, reason)
            for column, reason in reading.wrong
        )
        notes = tuple(reading.notes)
        if right:
            return Mistaken(problems, order_id, notes=notes)
        return Mistaken(problems, perhaps=mended_id(order_id), notes=notes)

    def _misfit(self, record: Row, text: str) -> str:
        for cells in (record.cells, *record.more):
            own = "".join(cells[self._order_id.index :][:1])
            if own.strip().casefold() == self._order_id.header.casefold():
                return (
                    "is the header once more, as where another file was added "
                    "to the end of this one; remove this row"
                )
            if not self._delimiter and any(cells[self._width :]):
                index = next(
                    index
                    for index, cell in enumerate(cells)
                    if cell and index >= self._width
                )
                return (
                    f"has a cell in column {letters(index)}, which has no "
                    "header; remove it, or give the column a header"
                )
            if len(cells) < self._width:
                why = "the row is cut, or delimiters are missing"
            elif any(cells[self._width :]) or (
                # A delimiter too many moves the cells behind it.
                self._delimiter and len(cells) > self._widest
            ):
                why = "a cell that holds the delimiter needs quotation marks"
            else:
                continue
            return (
                f"has {len(cells)} cells, and the header {self._width}: {why}"
            )
        broken = "\n" in text or "\r" in text
        return MERGED_ROWS if broken and self._swallows(record.cells) else ""

    def _swallows(self, cells: Sequence[str]) -> bool:
        """Whether lines inside the cells would be rows without quotes."""
        # The first is the row itself, up to the quotation mark.
        between = self._delimiter or _BETWEEN
        _, *lines = _BREAK.split(between.join(cells))
        fits = self._width >= _FEWEST_CELLS and self._delimiter != ""
        return fits and any(
            len(inside) == self._width and self._is_order(inside)
            for inside in (line.split(between) for line in lines)
        )

    def _is_order(self, cells: Sequence[str]) -> bool:
        reading = _Row(0, {it: {**had} for it, had in self._start.items()})
        self._fill(reading, cells, _BETWEEN.join(cells))
        return not reading.wrong

    def _fill(self, reading: _Row, cells: Sequence[str], text: str) -> None:
        """Read the cells of a row, and note what is wrong."""
        values = reading.values
        if suspicious(text) or "\0" in text or not is_text(text):
            for column in self._columns:
                self._put(reading, column, cells[column.index])
            return
        # No need to look at each cell in which any text is right.
        for index, holder, attribute in self._texts:
            if cells[index]:
                values[holder][attribute] = cells[index]
        for column, index, holder, attribute, read in self._checked:
            cell = cells[index]
            if cell:
                try:
                    values[holder][attribute] = read(cell)
                except WrongValue:
                    # It may be right once it is cleaned.
                    self._put(reading, column, cell)
            elif column is self._order_id:
                reading.wrong.append((column, "required"))
        for column in self._meant:
            self._put(reading, column, cells[column.index])

    def _put(self, reading: _Row, column: Column, cell: str) -> None:
        """Put the value of a cell in its place, or say what is wrong."""
        try:
            value = self._cell(reading, column, cell)
        except WrongValue as error:
            reason = error.args[0].removeprefix(": ")
            if column.field.rule.words is not None:
                reason += _MEANT
            reading.wrong.append((column, reason))
            return
        if value is not None:
            field = column.field
            reading.values[field.holder][field.attribute] = value
        elif column is self._order_id:
            reading.wrong.append((column, "required"))

    def _cell(self, reading: _Row, column: Column, cell: str) -> Any:
        """Return what a cell stands for; None for nothing."""
        if not cell:
            return column.default
        if "\0" in cell:
            raise WrongValue(": has a NUL character, which is not text")
        if (meant := column.meaning(cell)) is not None:
            return column.default if meant == "" else meant
        value, found = clean(column.field, cell, date_form=column.date_form)
        meant = column.meaning(value)
        if meant is None:
            read = column.read(value) if value else column.default
        else:
            read = column.default if meant == "" else meant
        reading.notes += (
            Note(reading.row, column.header, remark, before, after)
            for remark, before, after in found
        )
        return read

    def _add_lines(self, reading: _Row, more: Sequence[Sequence[str]]) -> None:
        """Add up the quantities of further lines of an order."""
        first = reading.values
        for number, cells in enumerate(more, reading.row + 1):
            line = _Row(number, {it: {} for it in first})
            self._fill(line, cells, _BETWEEN.join(cells))
            reading.wrong += line.wrong
            for column in self._columns:
                holder, attribute = column.field.holder, column.field.attribute
                value = line.values[holder].get(attribute)
                known = first[holder].get(attribute)
                if column.field.is_number:
                    # Without any number, none is sent: not zero.
                    if value is not None:
                        first[holder][attribute] = (known or 0) + value
                elif value is not None and value != known:
                    reading.notes.append(
                        Note(number, column.header, DIFFERS, str(value))
                    )

    def _sale(self, reading: _Row) -> Sale:
        values = reading.values
        for name, holder, attribute, build in self._builders:
            if values[name]:
                values[holder][attribute] = build(values[name])
        sale = sale_of(values[""])
        if found := doubts(sale):
            reading.notes += self._notes(reading.row, sale, found)
        elif not reading.notes:
            return sale
        return attrs.evolve(sale, notes=tuple(reading.notes))

    def _notes(
        self, row: int, sale: Sale, found: Sequence[tuple[str, Remark]]
    ) -> Iterator[Note]:
        """Yield what may be wrong with an order."""
        for path, remark in found:
            header, shown = path, ""
            for column in self._columns:
                if column.field.name == path:
                    header = column.header
                    shown = _value_of(sale.order, path)
            yield Note(row, header, remark, shown, shown)


def _value_of(order: NewContract, path: str) -> str:
    found: Any = order.to_dict()
    for part in path.split("."):
        found = found[part]
    return str(found)


DIFFERS = Remark(
    "differs from the first line of its order, which is what is sent",
    warning=True,
)
_BETWEEN = "\x1f"  # What no cell has between words.


class _Further(list[tuple[str, ...]]):
    """The cells of further lines, which no error shows."""

    __repr__ = object.__repr__


@attrs.define
class _Row:
    """A row that is read: its values by path, what is wrong, and notes."""

    row: int
    values: dict[str, dict[str, Any]]
    wrong: list[tuple[Column, str]] = attrs.field(
        factory=list[tuple[Column, str]]
    )
    notes: list[Note] = attrs.field(factory=list[Note])
