"""Orders in a table: a header, and rows of cells below it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeAlias

import attrs

from sesamy_async._checks import is_text
from sesamy_async.bulk._rows import (
    NUMBER,
    ORIGINAL,
    Mistaken,
    Note,
    Problem,
    Remark,
    Row,
    Sale,
    Source,
    changed_id,
)
from sesamy_async.bulk._states import InputFileError

from ._cells import clean, doubts
from ._columns import MOST_ABOVE, Column, Header, find_header, letters
from ._csv import FEWEST_CELLS, CsvTable
from ._fields import (
    HOLDERS,
    ORDER_ID,
    PROMO_CODE,
    field_of,
    folded,
    mended_id,
    sale_of,
)
from ._mapping import Mapped
from ._sheets import SheetTable
from ._text import fingerprint
from ._values import WrongValue, suspicious


RawTable: TypeAlias = CsvTable | SheetTable
"""A file as rows of text, before it is known which row is the header."""

LEFT_OUT = Remark("left out by the filter of the mapping")
WRONG_WORD = Remark("is none of the words that the field has")
"""With the word, of a field whose words say nothing of a person."""

_ABOVE = Remark("the header is in this row; the rows above it are not read")
_SECOND = Remark("the row below the header is a second header; it is not read")
_DIFFERS = Remark(
    "differs from the first line of its order, which is what is sent",
    warning=True,
)
_REST = (
    "may be the rest of row {}, which is cut by a line break; correct that row"
)
_GOES_ON = (
    "may continue in row {}, which has a single cell; "
    "correct or remove that row"
)
_UNNAMED = (
    "may continue in row {}, which has no id; correct or remove that row"
)
_FIRST_LINE = (
    "the filter leaves out the first line of this order, but not each of its "
    "further lines; correct them, or remove those that are not to be sent"
)
_MERGED = (
    "some lines in a cell are rows of their own: a quotation mark is not "
    "closed, or is in the wrong place"
)
_MEANT = "; a mapping can say what it stands for ([values])"
_BREAK = re.compile("\r\n|\r|\n")
# What of a mapping changes the orders, besides what their columns are.
_RULES = (
    *("constants", "defaults", "values", "filter", "dates"),
    "several_lines",
)
_PAYMENT = {"paymentMethod", "paymentProvider"}
_BETWEEN = "\x1f"  # What no cell has between words.


@attrs.frozen
class TableSource:
    """A `Source` of the rows of a table."""

    raw: RawTable
    notes: tuple[Note, ...] = attrs.field(repr=False)
    _head: Header
    _mapped: Mapped
    _meaning: Mapping[str, Any] = attrs.field(repr=False)
    _reader: RowReader

    @classmethod
    def open(
        cls, raw: RawTable, *, mapped: Mapped, allow_unknown: bool
    ) -> TableSource:
        """Find the header, or raise `InputFileError`."""
        most = MOST_ABOVE + 2
        rows = raw.first(most)
        head = find_header(raw.name, rows, mapped, allow_unknown=allow_unknown)
        # The rows may be orders, and an error shows its frame's locals.
        del rows
        names = () if isinstance(head, InputFileError) else head.names
        for row in islice(raw.rows(names), most):
            # Wrong bytes are worse than a wrong header.
            del row
        if isinstance(head, InputFileError):
            raise head
        notes = [*raw.notes]
        if head.above:
            notes.append(Note(head.row, "", _ABOVE))
        if head.second is not None:
            notes.append(Note(head.second, "", _SECOND))
        meaning = {
            **raw.meaning,
            "header": (head.row, head.second),
            "columns": {it.header: it.field.name for it in head.columns},
            **attrs.asdict(mapped, filter=lambda it, _: it.name in _RULES),
            "allow_unknown": allow_unknown,
        }
        reader = RowReader(head, raw.delimiter, mapped)
        return cls(raw, tuple(notes), head, mapped, meaning, reader)

    @property
    def name(self) -> str:
        return self.raw.name

    @property
    def header(self) -> tuple[str, ...]:
        return self._head.names

    @property
    def delimiter(self) -> str:
        """The character between the cells of CSV; else empty."""
        return self.raw.delimiter

    @property
    def spare(self) -> int:
        """How many cells of a row may be empty behind the last column."""
        return self._head.widest - len(self._head.names)

    @property
    def names_promo(self) -> bool:
        """Whether its orders can name their promo code."""
        read = {column.field.name for column in self._head.columns}
        given = {*self._mapped.constants, *self._mapped.defaults}
        return PROMO_CODE in read | given

    @property
    def several_lines(self) -> bool:
        return self._mapped.several_lines

    def fingerprint(self) -> str:
        return fingerprint(self.raw.digest(), self._meaning)

    def records(
        self, on_note: Callable[[Note], object] | None = None
    ) -> Iterator[Row]:
        """Yield the orders; `on_note` gets each line that is left out."""
        rows = self._below()
        if self._mapped.several_lines:
            rows = self._reader.together(rows)
        if self._head.filters:
            rows = self._passing(rows, on_note)
        return rows

    def read(self, record: Row) -> Sale | Mistaken:
        found = self._reader.read(record)
        if record.more and isinstance(found, Sale):
            index = self._failing(record, record.cells)
            if index is not None:
                column = self._head.names[index]
                return Mistaken(
                    (Problem(record.number, column, _FIRST_LINE),),
                    found.order.external_order_id,
                    notes=found.notes,
                )
        return found

    def _below(self) -> Iterator[Row]:
        last = self._head.second or self._head.row
        is_lone = self._reader.is_lone
        before: Row | None = None
        for row in self.raw.rows(self.header):
            if row.number <= last:
                continue
            # Neither has its cells in its repr, which an error may show.
            now = row
            if before is not None:
                if is_lone(before):
                    now = attrs.evolve(row, doubt=_REST.format(before.number))
                if is_lone(row):
                    doubt = _GOES_ON.format(row.number)
                    before = attrs.evolve(before, doubt=doubt)
                yield before
            before = now
        if before is not None:
            yield before

    def _passing(
        self, rows: Iterator[Row], on_note: Callable[[Note], object] | None
    ) -> Iterator[Row]:
        for row in rows:
            lines = (row.cells, *row.more)
            failing = [self._failing(row, cells) for cells in lines]
            if failing[0] is not None and None in failing:
                # `read` says what is wrong with it.
                failing = [None] * len(lines)
            for number, index in enumerate(failing, row.number):
                if index is not None and on_note is not None:
                    cell = lines[number - row.number][index]
                    column = self._head.names[index]
                    on_note(Note(number, column, LEFT_OUT, cell, cell))
                    del cell
            if failing[0] is None:
                pairs = zip(lines[1:], failing[1:], strict=True)
                more = tuple(cells for cells, index in pairs if index is None)
                yield attrs.evolve(row, more=more) if row.more else row
                del pairs, more
            # An error shows the locals of its frame.
            del row, lines

    def _failing(self, row: Row, line: Sequence[str]) -> int | None:
        """Return the column whose filter does not let a line pass."""
        for index, words in self._head.filters.items():
            # A row that is cut is a mistake, whatever it says.
            cut = row.broken or min(len(line), len(row.cells)) <= index
            # A further line may say only what is new.
            if (
                not cut
                and folded(line[index] or row.cells[index]) not in words
            ):
                return index
        return None


def records_of(
    source: Source, on_left_out: Callable[[Note], object]
) -> Iterator[Row]:
    """Yield the rows of a source, and tell which lines a filter leaves out."""
    if isinstance(source, TableSource):
        return source.records(on_left_out)
    return source.records()


class _Lines(list[tuple[str, ...]]):
    """The cells of further lines, which no error shows."""

    __repr__ = object.__repr__


@attrs.define
class _Row:
    row: int
    values: dict[str, dict[str, Any]]
    wrong: list[tuple[Column, str]] = attrs.field(
        factory=list[tuple[Column, str]]
    )
    notes: list[Note] = attrs.field(factory=list[Note])


class RowReader:
    """Turns rows into orders; made once for a file."""

    def __init__(self, head: Header, delimiter: str, mapped: Mapped) -> None:
        self._delimiter = delimiter
        self._width = len(head.names)
        self._widest = head.widest
        # Whether a row of CSV can be told from a line of words.
        self._is_told = self._width >= FEWEST_CELLS and delimiter != ""
        # What a report says of its rows.
        known = ORIGINAL in head.names
        self._original = head.names.index(ORIGINAL) if known else None
        numbers = [at for at, it in enumerate(head.names) if it == NUMBER]
        self._columns = columns = head.columns
        self._by_path = {it.field.name: it for it in columns}
        self._order_id = self._by_path[ORDER_ID]
        self._id_header = self._order_id.header.casefold()
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
        fixed = [
            (field, value)
            for name, value in (
                *mapped.constants.items(),
                *mapped.defaults.items(),
            )
            if (field := field_of(name)) and name not in self._by_path
        ]
        used = {it.holder for it, _ in fixed}
        used |= {it.field.holder for it in columns}
        # The objects in the order that a row can have.
        holders = [
            holder
            for holder in HOLDERS
            if any(f"{it}.".startswith(f"{holder.name}.") for it in used)
        ]
        self._builders = [
            (it.name, it.holder, it.attribute, it.builder()) for it in holders
        ]
        # What a row has before it is read: objects by path, "" is the order.
        self._start: dict[str, dict[str, Any]] = {
            name: {} for name in ("", *(it.name for it in holders))
        }
        for field, value in fixed:
            # The mapping was checked, with or without unknown words.
            read_value = field.reader(allow_unknown=True)
            self._start[field.holder][field.attribute] = read_value(value)

    def is_lone(self, row: Row) -> bool:
        """Whether a row is the rest of another one, or the start of it.

        A line break without quotation marks cuts a row in two; if it is in
        the first or the last cell, one of the two looks whole.
        """
        return len(row.cells) == 1 and self._is_told and not row.broken

    def together(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield each order with its further lines, which follow it."""
        order, more = None, _Lines()
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
        cells, row = record.cells, record.number
        text = _BETWEEN.join(cells)
        problem = record.broken or self._misfit(record, text) or record.doubt
        if problem:
            if record.broken:
                cells = tuple(cells[0].split(self._delimiter or "\0"))
            perhaps = mended_id("".join(cells[self._order_id.index :][:1]))
            return Mistaken((Problem(row, "", problem),), perhaps=perhaps)
        reading = self._filled(row, cells, text)
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
        if not reading.wrong:
            return self._sale(reading)
        problems = tuple(
            Problem(row, column.header, reason)
            for column, reason in reading.wrong
        )
        notes = tuple(reading.notes)
        if all(it is not self._order_id for it, _ in reading.wrong):
            return Mistaken(problems, order_id, notes=notes)
        return Mistaken(problems, perhaps=mended_id(order_id), notes=notes)

    def _misfit(self, record: Row, text: str) -> str:
        """Say why the cells are not those of one row; "" if they are."""
        for cells in (record.cells, *record.more):
            own = "".join(cells[self._order_id.index :][:1])
            if own.strip().casefold() == self._id_header:
                return (
                    "repeats the header, as if another file was added to the "
                    "end of this one; remove this row"
                )
            over = None
            if len(cells) > self._width:
                behind = range(self._width, len(cells))
                over = next((at for at in behind if cells[at]), None)
            if over is not None and not self._delimiter:
                return (
                    f"has a cell in column {letters(over)}, which has no "
                    "header; remove it, or give the column a header"
                )
            if len(cells) < self._width:
                why = "the row is cut, or delimiters are missing"
            elif over is not None or (
                # A delimiter too many moves the cells behind it.
                self._delimiter and len(cells) > self._widest
            ):
                why = "a cell that holds the delimiter needs quotation marks"
            else:
                continue
            return (
                f"has {len(cells)} cells, and the header {self._width}: {why}"
            )
        broken = self._is_told and ("\n" in text or "\r" in text)
        return _MERGED if broken and self._swallows(record.cells) else ""

    def _swallows(self, cells: Sequence[str]) -> bool:
        """Whether lines inside the cells would be rows without quotes."""
        # The first is the row itself, up to the quotation mark.
        _, *lines = _BREAK.split(self._delimiter.join(cells))
        return any(
            len(inside) == self._width
            and not self._filled(0, inside, _BETWEEN.join(inside)).wrong
            for inside in (line.split(self._delimiter) for line in lines)
        )

    def _filled(
        self,
        row: int,
        cells: Sequence[str],
        text: str,
        start: Mapping[str, dict[str, Any]] | None = None,
    ) -> _Row:
        start = self._start if start is None else start
        values = {it: {**had} for it, had in start.items()}
        reading = _Row(row, values)
        if suspicious(text) or "\0" in text or not is_text(text):
            for column in self._columns:
                self._put(reading, column, cells[column.index])
            return reading
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
                reading.wrong.append((column, "is missing"))
        for column in self._meant:
            self._put(reading, column, cells[column.index])
        return reading

    def _put(self, reading: _Row, column: Column, cell: str) -> None:
        try:
            value = self._cell(reading, column, cell)
        except WrongValue as error:
            reason = error.args[0].removeprefix(": ")
            if column.field.rule.words is not None:
                reason += _MEANT
                if column.field.name in _PAYMENT:
                    word = " ".join(cell.split())
                    note = Note(reading.row, column.header, WRONG_WORD, word)
                    reading.notes.append(note)
            reading.wrong.append((column, reason))
            return
        if value is not None:
            field = column.field
            reading.values[field.holder][field.attribute] = value
        elif column is self._order_id:
            reading.wrong.append((column, "is missing"))

    def _cell(self, reading: _Row, column: Column, cell: str) -> Any:
        """Return what a cell stands for; None for nothing."""
        if not cell:
            return column.default
        if "\0" in cell:
            raise WrongValue(
                ": has an invisible character that no text may have"
            )
        words = column.words
        if words and (word := folded(cell)) in words:
            return words[word]
        value, found = clean(column.field, cell, date_form=column.date_form)
        if words and (word := folded(value)) in words:
            read = words[word]
        else:
            read = column.read(value) if value else column.default
        reading.notes += (
            Note(reading.row, column.header, *remark) for remark in found
        )
        return read

    def _add_lines(self, reading: _Row, more: Sequence[Sequence[str]]) -> None:
        """Add up the quantities of further lines of an order."""
        first = reading.values
        for number, cells in enumerate(more, reading.row + 1):
            empty: dict[str, dict[str, Any]] = {it: {} for it in first}
            line = self._filled(number, cells, _BETWEEN.join(cells), empty)
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
                        Note(number, column.header, _DIFFERS, str(value))
                    )

    def _sale(self, reading: _Row) -> Sale:
        values = reading.values
        for name, holder, attribute, build in self._builders:
            if values[name]:
                values[holder][attribute] = build(values[name])
        sale = sale_of(values[""])
        for path, remark in doubts(sale):
            header, shown = path, ""
            if path in self._by_path:
                header = self._by_path[path].header
                value: Any = sale.order.to_dict()
                for part in path.split("."):
                    value = value[part]
                shown = str(value)
            reading.notes.append(
                Note(reading.row, header, remark, shown, shown)
            )
        if not reading.notes:
            return sale
        return attrs.evolve(sale, notes=tuple(reading.notes))
