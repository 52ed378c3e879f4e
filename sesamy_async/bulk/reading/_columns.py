"""Which column holds which field: the mapping file and the header."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import attrs

from sesamy_async._checks import did_you_mean
from sesamy_async._models import is_array, is_object, name_of
from sesamy_async.bulk._rows import IGNORED
from sesamy_async.bulk._states import InputFileError

from ._fields import (
    ORDER_ID,
    Field,
    Read,
    WrongValue,
    field_hint,
    field_of,
    unknown_field,
)
from ._text import opened


_SECTIONS = ("columns", "constants", "ignore")


@attrs.frozen
class Mapped:
    """What a mapping file says; by default, that headers are paths.

    Attributes:
        columns: The documented paths, by the headers of the file.
        constants: The values that every row has, by path.
        ignored: The headers of columns that are not read.
    """

    columns: Mapping[str, str] = attrs.field(factory=dict[str, str])
    constants: Mapping[str, Any] = attrs.field(
        factory=dict[str, Any], repr=False
    )
    ignored: frozenset[str] = frozenset()


def read_mapping(path: Path, *, allow_unknown: bool) -> Mapped:
    """Read a mapping file.

    It is a TOML file with the tables ``columns`` and ``constants`` and the
    list ``ignore``, each of which may be left out.

    Raises:
        InputFileError: It can't be read, or is wrong; it names all mistakes.
    """
    with opened(path) as file:
        raw = file.read()
    content: dict[str, Any] = {}
    try:
        content = tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        problems = ["it is not UTF-8; save it as UTF-8"]
    except tomllib.TOMLDecodeError as error:
        problems = [f"it is not TOML: {error}"]
    else:
        problems = [*_mapping_problems(content, allow_unknown=allow_unknown)]
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
        for name, value in _flat(constants):
            found = _constant_problem(name, value, allow_unknown=allow_unknown)
            if found:
                yield f"constants.{found}"
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


def _constant_problem(name: str, value: Any, *, allow_unknown: bool) -> str:
    field = field_of(name)
    if field is None:
        return unknown_field(name)
    if name == ORDER_ID:
        return f"{name}: each order needs one of its own"
    if field.is_number and isinstance(value, str):
        return f"{name}: write the number without quotation marks"
    try:
        field.reader(allow_unknown=allow_unknown)(value)
    except WrongValue as wrong:
        return f"{name}{wrong.args[0]}"
    return ""


def _flat(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield paths and values: ``a.b = 1`` is a table in a table in TOML."""
    for key, value in table.items():
        if is_object(value):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


_DIGITS = re.compile("[0-9]{1,20}")
_MOST_SHOWN = 20
# It doesn't show the row, which may be an order, with a name in it.
_NO_HEADER = (
    "its first row has no documented name, such as externalOrderId; write "
    "the names there, or say with a mapping (--mapping) what the columns are"
)


@attrs.frozen
class Column:
    """A column that is read.

    Attributes:
        index: Its place in a row.
        header: Its name in the file.
        field: The field of an order that it holds.
        read: Reads a cell that is not empty, or raises `WrongValue`.
    """

    index: int
    header: str
    field: Field
    read: Read


def _cell_reader(field: Field, *, allow_unknown: bool) -> Read:
    read = field.reader(allow_unknown=allow_unknown)

    @lru_cache
    def number(cell: str) -> Any:
        if not _DIGITS.fullmatch(cell):
            raise WrongValue(": must be a whole number such as 1")
        return read(int(cell))

    return number if field.is_number else read


def read_header(
    name: str, header: Sequence[str], mapped: Mapped, *, allow_unknown: bool
) -> tuple[Column, ...] | InputFileError:
    """Return the columns, or the error that names every wrong header.

    It is not raised here: the header may be an order, and a traceback shows
    the locals of its frames.
    """
    columns: list[Column] = []
    problems: list[str] = []
    seen: set[str] = set()
    for index, cell in enumerate(header):
        if cell.startswith(IGNORED) or cell in mapped.ignored:
            continue
        target = mapped.columns.get(cell, cell)
        field = field_of(target)
        problem = _header_problem(index + 1, cell, target, mapped)
        if not problem and target in seen:
            problem = f"{name_of(cell)}: {name_of(target)} is given twice"
        seen.add(target)
        if problem or field is None:
            problems.append(problem)
        else:
            read = _cell_reader(field, allow_unknown=allow_unknown)
            columns.append(Column(index, cell, field, read))
    for each in mapped.columns:
        if each not in header:
            said = f"mapped, but not in the file{did_you_mean(each, header)}"
            problems.append(f"{name_of(each)}: {said}")
    if ORDER_ID not in seen:
        problems.append(f"{ORDER_ID}: no column has it")
    if problems and not any(_is_header(cell, mapped) for cell in header):
        problems = [_NO_HEADER]
    return _header_error(name, problems) if problems else tuple(columns)


def _header_error(name: str, problems: Sequence[str]) -> InputFileError:
    shown = [*problems[:_MOST_SHOWN]]
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    return InputFileError(
        f"The header of {name} is wrong: {'; '.join(shown)}.",
        problems=problems,
    )


def _is_header(cell: str, mapped: Mapped) -> bool:
    known = cell in mapped.columns or cell in mapped.ignored
    return known or bool(field_of(cell) or field_hint(cell))


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
    advice = " (map it, or list it under ignore)" if mapped.columns else ""
    return f"{unknown_field(cell)}{advice}"
