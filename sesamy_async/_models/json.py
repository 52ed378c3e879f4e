"""From JSON to models and back, with every problem named."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from math import isfinite
from typing import (
    Any,
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
    object_of,
)


_T = TypeVar("_T")
_MOST_SHOWN = 50


class RuledField(NamedTuple):
    """A field, with what is known of it."""

    name: str
    wire: str
    required: bool
    rule: Rule


def camel(name: str) -> str:
    """Turn ``snake_case`` into ``camelCase``."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def ruled_fields(cls: type[Any]) -> Mapping[str, RuledField]:
    """Return the fields of a class that have a rule, by wire name."""
    known = _KNOWN.get(cls)
    if known is None:
        known = _KNOWN[cls] = _find_ruled_fields(cls)
    return known


def _find_ruled_fields(cls: type[Any]) -> Mapping[str, RuledField]:
    return {
        camel(field.name): RuledField(
            name=field.name,
            wire=camel(field.name),
            required=field.default is attrs.NOTHING,
            rule=field.metadata[KEY],
        )
        for field in attrs.fields(cls)
        if KEY in field.metadata
    }


_KNOWN: dict[type[Any], Mapping[str, RuledField]] = {}


@attrs.frozen(eq=False, repr=False)
class Refused:
    """What is wrong with an order, ready to be raised.

    Attributes:
        subject: What was read or built, such as ``"NewContract"``.
        problems: Every wrong field by its path.
        external_order_id: Which order it is, where that is known.
    """

    subject: str
    problems: tuple[str, ...]
    external_order_id: str | None = None

    def error(self) -> InvalidRequestError:
        """Return the error that says so."""
        count = len(self.problems)
        shown = [*self.problems[:_MOST_SHOWN]]
        if count > _MOST_SHOWN:
            shown.append(f"and {count - _MOST_SHOWN} more")
        what = "1 problem" if count == 1 else f"{count} problems"
        error = InvalidRequestError(
            f"{self.subject} has {what}: {'; '.join(shown)}.",
            problems=self.problems,
        )
        error.external_order_id = self.external_order_id
        return error


def refused_data(cls: type[Any], data: object) -> Refused | None:
    """Check JSON data that is to become an instance of `cls`."""
    if not is_mapping(data):
        problem = f"expected an object, got {kind(data)}"
        return Refused(cls.__name__, (problem,))
    problems = tuple(_data_problems(cls, data, ""))
    if not problems:
        return None
    return Refused(cls.__name__, problems, _order_id(cls, data.get))


def checked(cls: type[_T]) -> type[_T]:
    """Let an attrs class refuse wrong values, all of them at once.

    It wraps ``__init__`` rather than being ``__attrs_post_init__``: an
    error that passes the ``__init__`` of attrs shows, in the locals of
    that frame, everything that the caller gave.
    """
    build = cast("Callable[..., None]", cls.__init__)

    @functools.wraps(build)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        wrong: TypeError | None = None
        try:
            build(self, *args, **kwargs)
        except TypeError as error:  # Unknown or missing arguments.
            wrong = error
        del args, kwargs
        if wrong is not None:
            del self
            raise wrong
        refused = _refused_instance(self)
        if refused is not None:
            del self
            raise refused.error()
        _keep(self)

    cls.__init__ = init  # type: ignore[method-assign]
    return cls


def show_given(instance: Any) -> str:
    """Return a repr that tells which fields are given, and no value."""
    cls: type[Any] = instance.__class__
    given = [
        field.name
        for field in ruled_fields(cls).values()
        if getattr(instance, field.name) is not None
    ]
    return f"<{cls.__name__} with {', '.join(given) or 'nothing'}>"


def _refused_instance(instance: Any) -> Refused | None:
    cls: type[Any] = instance.__class__
    problems: list[str] = []
    for field in ruled_fields(cls).values():
        value = getattr(instance, field.name)
        if value is not None:
            problems += field.rule.check(value, field.wire)
        elif field.required:
            problems.append(f"{field.wire}: required")
    if not problems:
        return None

    def get(wire: str) -> Any:
        return getattr(instance, ruled_fields(cls)[wire].name)

    return Refused(cls.__name__, tuple(problems), _order_id(cls, get))


def _keep(instance: Any) -> None:
    for field in ruled_fields(instance.__class__).values():
        value = getattr(instance, field.name)
        if value is not None:
            # Frozen for everybody else; this is still its construction.
            object.__setattr__(instance, field.name, field.rule.keep(value))


def _order_id(cls: type[Any], get: Callable[[str], Any]) -> str | None:
    field = ruled_fields(cls).get("externalOrderId")
    if field is None:
        return None
    value = get(field.wire)
    return None if any(field.rule.check(value, "")) else value


def _data_problems(
    cls: type[Any], data: Mapping[Any, Any], prefix: str
) -> Iterator[str]:
    fields = ruled_fields(cls)
    for wire, field in fields.items():
        value = data.get(wire)
        if value is not None:
            yield from _value_problems(field.rule, value, f"{prefix}{wire}")
        elif field.required:
            yield f"{prefix}{wire}: required"
    for key in data:
        if key not in fields:
            hint = did_you_mean(key, fields) if isinstance(key, str) else ""
            yield f"{prefix}{name_of(key)}: unknown field{hint}"
    if isinstance(data, RepeatedKeys):
        yield from data.problems(prefix)


def _value_problems(rule: Rule, value: Any, path: str) -> Iterator[str]:
    if rule.model is None:
        yield from rule.check(value, path)
    elif is_mapping(value):
        yield from _data_problems(rule.model, value, f"{path}.")
    else:
        yield f"{path}: expected an object, got {kind(value)}"


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


_DECODER = json.JSONDecoder(object_pairs_hook=object_of)


def build(cls: type[_T], values: Mapping[str, Any]) -> _T:
    """Build an instance of values that are checked, and as it keeps them.

    Args:
        cls: A class of the order.
        values: By the names of its attributes.
    """
    instance = cls.__new__(cls)
    cls.__init__.__wrapped__(instance, **values)  # type: ignore[attr-defined]
    return instance


def read_data(cls: type[_T], data: object) -> _T | Refused:
    """Build an instance of `cls` from JSON data.

    Args:
        cls: A class of the order.
        data: What ``json.loads`` returns.

    Returns:
        The instance, or everything that is wrong with the data.
    """
    return refused_data(cls, data) or CONVERTER.structure(data, cls)


def read_text(cls: type[_T], text: object) -> _T | Refused:
    """Build an instance of `cls` from a JSON document.

    Args:
        cls: A class of the order.
        text: The document as str or as bytes in UTF-8, with or without a
            byte order mark.

    Returns:
        The instance, or everything that is wrong with the document.
    """
    data, problem = parse(text)
    if problem is not None:
        return Refused("JSON", (problem,))
    return read_data(cls, data)


def parse(text: object) -> tuple[Any, str | None]:
    """Parse a JSON document so that repeated keys are found.

    Args:
        text: The document as str or as bytes in UTF-8, with or without a
            byte order mark.

    Returns:
        What it says, and None; or None, and why it can't be parsed.
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
        return None, "has a number of too many digits"
