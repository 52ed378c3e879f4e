"""Finding everything that is wrong with an order, at once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar, cast

import attrs

from sesamy_async.errors import InvalidRequestError

from .repeated import RepeatedKeys
from .rules import KEY, Rule
from .texts import is_mapping, kind, name_of


_T = TypeVar("_T")
_MOST_SHOWN = 50
_LONGEST_WORD = 40


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
            yield f"{prefix}{name_of(key)}: unknown field{_hint(key, fields)}"
    if isinstance(data, RepeatedKeys):
        yield from data.problems(prefix)


def _value_problems(rule: Rule, value: Any, path: str) -> Iterator[str]:
    if rule.model is None:
        yield from rule.check(value, path)
    elif is_mapping(value):
        yield from _data_problems(rule.model, value, f"{path}.")
    else:
        yield f"{path}: expected an object, got {kind(value)}"


def _hint(key: object, fields: Mapping[str, RuledField]) -> str:
    if not isinstance(key, str):
        return ""
    # Only here: it is for orders that are wrong, and takes its time to load.
    from difflib import get_close_matches  # noqa: PLC0415

    words = {wire.lower(): wire for wire in fields}
    near = get_close_matches(key[:_LONGEST_WORD].lower(), words, n=1)
    return f"; did you mean {words[near[0]]}?" if near else ""
