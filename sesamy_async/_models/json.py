"""Turn JSON into models and back, and name every problem."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache, partial, wraps
from inspect import unwrap
from itertools import islice
from math import isfinite
from typing import (
    Any,
    Literal,
    NamedTuple,
    TypeAlias,
    TypeVar,
    cast,
    get_args,
    get_origin,
)

import attrs
import cattrs
from cattrs.gen import (
    make_dict_structure_fn,
    make_dict_unstructure_fn,
    override,
)

from sesamy_async._call import Response, guarded
from sesamy_async._checks import did_you_mean
from sesamy_async.errors import InvalidRequestError

from .fields import (
    KEY,
    RepeatedKeys,
    Rule,
    is_array,
    is_mapping,
    is_object,
    kind,
    name_of,
    object_problems,
    to_camel,
)


_T = TypeVar("_T")
_Read: TypeAlias = Callable[[Any, Any], Any]
By: TypeAlias = Literal["alias", "name"]
"""The keys of an order: Sesamy's (camelCase), or Python's (snake_case)."""

CONVERTER = cattrs.Converter(detailed_validation=False)

_MOST_SHOWN = 50
_LONGEST_TIME = 40
_MOST_OBJECTS = 1000  # More would take long; `Contract.raw` has them all.


class RuledField(NamedTuple):
    name: str
    required: bool
    rule: Rule


_FIELDS: dict[type[Any], Mapping[str, RuledField]] = {}


def ruled_fields(cls: type[Any]) -> Mapping[str, RuledField]:
    """Return the fields of a class that have a rule, by wire name."""
    if cls not in _FIELDS:
        _FIELDS[cls] = {
            to_camel(field.name): RuledField(
                name=field.name,
                required=field.default is attrs.NOTHING,
                rule=field.metadata[KEY],
            )
            for field in attrs.fields(cls)
            if KEY in field.metadata
        }
    return _FIELDS[cls]


def _fields_by(cls: type[Any], by: By) -> Mapping[str, RuledField]:
    fields = ruled_fields(cls)
    if by == "alias":
        return fields
    return {field.name: field for field in fields.values()}


def refusal(
    subject: str,
    problems: tuple[str, ...],
    external_order_id: str | None = None,
    advice: str = "",
) -> InvalidRequestError:
    count = len(problems)
    shown = "; ".join(problems[:_MOST_SHOWN])
    if count > _MOST_SHOWN:
        shown += f"; and {count - _MOST_SHOWN} more"
    error = InvalidRequestError(
        f"{subject} has {count} problem{'s' * (count > 1)}: {shown}.{advice}",
        problems=problems,
    )
    error.external_order_id = external_order_id
    return error


def _order_id_in(
    fields: Mapping[str, RuledField], data: Mapping[Any, Any]
) -> str | None:
    """Return the id of the order that the data are, if it is valid."""
    for key, field in fields.items():
        if field.name == "external_order_id":
            order_id = data.get(key)
            return None if any(field.rule.check(order_id, "")) else order_id
    return None


def _field_problems(
    fields: Mapping[str, RuledField],
    data: Mapping[Any, Any],
    prefix: str,
    check: Callable[[Rule, Any, str], Iterable[str]],
) -> Iterator[str]:
    for key, field in fields.items():
        value, path = data.get(key), f"{prefix}{key}"
        if value is not None:
            yield from check(field.rule, value, path)
        elif field.required:
            yield f"{path}: is missing"


def _data_problems(
    cls: type[Any],
    data: Mapping[Any, Any],
    path: str,
    *,
    by: By,
    strict: bool,
) -> Iterator[str]:
    """Check an order, or an object in it, as it is in JSON."""

    def check(rule: Rule, value: Any, path: str) -> Iterable[str]:
        if rule.model is None:
            return (rule.strictly if strict else rule.check)(value, path)
        inner = partial(_data_problems, rule.model, by=by, strict=strict)
        return object_problems(inner, value, path)

    known = _fields_by(cls, by)
    prefix = f"{path}." if path else ""
    yield from _field_problems(known, data, prefix, check)
    for key in data:
        if key not in known:
            hint = did_you_mean(key, known) if isinstance(key, str) else ""
            yield f"{prefix}{name_of(key)}: unknown field{hint}"
    if isinstance(data, RepeatedKeys):
        yield from data.problems(prefix)


def strict_problems(order: Any, path: str = "") -> tuple[str, ...]:
    """Return where an order has a word that Sesamy's guide does not name."""
    cls: type[Any] = order.__class__
    prefix = f"{path}." if path else ""
    found: list[str] = []
    for wire, field in ruled_fields(cls).items():
        value, where = getattr(order, field.name), f"{prefix}{wire}"
        if value is None:
            continue
        if field.rule.model is not None:
            found += strict_problems(value, where)
        elif problem := field.rule.word_problem(value):
            found.append(f"{where}: {problem}")
    return tuple(found)


def checked(cls: type[_T]) -> type[_T]:
    """Make the constructor of an attrs class check all its values at once."""
    build = cast("Callable[..., None]", cls.__init__)

    def check(rule: Rule, value: Any, path: str) -> Iterable[str]:
        return rule.check(value, path)

    @guarded
    @wraps(build)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        build(self, *args, **kwargs)
        kind = self.__class__
        fields = ruled_fields(kind)
        data = {
            wire: getattr(self, field.name) for wire, field in fields.items()
        }
        problems = tuple(_field_problems(fields, data, "", check))
        if problems:
            order_id = _order_id_in(fields, data)
            raise refusal(kind.__name__, problems, order_id)
        for wire, field in fields.items():
            if data[wire] is not None:
                # The instance is frozen, but still under construction.
                value = field.rule.keep(data[wire])
                object.__setattr__(self, field.name, value)

    cls.__init__ = init  # type: ignore[method-assign]
    return cls


