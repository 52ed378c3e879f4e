"""What each cell of a row is for, found out once from the header."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import attrs

from sesamy_async.bulk.errors import InputFileError
from sesamy_async.models.texts import name_of

from .fields import ORDER_ID, Field, field_of, without_value
from .hints import HINT, did_you_mean, unknown_field
from .mapping import Mapped


IGNORED = "#"
"""What the headers of columns begin with that are not read."""

_WHOLE = re.compile("[0-9]{1,20}")
_MOST_SHOWN = 20
# Says nothing of what is there: it may be the first order, with a name in it.
_NO_HEADER = (
    "its first row has no documented name, such as externalOrderId; write "
    "the names there, or let a mapping (--mapping) say what the columns are"
)


@attrs.frozen
class Column:
    """A column that is read.

    Attributes:
        index: Which of the cells.
        header: What the file calls it.
        field: What it is in an order.
        wrong: Says what is wrong with a cell that is given, if anything.
    """

    index: int
    header: str
    field: Field
    wrong: Callable[[str], str | None]

    def value(self, cell: str) -> str | int:
        """Return what a right cell says."""
        return int(cell) if self.field.whole_number else cell


def header_error(
    name: str, header: Sequence[str], mapped: Mapped
) -> InputFileError | None:
    """Return the error that names every header that is wrong, if any is.

    Args:
        name: Of the file, for the message.
        header: Its first row.
        mapped: Where its headers are no documented paths.
    """
    problems = [*_problems(header, mapped)]
    if not problems:
        return None
    if not any(_is_header(cell, mapped) for cell in header):
        problems = [_NO_HEADER]
    shown = problems[:_MOST_SHOWN]
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    return InputFileError(
        f"The header of {name} is wrong: {'; '.join(shown)}.",
        problems=problems,
    )


def columns_of(
    header: Sequence[str], mapped: Mapped, *, allow_unknown: bool
) -> tuple[Column, ...]:
    """Return what the columns of a file are.

    Args:
        header: Its first row, without mistakes.
        mapped: Where its headers are no documented paths.
        allow_unknown: Whether a word may be none that the guide names.
    """
    columns: list[Column] = []
    for index, cell in enumerate(header):
        field = field_of(mapped.columns.get(cell, cell))
        if field is not None and _is_read(cell, mapped):
            wrong = _wrong(field, allow_unknown=allow_unknown)
            columns.append(Column(index, cell, field, wrong))
    return tuple(columns)


def _is_read(header: str, mapped: Mapped) -> bool:
    return not header.startswith(IGNORED) and header not in mapped.ignored


def _is_header(cell: str, mapped: Mapped) -> bool:
    known = cell in mapped.columns or cell in mapped.ignored
    return known or bool(field_of(cell)) or HINT in unknown_field(cell)


def _problems(header: Sequence[str], mapped: Mapped) -> Iterator[str]:
    seen: set[str] = set()
    for number, cell in enumerate(header, 1):
        if _is_read(cell, mapped):
            target = mapped.columns.get(cell, cell)
            wrong = _header_problem(number, cell, target, mapped)
            if not wrong and target in seen:
                wrong = f"{name_of(cell)}: {name_of(target)} is given twice"
            if wrong:
                yield wrong
            seen.add(target)
    for missing in mapped.columns:
        if missing not in header:
            hint = did_you_mean(missing, header)
            yield f"{name_of(missing)}: mapped, but not in the file{hint}"
    if ORDER_ID not in seen:
        yield f"{ORDER_ID}: no column has it"


def _header_problem(
    number: int, cell: str, target: str, mapped: Mapped
) -> str:
    if not cell:
        return f"column {number} has no header"
    if "\0" in cell:
        return f"column {number} has a NUL character in its header"
    if target in mapped.constants:
        return f"{name_of(cell)}: {target} is a constant already"
    if field_of(target) is not None:
        return ""
    onward = " (map it, or list it under ignore)" if mapped.columns else ""
    return f"{unknown_field(cell)}{onward}"


def _wrong(
    field: Field, *, allow_unknown: bool
) -> Callable[[str], str | None]:
    check = field.check(allow_unknown=allow_unknown)

    def reason(value: str | int) -> str | None:
        # An empty path leaves ": " in front of the reason.
        for said in check(value, ""):
            return without_value(said.removeprefix(": "))
        return None

    def number(cell: str) -> str | None:
        if not _WHOLE.fullmatch(cell):
            return "must be a whole number such as 1"
        return reason(int(cell))

    return number if field.whole_number else reason
