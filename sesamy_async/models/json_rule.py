"""The rule of values that may be any JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import Any, TypeGuard

from .repeated import RepeatedKeys
from .texts import is_mapping, kind, name_of, text_problems


MAX_DEPTH = 64
"""How many objects and arrays may stand inside each other."""

_MOST_BITS = 1024  # As many as the largest float has.


def json_problems(
    value: Any, path: str, above: tuple[int, ...] = ()
) -> Iterator[str]:
    """Yield what in a value JSON can't say.

    Args:
        value: Anything.
        path: Where it stands.
        above: The ids of the containers around it.
    """
    if is_mapping(value) or _is_array(value):
        # Cycles are found by identity rather than by depth: one with two
        # ways around would take 2 ** MAX_DEPTH steps.
        if id(value) in above:
            yield f"{path}: contains itself"
        elif len(above) == MAX_DEPTH:
            yield f"{path}: nested more than {MAX_DEPTH} deep"
        else:
            yield from _container_problems(value, path, (*above, id(value)))
    elif isinstance(value, str):
        yield from text_problems(value, path)
    elif isinstance(value, float):
        if not isfinite(value):
            yield f"{path}: must be a finite number"
    elif isinstance(value, int):
        if value.bit_length() > _MOST_BITS:
            yield f"{path}: too large a number"
    elif value is not None:
        yield f"{path}: expected a JSON type, got {kind(value)}"


def member_problems(
    value: Mapping[Any, Any],
    path: str,
    check: Callable[[Any, str], Iterator[str]],
) -> Iterator[str]:
    """Yield what is wrong with the keys and, by `check`, the values."""
    for key in value:
        where = f"{path}.{name_of(key)}"
        yield from (f"{it} (the key)" for it in text_problems(key, where))
        yield from check(value[key], where)
    if isinstance(value, RepeatedKeys):
        yield from value.problems(f"{path}.")


def copy_json(value: Any) -> Any:
    """Return the same JSON, sharing nothing that can be changed."""
    if isinstance(value, str):  # As most are: the checks below take longer.
        return value
    if is_mapping(value):
        return {key: copy_json(value[key]) for key in value}
    if _is_array(value):
        return [copy_json(item) for item in value]
    return value


def _container_problems(
    value: Mapping[Any, Any] | list[Any] | tuple[Any, ...],
    path: str,
    above: tuple[int, ...],
) -> Iterator[str]:
    def check(item: Any, where: str) -> Iterator[str]:
        return json_problems(item, where, above)

    if is_mapping(value):
        yield from member_problems(value, path, check)
        return
    for index, item in enumerate(value):
        yield from check(item, f"{path}[{index}]")


def _is_array(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    return isinstance(value, (list, tuple))