def show_given(self: Any) -> str:
    """Return a repr that names the given fields, without their values."""
    cls: type[Any] = self.__class__
    given = [
        field.name
        for field in ruled_fields(cls).values()
        if getattr(self, field.name) is not None
    ]
    return f"<{cls.__name__} with {', '.join(given) or 'nothing'}>"


def read_data(
    cls: type[_T], data: object, *, by: By = "alias", strict: bool = False
) -> _T:
    """Build an instance from parsed JSON, or raise InvalidRequestError."""
    if by not in get_args(By):
        raise InvalidRequestError('by must be "alias" or "name".')
    if not is_mapping(data):
        problem = f"expected an object, got {kind(data)}"
        raise refusal(cls.__name__, (problem,))
    problems = tuple(_data_problems(cls, data, "", by=by, strict=strict))
    if problems:
        order_id = _order_id_in(_fields_by(cls, by), data)
        named = by == "alias" and "external_order_id" in data
        advice = ' Pass by="name" to read names in snake_case.' * named
        raise refusal(cls.__name__, problems, order_id, advice)
    return _built(cls, data, by)


def _built(cls: type[_T], data: Mapping[str, Any], by: By) -> _T:
    """Build an order, or a part of one, from checked data."""
    values: dict[str, Any] = {}
    for key, field in _fields_by(cls, by).items():
        value, model = data.get(key), field.rule.model
        if value is not None:
            values[field.name] = (
                _built(model, value, by) if model else field.rule.keep(value)
            )
    made: _T = builder(cast("Any", cls))(values)
    return made


@cache
def builder(cls: type[Any]) -> Callable[[Mapping[str, Any]], Any]:
    """Return what builds instances of values that are checked already."""
    # What sets the attributes without checking them again.
    init: Callable[..., None] = unwrap(cls.__init__)

    def made(values: Mapping[str, Any]) -> Any:
        instance: Any = object.__new__(cls)
        init(instance, **values)
        return instance

    return made


def parse(text: object) -> tuple[Any, str | None]:
    """Parse a JSON document; objects with repeated keys are `RepeatedKeys`.

    Args:
        text: A str, or bytes in UTF-8; it may begin with a byte order mark.

    Returns:
        The data and None, or None and the problem.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode()
        if not isinstance(text, str):
            return None, f"expected str or bytes, got {kind(text)}"
        return _DECODER.decode(text.removeprefix("\ufeff")), None
    except RecursionError:
        return None, "nested too deeply"
    except UnicodeDecodeError as error:
        return None, f"not UTF-8 at byte {error.start}"
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        return None, f"broken at {place}: {error.msg}"
    except ValueError:
        return None, "a number has too many digits"


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else RepeatedKeys(pairs)


_DECODER = json.JSONDecoder(object_pairs_hook=_object_of)


_NOT_WRITTEN = {"raw", "response"}  # Of a contract.


def _writer(cls: type[Any]) -> Callable[[Any], dict[str, Any]]:
    rules = {field.name: field.rule for field in ruled_fields(cls).values()}
    options: dict[str, Any] = {"_cattrs_omit_if_default": True}
    for name in attrs.fields_dict(cls):
        rule = rules.get(name)
        options[name] = override(
            rename=to_camel(name),
            omit=name in _NOT_WRITTEN,
            unstruct_hook=rule.write if rule and not rule.model else None,
        )
    return make_dict_unstructure_fn(cls, CONVERTER, **options)


def _answer_reader(cls: type[Any]) -> _Read:
    options: dict[str, Any] = {
        field.name: override(
            rename=to_camel(field.name), struct_hook=_tolerant(field.type)
        )
        for field in attrs.fields(cls)
    }
    return make_dict_structure_fn(cls, CONVERTER, **options)


def _tolerant(kind: Any) -> _Read:
    if kind in _TOLERANT:
        return _TOLERANT[kind]
    return _objects if get_origin(kind) is tuple else _object


def _objects(value: Any, kind: Any) -> tuple[Any, ...]:
    model = get_args(kind)[0]
    found = filter(is_object, value if is_array(value) else ())
    return tuple(
        CONVERTER.structure(each, model)
        for each in islice(found, _MOST_OBJECTS)
    )


def _object(value: Any, kind: Any) -> Any:
    model = get_args(kind)[0]
    return CONVERTER.structure(value, model) if is_object(value) else None


def _as_received(value: Any, _: Any) -> Any:
    return value


def _exactly(kind: type[Any], value: Any, _: Any) -> Any:
    # Not isinstance(): a bool is an int.
    return value if type(value) is kind else None


def _number(value: Any, _: Any) -> float | None:
    right = type(value) is int or (type(value) is float and isfinite(value))
    return value if right else None


def _time(value: Any, _: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) > _LONGEST_TIME:
        return None
    # Without the hyphen, 1712120510123 would be a day in the year 1712.
    if value[4:5] != "-":
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


_TOLERANT: dict[Any, _Read] = {
    str: _as_received,
    Mapping[str, Any]: _as_received,
    Response | None: _as_received,
    str | None: partial(_exactly, str),
    bool | None: partial(_exactly, bool),
    int | None: partial(_exactly, int),
    float | None: _number,
    datetime | None: _time,
}


CONVERTER.register_unstructure_hook(datetime, datetime.isoformat)
CONVERTER.register_unstructure_hook_factory(attrs.has, _writer)
CONVERTER.register_structure_hook_factory(attrs.has, _answer_reader)
