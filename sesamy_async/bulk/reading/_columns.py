"""Which row is the header, and which column holds which field."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import attrs

from sesamy_async._checks import HINT, did_you_mean
from sesamy_async._models import name_of
from sesamy_async.bulk._rows import IGNORED, ORIGINAL, Row, first_of
from sesamy_async.bulk._states import InputFileError

from ._fields import (
    FIELDS,
    OPEN,
    ORDER_ID,
    Field,
    Read,
    blind,
    field_hint,
    field_of,
    unknown_field,
)
from ._looks import is_order, known_name
from ._mapping import Mapped
from ._values import WrongValue


class HeaderError(InputFileError):
    """The columns of a file are not those of an order."""

    misspelt: bool = False  # Whether misspelt names are all that is wrong.


@attrs.frozen
class Column:
    index: int
    header: str
    field: Field
    read: Read
    # What `folded` words stand for; None leaves the field out.
    words: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    default: Any = None  # Of an empty cell.
    date_form: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether any text may be sent as it is."""
        return self.field.is_any_text and not self.is_mapped

    @property
    def is_mapped(self) -> bool:
        """Whether a mapping says what its cells mean."""
        return bool(self.words or self.date_form) or self.default is not None


@attrs.frozen
class Header:
    """The header of a table; rows are counted as in the file."""

    row: int
    names: tuple[str, ...]
    columns: tuple[Column, ...]
    filters: Mapping[int, frozenset[str]]  # The words, by column.
    above: int  # How many rows above it are not read.
    second: int | None  # The row of a second header below it.
    widest: int  # How many cells a row may have, if the last are empty.


MOST_ABOVE = 10
"""The header is among so many rows."""

_CERTAIN = 2  # So many names.
_NO_HEADER = (
    "{name}: no row has the names of columns, such as externalOrderId. Write "
    "them into a row above the orders, or say what the columns are with a "
    "mapping (sesamy mapping {name})."
)
_IS_ORDER = (
    "{name}: row {row} looks like an order: is the header missing? Insert a "
    "row above it with the names of the columns, such as externalOrderId and "
    "userData.email."
)
_LONGEST = 1000  # Letters; a cell that has more is no name.
_BLIND = {blind(name): name for name in FIELDS}
_OPEN = {f"{blind(name)}.": name for name in OPEN}


class Names:
    """Recognises the names of columns that a mapping or we know."""

    def __init__(self, mapped: Mapped) -> None:
        self._mapped = mapped
        self._columns = {blind(it): it for it in mapped.columns}
        self._ignored = {blind(it) for it in mapped.ignored}
        self._filters = {blind(it) for it in mapped.filter}

    def target(self, cell: str) -> str | None:
        """Return the documented path of a column; None if it is unknown."""
        mapped, folded = self._mapped.columns, blind(cell)
        own = cell if cell in mapped else self._columns.get(folded)
        if own is not None:
            return mapped[own]
        target = _BLIND.get(folded)
        if field_of(cell) is not None:
            target = cell
        for start, place in _OPEN.items():
            if folded.startswith(start) and folded != start and not target:
                target = f"{place}.{cell.split('.', place.count('.') + 1)[-1]}"
        # What is mapped wins over what has the name by chance.
        taken = self._mapped.ignores_rest and target in mapped.values()
        return None if taken else target

    def is_ignored(self, cell: str) -> bool:
        """Whether a column is certainly not read."""
        mapped = cell in self._mapped.columns
        return cell.startswith(IGNORED) or (
            not mapped and blind(cell) in self._ignored
        )

    def knows(self, cell: str) -> bool:
        """Whether a cell is certainly the name of a column."""
        return 0 < len(cell) <= _LONGEST and (
            self.target(cell) is not None
            or self.is_ignored(cell)
            or blind(cell) in self._filters
        )

    def score(self, cells: Sequence[str]) -> int:
        """Return how many cells are certainly names of columns."""
        return sum(self.knows(cell.strip()) for cell in cells)

    def likely(self, cells: Sequence[str]) -> int:
        """Return how many cells are probably names of columns."""
        return sum(self._is_likely(it) for it in map(str.strip, cells) if it)

    def near(self, cells: Sequence[str]) -> int:
        """Return the same, with names that are misspelt; it is slow."""
        return sum(self._is_likely(it) or bool(field_hint(it)) for it in cells)

    def _is_likely(self, cell: str) -> bool:
        return len(cell) <= _LONGEST and (self.knows(cell) or known_name(cell))


