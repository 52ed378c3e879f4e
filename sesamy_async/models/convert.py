"""The one cattrs converter: Python objects to JSON data and back.

Orders are written as their rules say, and read after they were checked.
Answers are read with tolerance: what is not as expected becomes None, for
it is no reason to lose a contract that was made.  The code for a class is
generated once, when it is first needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from math import isfinite
from typing import Any, TypeAlias, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import (
    make_dict_structure_fn,
    make_dict_unstructure_fn,
    override,
)

from .check import camel, ruled_fields
from .rules import Rule
from .texts import is_array, is_object


_Write: TypeAlias = Callable[[Any], Any]
_Read: TypeAlias = Callable[[Any, Any], Any]

CONVERTER = cattrs.Converter(detailed_validation=False)

_LONGEST_TIME = 40
_MOST_OBJECTS = 1000
"""More are in `Contract.raw` only: each takes some microseconds to read."""


def _is_order(cls: Any) -> bool:
    return attrs.has(cls) and bool(ruled_fields(cls))


def _is_answer(cls: Any) -> bool:
    return attrs.has(cls) and not ruled_fields(cls)


def _write_order(cls: type[Any]) -> _Write:
    overrides: dict[str, Any] = {
        field.name: override(
            rename=field.wire, unstruct_hook=_writer(field.rule)
        )
        for field in ruled_fields(cls).values()
    }
    options: dict[str, Any] = {**overrides, "_cattrs_omit_if_default": True}
    return make_dict_unstructure_fn(cls, CONVERTER, **options)


def _read_order(cls: type[Any]) -> _Read:
    overrides: dict[str, Any] = {
        field.name: override(
            rename=field.wire, struct_hook=_reader(field.rule)
        )
        for field in ruled_fields(cls).values()
    }
    return make_dict_structure_fn(cls, CONVERTER, **overrides)


def _read_answer(cls: type[Any]) -> _Read:
    overrides: dict[str, Any] = {
        field.name: override(
            rename=camel(field.name), struct_hook=_tolerant(field.type)
        )
        for field in attrs.fields(cls)
    }
    return make_dict_structure_fn(cls, CONVERTER, **overrides)


def _writer(rule: Rule) -> _Write:
    model = rule.model
    if model is None:
        return rule.write
    write: _Write = CONVERTER.get_unstructure_hook(model)
    return write


def _reader(rule: Rule) -> _Read:
    model = rule.model
    if model is None:
        return _as_received
    read = CONVERTER.get_structure_hook(model)
    return lambda value, _: None if value is None else read(value, model)


def _tolerant(kind: Any) -> _Read:
    known = _TOLERANT.get(kind)
    if known is not None:
        return known
    model = get_args(kind)[0]
    read = CONVERTER.get_structure_hook(model)
    if get_origin(kind) is tuple:
        return partial(_objects, read)
    return partial(_object, read)


def _objects(read: _Read, value: Any, _: Any) -> tuple[Any, ...]:
    if not is_array(value):
        return ()
    found = (read(item, None) for item in value if is_object(item))
    return tuple(islice(found, _MOST_OBJECTS))


def _object(read: _Read, value: Any, _: Any) -> Any:
    return read(value, None) if is_object(value) else None


def _as_received(value: Any, _: Any) -> Any:
    return value


def _text(value: Any, _: Any) -> str | None:
    return value if isinstance(value, str) else None


def _flag(value: Any, _: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _whole(value: Any, _: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value


def _number(value: Any, _: Any) -> float | None:
    if isinstance(value, float):
        return value if isfinite(value) else None
    return _whole(value, _)


def _time(value: Any, _: Any) -> datetime | None:
    # Without the hyphen, 1712120510123 would be a day in the year 1712.
    if not isinstance(value, str) or value[4:5] != "-":
        return None
    if len(value) > _LONGEST_TIME:
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


_TOLERANT: dict[Any, _Read] = {
    str: _as_received,
    Mapping[str, Any]: _as_received,
    str | None: _text,
    bool | None: _flag,
    int | None: _whole,
    float | None: _number,
    datetime | None: _time,
}

CONVERTER.register_unstructure_hook_factory(_is_order, _write_order)
CONVERTER.register_structure_hook_factory(_is_answer, _read_answer)
CONVERTER.register_structure_hook_factory(_is_order, _read_order)
