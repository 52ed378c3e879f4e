"""The mapping file: what the columns of a file are, and what they mean."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import attrs

from sesamy_async._checks import did_you_mean
from sesamy_async._models import is_array, is_object, name_of
from sesamy_async.bulk._rows import IGNORED
from sesamy_async.bulk._states import InputFileError

from ._fields import (
    FIELDS,
    ORDER_ID,
    Field,
    field_of,
    folded,
    unknown_field,
)
from ._files import opened
from ._values import DATE_FORMS, WrongValue


@attrs.frozen
class Mapped:
    """What a mapping file says; by default, that headers are paths.

    Columns and filters are by header, all others by path; the words of
    values and filters are as `folded` returns them.
    """

    columns: Mapping[str, str] = attrs.Factory(dict[str, str])
    constants: Mapping[str, Any] = attrs.field(
        factory=dict[str, Any], repr=False
    )
    ignored: frozenset[str] = frozenset()
    ignores_rest: bool = False
    defaults: Mapping[str, Any] = attrs.field(
        factory=dict[str, Any], repr=False
    )
    values: Mapping[str, Mapping[str, Any]] = attrs.Factory(dict[str, Any])
    filter: Mapping[str, frozenset[str]] = attrs.Factory(dict[str, Any])
    dates: Mapping[str, str] = attrs.Factory(dict[str, str])
    several_lines: bool = False


_LINES = {"one": False, "several": True}


def read_mapping(path: Path, *, allow_unknown: bool) -> Mapped:
    """Read a mapping file, a TOML file of which all parts may be left out.

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
        problems = [*_problems(content, allow_unknown=allow_unknown)]
    if problems:
        raise InputFileError(
            f"The mapping {path.name} is wrong: {'; '.join(problems)}.",
            problems=problems,
        )
    ignored = content.get("ignore", [])
    rest = ignored == _REST
    return Mapped(
        columns=content.get("columns", {}),
        constants=dict(_flat(content.get("constants", {}))),
        ignored=frozenset(() if rest else ignored),
        ignores_rest=rest,
        defaults=dict(_flat(content.get("defaults", {}))),
        values={
            path: {folded(word): value for word, value in words.items()}
            for path, words in _flat(content.get("values", {}), to_field=True)
        },
        filter={
            header: frozenset(map(folded, _listed(words)))
            for header, words in content.get("filter", {}).items()
        },
        dates=dict(_flat(content.get("dates", {}))),
        several_lines=_LINES[content.get("lines_per_order", "one")],
    )


_REST = "*"


def _listed(words: Any) -> list[Any]:
    return [*words] if is_array(words) else [words]


def _flat(
    table: dict[str, Any], above: str = "", *, to_field: bool = False
) -> Iterator[tuple[str, Any]]:
    """Yield paths and values: ``a.b = 1`` is a table in a table in TOML.

    With `to_field`, the value of a field may be a table itself.
    """
    for key, value in table.items():
        path = f"{above}{key}"
        if is_object(value) and not (to_field and field_of(path)):
            yield from _flat(value, f"{path}.", to_field=to_field)
        else:
            yield path, value


_Problems: TypeAlias = Callable[[dict[str, Any]], Iterator[str]]


def _problems(
    content: dict[str, Any], *, allow_unknown: bool
) -> Iterator[str]:
    of_value = partial(_value_problem, allow_unknown=allow_unknown)
    values = partial(_value_problems, of_value)
    tables: dict[str, tuple[str, _Problems]] = {
        "columns": ("headers and paths", _column_problems),
        "constants": ("paths and values", partial(values, "constants")),
        "defaults": ("paths and values", partial(values, "defaults")),
        "values": (
            "paths, each with a table of words",
            partial(_word_problems, of_value),
        ),
        "filter": ("headers and words", _filter_problems),
        "dates": ("paths and forms", _date_problems),
    }
    names = (*tables, "ignore", "lines_per_order")
    for name in content:
        if name not in names:
            hint = did_you_mean(name, names)
            yield f"{name_of(name)}: unknown{hint}"
    for name, (holds, problems) in tables.items():
        if is_object(table := content.get(name, {})):
            yield from problems(table)
        else:
            yield f"{name}: must be a table of {holds}"
    yield from _other_problems(content)


def _other_problems(content: dict[str, Any]) -> Iterator[str]:
    ignored = content.get("ignore", [])
    if ignored != _REST and not _are_texts(ignored):
        yield (
            'ignore: must be a list of headers, or "*" for all columns that '
            "are not named"
        )
    # It may be a list, which has no hash.
    if content.get("lines_per_order", "one") not in [*_LINES]:
        yield 'lines_per_order: must be "one" or "several"'
    columns, constants, defaults = (
        table if is_object(table := content.get(name)) else {}
        for name in ("columns", "constants", "defaults")
    )
    for header in columns:
        if is_array(ignored) and header in ignored:
            yield f"columns.{name_of(header)}: is under ignore, too"
    fixed = dict(_flat(constants))
    for path, _ in _flat(defaults):
        if path in fixed:
            yield f"defaults.{path}: is a constant already"


def _are_texts(listed: Any) -> bool:
    return is_array(listed) and all(isinstance(it, str) for it in listed)


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
        elif header.strip().startswith(IGNORED):
            yield (
                f"{place}: columns whose name begins with {IGNORED} are not "
                "read; rename the column in the file"
            )
        elif target in seen:
            yield f"{place}: {target} is already {seen[target]}"
        else:
            seen[target] = name_of(header)


_ValueProblem: TypeAlias = Callable[[Field, Any], str]


def _value_problem(field: Field, value: Any, *, allow_unknown: bool) -> str:
    if field.is_number and isinstance(value, str):
        return ": write the number without quotation marks"
    try:
        field.reader(allow_unknown=allow_unknown)(value)
    except WrongValue as wrong:
        return str(wrong.args[0])
    return ""


def _value_problems(
    of_value: _ValueProblem, section: str, table: dict[str, Any]
) -> Iterator[str]:
    for name, value in _flat(table):
        field = field_of(name)
        if field is None:
            yield f"{section}.{unknown_field(name)}"
        elif name == ORDER_ID:
            yield f"{section}.{name}: each order needs its own id"
        elif found := of_value(field, value):
            yield f"{section}.{name}{found}"


def _word_problems(
    of_value: _ValueProblem, table: dict[str, Any]
) -> Iterator[str]:
    for path, words in _flat(table, to_field=True):
        field = field_of(path)
        if field is None:
            yield f"values.{unknown_field(path)}"
        elif path == ORDER_ID:
            yield f"values.{path}: an id stands for itself"
        elif not is_object(words):
            yield f"values.{path}: must be a table of words and values"
        else:
            for word, value in words.items():
                found = "" if value == "" else of_value(field, value)
                if found:
                    yield f"values.{path}.{name_of(word)}{found}"


def _filter_problems(table: dict[str, Any]) -> Iterator[str]:
    for header, words in table.items():
        listed = _listed(words)
        if not listed or not _are_texts(listed):
            yield (
                f"filter.{name_of(header)}: must be a word in quotation "
                "marks, or a list of such words"
            )


def _date_problems(table: dict[str, Any]) -> Iterator[str]:
    dated = [name for name in FIELDS if name.endswith(".birthday")]
    for path, form in _flat(table):
        if path not in dated:
            known = ", ".join(dated)
            yield f"dates.{name_of(path)}: is not a date; use one of {known}"
        elif form not in [*DATE_FORMS]:
            known = ", ".join(DATE_FORMS)
            yield f"dates.{path}: is not a known form; use one of {known}"