def find_header(
    name: str,
    rows: Sequence[Row],
    mapped: Mapped,
    *,
    allow_unknown: bool,
) -> Header | InputFileError:
    """Return the header in the first rows, or an error.

    It is not raised here: the rows may be orders, and a traceback shows the
    locals of its frames.
    """
    names = Names(mapped)
    place = header_place(rows, names)
    if place is None:
        return HeaderError(_NO_HEADER.format(name=name))
    row = rows[place]
    cells = trimmed(row.cells)
    known = names.score(cells)
    filled = sum(map(bool, cells))
    certain = known >= _CERTAIN or 2 * names.near(cells) >= filled
    for above in rows[: max(place - 1, 0)]:
        if not above.broken and names.score(above.cells) >= _CERTAIN:
            return InputFileError(
                f"{name}: rows {above.number} and {row.number} both have the "
                "names of columns. If another file was added to the end of "
                "this one, separate the two; otherwise remove the row that "
                "is not the header."
            )
    if not known and not certain:
        said = _NO_HEADER.format(name=name)
        if is_order(rows[0].cells):
            said = _IS_ORDER.format(name=name, row=rows[0].number)
        return HeaderError(said)
    reading = _HeaderReading(
        cells=cells,
        mapped=mapped,
        names=names,
        shown=certain,
        allow_unknown=allow_unknown,
    )
    columns, problems = reading.columns()
    if problems:
        return _header_error(name, row.number, problems, mapped)
    if len(rows) == place + 1:
        return InputFileError(f"{name} has a header and no orders below it.")
    below = rows[place + 1]
    filled = sum(map(bool, trimmed(below.cells)))
    twice = not below.broken and 2 * names.likely(below.cells) > filled > 1
    widths = Counter(
        len(row.cells) for row in rows[place + 1 :] if not row.broken
    )
    usual = min(widths, key=lambda it: (-widths[it], it), default=0)
    if ORIGINAL in cells:
        # Our reports have the widest header, and rows that are too wide.
        usual = 0
    return Header(
        row=row.number,
        names=cells,
        columns=columns,
        filters=reading.filters(),
        above=place,
        second=below.number if twice else None,
        widest=max(len(row.cells), usual),
    )


def header_place(rows: Sequence[Row], names: Names) -> int | None:
    """Return which row is the header: that with the most names.

    Names that are certain count, or, without any, those that are probable.
    """
    first = {
        place: row.cells
        for place, row in enumerate(rows[:MOST_ABOVE])
        if not row.broken
    }
    scores = {place: names.score(cells) for place, cells in first.items()}
    if not any(scores.values()):
        scores = {place: names.likely(it) for place, it in first.items()}
    return max(scores, key=scores.__getitem__, default=None)


def trimmed(header: Sequence[str]) -> tuple[str, ...]:
    """Return names without spaces around, and no empty ones at the end."""
    cells = [cell.strip() for cell in header]
    while cells and not cells[-1]:
        cells.pop()
    return tuple(cells)


