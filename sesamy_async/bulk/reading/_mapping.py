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
from sesamy_async.bulk._words import plain_reason

from ._dates import DATE_FORMS
from ._fields import (
    FIELDS,
    ORDER_ID,
    Field,
    WrongValue,
    field_of,
    folded,
    unknown_field,
)
from ._text import opened


@attrs.frozen
class Mapped:
    """What a mapping file says; by default, that headers are paths.

    Attributes:
        columns: The documented paths, by the headers of the file.
        constants: The values that every order has, by path.
        ignored: The headers of columns that are not read.
        ignores_rest: Whether no column is read that is not named.
        defaults: The values of empty cells, by path.
        values: What words in cells stand for, by path; the words are as
            `folded` returns them, and "" leaves the field out.
        filter: The words, as `folded` returns them, that the rows of orders
            have in a column, by its header.
        dates: How dates are written, by path.
        several_lines: Whether an order may have several lines.
    """

    columns: Mapping[str, str] = attrs.field(factory=dict[str, str])
    constants: Mapping[str, Any] = attrs.field(
        factory=dict[str, Any], repr=False
    )
    ignored: frozenset[str] = frozenset()
    ignores_rest: bool = False
    defaults: Mapping[str, Any] = attrs.field(
        factory=dict[str, Any], repr=False
    )
    values: Mapping[str, Mapping[str, Any]] = attrs.field(
        factory=dict[str, Mapping[str, Any]]
    )
    filter: Mapping[str, frozenset[str]] = attrs.field(
        factory=dict[str, frozenset[str]]
    )
    dates: Mapping[str, str] = attrs.field(factory=dict[str, str])
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
            for path, words in _by_path(content.get("values", {}))
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


def _flat(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield paths and values: ``a.b = 1`` is a table in a table in TOML."""
    for key, value in table.items():
        if is_object(value):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _by_path(
    table: dict[str, Any], above: str = ""
) -> Iterator[tuple[str, Any]]:
    """Yield the paths of fields, with the table that each has."""
    for key, value in table.items():
        path = f"{above}{key}"
        if field_of(path) is None and is_object(value):
            yield from _by_path(value, f"{path}.")
        else:
            yield path, value


_Problems: TypeAlias = Callable[[Any], Iterator[str]]


def _problems(
    content: dict[str, Any], *, allow_unknown: bool
) -> Iterator[str]:
    values = partial(_value_problems, allow_unknown=allow_unknown)
    sections: dict[str, _Problems] = {
        "columns": _column_problems,
        "constants": partial(values, "constants"),
        "defaults": partial(values, "defaults"),
        "values": partial(_word_problems, allow_unknown=allow_unknown),
        "filter": _filter_problems,
        "dates": _date_problems,
        "ignore": _ignore_problems,
        "lines_per_order": _lines_problems,
    }
    for name in content:
        if name not in sections:
            hint = did_you_mean(name, sections)
            yield f"{name_of(name)}: unknown{hint}"
    for name, problems in sections.items():
        if name in content:
            yield from problems(content[name])
    yield from _contradictions(content)


def _contradictions(content: dict[str, Any]) -> Iterator[str]:
    columns, ignored = content.get("columns"), content.get("ignore")
    if is_object(columns) and is_array(ignored):
        for header in columns:
            if header in ignored:
                yield f"columns.{name_of(header)}: is under ignore, too"
    constants, defaults = content.get("constants"), content.get("defaults")
    if is_object(constants) and is_object(defaults):
        fixed = dict(_flat(constants))
        for path, _ in _flat(defaults):
            if path in fixed:
                yield f"defaults.{path}: is a constant already"


def _column_problems(columns: Any) -> Iterator[str]:
    if not is_object(columns):
        yield "columns: must be a table of headers and paths"
        return
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
                f"{place}: no column is read whose name begins with "
                f"{IGNORED}; give it another name in the file"
            )
        elif target in seen:
            yield f"{place}: {target} is already {seen[target]}"
        else:
            seen[target] = name_of(header)


def _value_problems(
    section: str, table: Any, *, allow_unknown: bool
) -> Iterator[str]:
    if not is_object(table):
        yield f"{section}: must be a table of paths and values"
        return
    for name, value in _flat(table):
        field = field_of(name)
        if field is None:
            yield f"{section}.{unknown_field(name)}"
        elif name == ORDER_ID:
            yield f"{section}.{name}: each order needs one of its own"
        else:
            for found in _value_problem(field, value, allow_unknown):
                yield f"{section}.{name}{found}"


def _value_problem(
    field: Field,
    value: Any,
    allow_unknown: bool,  # noqa: FBT001 - of all that read values
) -> Iterator[str]:
    if field.is_number and isinstance(value, str):
        yield ": write the number without quotation marks"
        return
    try:
        field.reader(allow_unknown=allow_unknown)(value)
    except WrongValue as wrong:
        yield f": {plain_reason(wrong.args[0].removeprefix(': '))}"


def _word_problems(table: Any, *, allow_unknown: bool) -> Iterator[str]:
    if not is_object(table):
        yield "values: must be a table of paths, each with a table of words"
        return
    for path, words in _by_path(table):
        field = field_of(path)
        if field is None:
            yield f"values.{unknown_field(path)}"
        elif path == ORDER_ID:
            yield f"values.{path}: an id stands for itself"
        elif not is_object(words):
            yield f"values.{path}: must be a table of words and values"
        else:
            for word, value in words.items():
                place = f"values.{path}.{name_of(word)}"
                if value != "":
                    for found in _value_problem(field, value, allow_unknown):
                        yield f"{place}{found}"


def _filter_problems(table: Any) -> Iterator[str]:
    if not is_object(table):
        yield "filter: must be a table of headers and words"
        return
    for header, words in table.items():
        listed = _listed(words)
        if not listed or any(not isinstance(it, str) for it in listed):
            yield (
                f"filter.{name_of(header)}: must be a word in quotation "
                "marks, or a list of such words"
            )


_DATED = "birthday"


def _date_problems(table: Any) -> Iterator[str]:
    if not is_object(table):
        yield "dates: must be a table of paths and forms"
        return
    dated = [name for name in FIELDS if name.endswith(f".{_DATED}")]
    for path, form in _flat(table):
        if path not in dated:
            yield f"dates.{name_of(path)}: is not a date{_of(dated)}"
        elif form not in DATE_FORMS:
            yield f"dates.{path}: is not a known form{_of(DATE_FORMS)}"


def _of(words: Any) -> str:
    return f"; use one of {', '.join(words)}"


def _ignore_problems(ignored: Any) -> Iterator[str]:
    texts = is_array(ignored) and all(isinstance(it, str) for it in ignored)
    if ignored != _REST and not texts:
        yield (
            'ignore: must be a list of headers, or "*" for all columns that '
            "are not named"
        )


def _lines_problems(lines: Any) -> Iterator[str]:
    if lines not in [*_LINES]:  # It may be a list, which has no hash.
        yield 'lines_per_order: must be "one" or "several"'
