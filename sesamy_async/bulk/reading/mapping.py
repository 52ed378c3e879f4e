"""Which column of a file holds what, where its headers are others."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from sesamy_async.bulk.errors import InputFileError
from sesamy_async.models.texts import is_array, is_object, name_of

from .fields import ORDER_ID, field_of, without_value
from .files import opened
from .hints import did_you_mean, unknown_field


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
        else [*_problems(content, allow_unknown=allow_unknown)]
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


def _problems(
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