@attrs.frozen(kw_only=True)
class _HeaderReading:
    """Reads the cells of a header; `shown` says whether errors name them."""

    cells: Sequence[str]
    mapped: Mapped
    names: Names
    shown: bool
    allow_unknown: bool

    def columns(self) -> tuple[tuple[Column, ...], list[str]]:
        found: dict[str, Column] = {}
        problems: list[str] = []
        for index, cell in enumerate(self.cells):
            target = self.names.target(cell) if cell else None
            if self.names.is_ignored(cell) or (
                target is None and self._left_out(cell)
            ):
                continue
            problem = self._problem(index, cell, target)
            if not problem and target in found:
                name = self._name(index)
                before = self._name(found[target].index)
                see = "" if name == before else f", see {before}"
                problem = f"{name}: {name_of(target)} is given twice{see}"
            if problem or target is None:
                problems.append(problem)
            else:
                found[target] = self._column(index, target)
        problems += self._missing()
        if ORDER_ID not in found:
            problems.append(f"{ORDER_ID}: no column has it")
        return tuple(found.values()), problems

    def filters(self) -> Mapping[int, frozenset[str]]:
        """Return the words that the rows of orders have, by column."""
        return {
            self._places(header)[0]: words
            for header, words in self.mapped.filter.items()
        }

    def _places(self, header: str) -> list[int]:
        alike = [
            index
            for index, cell in enumerate(self.cells)
            if blind(cell) == blind(header)
        ]
        return [it for it in alike if self.cells[it] == header] or alike

    def _left_out(self, cell: str) -> bool:
        filtered = cell and blind(cell) in map(blind, self.mapped.filter)
        return self.mapped.ignores_rest or bool(filtered)

    def _column(self, index: int, target: str) -> Column:
        field = field_of(target)
        assert field is not None  # noqa: S101 - a target is documented
        read_cell = field.reader(allow_unknown=self.allow_unknown)
        if field.is_number:
            read_cell = lru_cache(partial(_number, read_cell))
        # The values of the mapping were checked.
        read = field.reader(allow_unknown=True)
        default = self.mapped.defaults.get(target)
        default = None if default is None else read(default)
        words = self.mapped.values.get(target, {})
        return Column(
            index,
            self.cells[index],
            field,
            read_cell,
            {
                word: default if meant == "" else read(meant)
                for word, meant in words.items()
            },
            default,
            self.mapped.dates.get(target),
        )

    def _name(self, index: int) -> str:
        cell = self.cells[index]
        where = f"column {index + 1} ({letters(index)})"
        return name_of(cell) if cell and self.shown else where

    def _problem(self, index: int, cell: str, target: str | None) -> str:
        name = self._name(index)
        if not cell:
            return f"{name} has no header"
        if "\0" in cell:
            return f"column {index + 1} has a NUL character in its header"
        if target in self.mapped.constants:
            return f"{name}: {target} is a constant already"
        if target is not None:
            return ""
        if not self.shown:
            return f"{name}: its header is unknown"
        advice = ""
        if self.mapped.columns:
            advice = " (map it, or list it under ignore)"
        return f"{unknown_field(cell)}{advice}"

    def _missing(self) -> Iterator[str]:
        there = {blind(cell) for cell in self.cells}
        for section, headers in (
            ("mapped", self.mapped.columns),
            ("in the filter", self.mapped.filter),
        ):
            for each in headers:
                if blind(each) not in there:
                    near = did_you_mean(each, filter(None, self.cells))
                    said = f"{section}, but not in the file"
                    yield f"{name_of(each)}: {said}{near * self.shown}"
        for each in self.mapped.filter:
            if len(self._places(each)) > 1:
                yield f"{name_of(each)}: in the filter, but several times here"


def letters(index: int) -> str:
    """Return the letters that a spreadsheet shows above a column."""
    found = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        found = chr(ord("A") + rest) + found
    return found


def _header_error(
    name: str, row: int, problems: Sequence[str], mapped: Mapped
) -> HeaderError:
    shown = "; ".join(first_of(problems))
    where = f" (row {row})" if row > 1 else ""
    end = "" if shown.endswith("?") else "."
    misspelt = all(HINT in each for each in problems)
    advice = ""
    if not misspelt and not mapped.columns:
        advice = (
            " If these are your own names, propose a mapping with "
            f"`sesamy mapping {name}`."
        )
    error = HeaderError(
        f"The header of {name}{where} is wrong: {shown}{end}{advice}",
        problems=problems,
    )
    error.misspelt = misspelt
    return error


_DIGITS = re.compile("[0-9]{1,20}")


def _number(read: Read, cell: str) -> Any:
    if not _DIGITS.fullmatch(cell):
        raise WrongValue(": must be a whole number such as 1")
    return read(int(cell))
