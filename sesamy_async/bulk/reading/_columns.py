"""Which column holds which field."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from sesamy_async._models import is_array, is_object, name_of
from sesamy_async.bulk._states import InputFileError

from ._fields import (
    HINT,
    ORDER_ID,
    Field,
    did_you_mean,
    field_of,
    unknown_field,
    without_value,
)
from ._text import opened


_SECTIONS = ("columns", "constants", "ignore")


@attrs.frozen
class Mapped:
    """What a mapping file says; by itself, that headers are paths.

    Attributes:
        columns: The documented paths, by the headers of the file.
        constants: What every row says, by path.
        ignored: The headers of columns that are not read.
    """

    columns: Mapping[str, str] = attrs.field(factory=dict[str, str])
    constants: Mapping[str, Any] = attrs.field(
        factory=dict[str, Any], repr=False
    )
    ignored: frozenset[str] = frozenset()


def read_mapping(path: Path, *, allow_unknown: bool) -> Mapped:
    """Read a mapping file.

    Args:
        path: A TOML file with the tables ``columns`` and ``constants`` and
            the list ``ignore``, each of which may be left out.
        allow_unknown: Whether constants may be words that the guide does
            not name.

    Raises:
        InputFileError: It can't be read, or is wrong; it names all that is.
    """
    content, wrong = _parsed(path)
    problems = (
        [wrong]
        if wrong
        else [*_mapping_problems(content, allow_unknown=allow_unknown)]
    )
    if problems:
        raise InputFileError(
            f"The mapping {path.name} is wrong: {'; '.join(problems)}.",
            problems=problems,
        )
    return Mapped(
        columns=content.get("columns", {}),
        constants=dict(_flat(content.get("constants", {}))),
        ignored=frozenset(content.get("ignore", [])),
    )


def _parsed(path: Path) -> tuple[dict[str, Any], str]:
    with opened(path) as file:
        content = file.read()
    try:
        return tomllib.loads(content.decode("utf-8-sig")), ""
    except UnicodeDecodeError:
        return {}, "it is not UTF-8; save it as UTF-8"
    except tomllib.TOMLDecodeError as error:
        return {}, f"it is no TOML: {error}"


def _mapping_problems(
    content: dict[str, Any], *, allow_unknown: bool
) -> Iterator[str]:
    for name in content:
        if name not in _SECTIONS:
            hint = did_you_mean(name, _SECTIONS)
            yield f"{name_of(name)}: unknown{hint}"
    columns = content.get("columns", {})
    if is_object(columns):
        yield from _column_problems(columns)
    else:
        yield "columns: must be a table of headers and paths"
    constants = content.get("constants", {})
    if is_object(constants):
        yield from _constant_problems(constants, allow_unknown=allow_unknown)
    else:
        yield "constants: must be a table of paths and values"
    ignored = content.get("ignore", [])
    if not is_array(ignored) or any(not isinstance(it, str) for it in ignored):
        yield "ignore: must be a list of headers"


def _column_problems(columns: dict[str, Any]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for header, target in columns.items():
        place = f"columns.{name_of(header)}"
        if not isinstance(target, str):
            yield (
                f"{place}: must be a path in quotation marks; write a header "
                "that has a dot in quotation marks too"
            )
        elif field_of(target) is None:
            yield f"{place}: {unknown_field(target)}"
        elif target in seen:
            yield f"{place}: {target} is already {seen[target]}"
        else:
            seen[target] = name_of(header)


def _constant_problems(
    constants: dict[str, Any], *, allow_unknown: bool
) -> Iterator[str]:
    for name, value in _flat(constants):
        field = field_of(name)
        if field is None:
            yield f"constants.{unknown_field(name)}"
            continue
        if name == ORDER_ID:
            yield f"constants.{name}: each order needs one of its own"
            continue
        if field.whole_number and isinstance(value, str):
            yield f"constants.{name}: write the number without quotation marks"
            continue
        check = field.check(allow_unknown=allow_unknown)
        yield from map(without_value, check(value, f"constants.{name}"))


def _flat(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield paths and values: ``a.b = 1`` is a table in a table in TOML."""
    for key, value in table.items():
        if is_object(value):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


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
