"""Orders in a table: a header, and rows of cells below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from sesamy_async.bulk._rows import (
    Mistaken,
    Note,
    Problem,
    Remark,
    Row,
    Sale,
)
from sesamy_async.bulk._states import InputFileError

from ._columns import MOST_ABOVE, Header, find_header
from ._fields import (
    PROMO_CODE,
    folded,
)
from ._mapping import Mapped
from ._sales import Table
from ._text import fingerprint


if TYPE_CHECKING:
    from _hashlib import HASH


class RawTable(Protocol):
    """A file as rows of text, before it is known which row is the header."""

    @property
    def name(self) -> str:
        """The name of the file in messages."""
        ...

    @property
    def meaning(self) -> Mapping[str, Any]:
        """How the file is read, for its fingerprint."""
        ...

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was found out about the file as a whole."""
        ...

    @property
    def delimiter(self) -> str:
        """The character between the cells of CSV; else empty."""
        ...

    def first(self, count: int) -> list[Row]:
        """Return the first rows, whatever is wrong with their bytes."""
        ...

    def rows(self, header: Sequence[str] = ()) -> Iterator[Row]:
        """Yield the rows that are not blank, with their own numbers.

        Args:
            header: What an error calls the columns, if it is known.

        Raises:
            InputFileError: The file can't be read (on).
        """
        ...

    def digest(self) -> HASH:
        """Return a hash of the bytes, to which more may be added."""
        ...


@attrs.frozen
class TableSource:
    """A `Source` of the rows of a table.

    Attributes:
        raw: The file.
        notes: What was found out about the file as a whole.
    """

    raw: RawTable
    notes: tuple[Note, ...] = attrs.field(repr=False)
    _head: Header
    _mapped: Mapped
    _meaning: Mapping[str, Any] = attrs.field(repr=False)
    _table: Table

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
        meaning = {
            **raw.meaning,
            "header": (head.row, head.second),
            "columns": {it.header: it.field.name for it in head.columns},
            **attrs.asdict(mapped, filter=_is_rule),
            "allow_unknown": allow_unknown,
        }
        table = Table(head, raw.delimiter, mapped)
        notes = (*raw.notes, *_notes_on(head))
        return cls(raw, notes, head, mapped, meaning, table)

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.raw.name

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
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
        """Whether an order may have several lines."""
        return self._mapped.several_lines

    def fingerprint(self) -> str:
        """Hash the bytes, and how they are read.

        Raises:
            InputFileError: The file can't be read.
        """
        return fingerprint(self.raw.digest(), self._meaning)

    def records(
        self, on_note: Callable[[Note], object] | None = None
    ) -> Iterator[Row]:
        """Yield the orders below the header, without rows that are blank.

        Args:
            on_note: Called with a note on each row that is left out.
        """
        rows = self._below()
        if self._mapped.several_lines:
            rows = self._table.together(rows)
        if self._head.filters:
            rows = self._passing(rows, on_note)
        return rows

    def read(self, record: Row) -> Sale | Mistaken:
        """Return the order of a row, or all its problems."""
        found = self._table.read(record)
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
        last, is_lone = (
            self._head.second or self._head.row,
            self._table.is_lone,
        )
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


_REST = (
    "may be the rest of row {}, which is cut by a line break; correct that row"
)
_GOES_ON = (
    "may go on in row {}, which has a single cell; correct or remove that row"
)
_FIRST_LINE = (
    "the filter leaves out the first line of this order, but not each of its "
    "further lines; correct them, or remove those that are not to be sent"
)
LEFT_OUT = Remark("left out by the filter of the mapping")
_ABOVE = Remark("the header is in this row; the rows above it are not read")
_SECOND = Remark("the row below the header is a second header; it is not read")


def _notes_on(head: Header) -> Iterator[Note]:
    if head.above:
        yield Note(head.row, "", _ABOVE)
    if head.second is not None:
        yield Note(head.second, "", _SECOND)


def _is_rule(attribute: attrs.Attribute[Any], _: Any) -> bool:
    return attribute.name not in {"columns", "ignored", "ignores_rest"}
