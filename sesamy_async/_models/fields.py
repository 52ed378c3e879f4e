"""The enums of an order's fields, and the rules for their values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import partial
from math import isfinite
from typing import Any, NamedTuple, TypeAlias, TypeGuard

from sesamy_async._checks import did_you_mean, is_text


Check: TypeAlias = Callable[[Any, str], Iterator[str]]
"""Yields the problems of a value; each begins with the path."""

KEY = "sesamy_async.rule"
"""The key of a field's rule in its metadata."""

MAX_DEPTH = 64
"""How many objects and arrays may be inside each other."""

NO_OBJECT = "must be a group of fields, in braces { }"
"""What is wrong with a value that is not an object."""

_NO_DATE = "must be a date such as 1980-12-31"
_LONGEST_NAME = 60
_LARGEST = 2**53 - 1  # Number.MAX_SAFE_INTEGER of JavaScript.
_MOST_BITS = 1024  # As many as the largest float has.
_SHOWN_BITS = 64
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f-\x9f]+@[^@\s\x00-\x1f\x7f-\x9f]+")
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = "T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?"
_OFFSET = "(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_BIRTHDAY = re.compile(f"{_DATE}(?:{_TIME}{_OFFSET}?)?")


class PaymentProvider(StrEnum):
    """Who handles the payment; any other str is accepted too."""

    KLARNA = "KLARNA"
    STRIPE = "STRIPE"
    BILLOGRAM = "BILLOGRAM"
    SESAMY = "SESAMY"


class PaymentMethod(StrEnum):
    """How the payer pays; any other str is accepted too."""

    BANKGIRO = "BANKGIRO"
    EXTERNAL = "EXTERNAL"
    INVOICE = "INVOICE"
    SWISH = "SWISH"
    CARD = "CARD"
    FREE = "FREE"


class Gender(StrEnum):
    """The gender of a user; any other str is accepted too."""

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"


def to_camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    return isinstance(value, (list, tuple))


def kind(value: object) -> str:
    return "None" if value is None else type(value).__name__


def name_of(key: object) -> str:
    """Return the key of an object for a message."""
    if not isinstance(key, str):
        return f"<{kind(key)}>"
    if key and key.isprintable() and len(key) <= _LONGEST_NAME:
        return key
    return repr(key[:_LONGEST_NAME])


class RepeatedKeys(dict[str, Any]):
    """A JSON object with keys that it has more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(key for key, _ in pairs)
        self._repeated = [key for key in counts if counts[key] > 1]

    def problems(self, prefix: str) -> Iterator[str]:
        for key in self._repeated:
            yield f"{prefix}{name_of(key)}: given more than once"


def text_problems(value: object, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{path}: must be text, in quotation marks"
    elif not is_text(value):
        yield f"{path}: has a damaged character; write it again"


def object_problems(check: Check, value: object, path: str) -> Iterator[str]:
    """Check that a value is an object, then its content with `check`."""
    if is_mapping(value):
        yield from check(value, path)
    else:
        yield f"{path}: {NO_OBJECT}"


def _member_problems(
    check: Check,
    value: Mapping[Any, Any] | list[Any] | tuple[Any, ...],
    path: str,
) -> Iterator[str]:
    if is_array(value):
        for index, item in enumerate(value):
            yield from check(item, f"{path}[{index}]")
        return
    for key in value:
        where = f"{path}.{name_of(key)}"
        for problem in text_problems(key, where):
            yield f"{problem} (the name of the field)"
        yield from check(value[key], where)
    if isinstance(value, RepeatedKeys):
        yield from value.problems(f"{path}.")


def _json_problems(
    value: Any, path: str, above: tuple[int, ...] = ()
) -> Iterator[str]:
    """Check that a value is JSON; `above` are the ids of its containers."""
    if is_mapping(value) or is_array(value):
        # A cycle is found by identity: by depth, one with two ways around
        # would take 2 ** MAX_DEPTH steps.
        if id(value) in above:
            yield f"{path}: contains itself"
        elif len(above) == MAX_DEPTH:
            yield f"{path}: nested more than {MAX_DEPTH} deep"
        else:
            check = partial(_json_problems, above=(*above, id(value)))
            yield from _member_problems(check, value, path)
    elif isinstance(value, str):
        yield from text_problems(value, path)
    elif isinstance(value, float):
        if not isfinite(value):
            yield f"{path}: must be a finite number"
    elif isinstance(value, int):
        if value.bit_length() > _MOST_BITS:
            yield f"{path}: the number is too large"
    elif value is not None:
        yield f"{path}: expected a JSON type, got {kind(value)}"


def _copy_json(value: Any) -> Any:
    if isinstance(value, str):  # Most are, and the checks below are slower.
        return value
    if is_mapping(value):
        return {key: _copy_json(value[key]) for key in value}
    if is_array(value):
        return [_copy_json(item) for item in value]
    return value


def _filled(value: Any, path: str) -> Iterator[str]:
    yield from text_problems(value, path)
    if isinstance(value, str) and not value.strip():
        yield f"{path}: must not be blank"


def _email(value: Any, path: str) -> Iterator[str]:
    yield from text_problems(value, path)
    if isinstance(value, str) and not _EMAIL.fullmatch(value):
        yield f"{path}: must look like name@example.com"


def _quantity(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield f"{path}: must be a whole number such as 1"
    elif value < 1:
        short = value.bit_length() < _SHOWN_BITS
        yield f"{path}: must be at least 1" + f", got {value}" * short
    elif value > _LARGEST:
        yield f"{path}: must be at most {_LARGEST}"


def _birthday(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str):
        moment = _moment(value)
        if moment is None:
            yield f"{path}: {_NO_DATE}"
            return
        value = moment
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            yield f"{path}: has a time of day without a time zone"
    elif not isinstance(value, date):
        yield f"{path}: {_NO_DATE}"


def _moment(text: str) -> date | None:
    # fromisoformat also reads 19801231 and 1980-W01-1, which JavaScript, the
    # receiver, does not.
    if not _BIRTHDAY.fullmatch(text):
        return None
    read = datetime.fromisoformat if "T" in text else date.fromisoformat
    try:
        return read(text)
    except ValueError:
        return None


def _write_birthday(value: date | str) -> str:
    return value if isinstance(value, str) else value.isoformat()


def _choice(enum: type[StrEnum], value: Any, path: str) -> Iterator[str]:
    ours = isinstance(value, (PaymentProvider, PaymentMethod, Gender))
    if ours and not isinstance(value, enum):
        yield f"{path}: expected {enum.__name__}, got {kind(value)}"
    else:
        yield from _filled(value, path)


def _instance(model: type[Any], value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, model):
        yield f"{path}: expected {model.__name__}, got {kind(value)}"


def _same(value: Any) -> Any:
    return value


_ANY_TEXT: Mapping[str, Any] = {"type": "string"}
_FILLED: Mapping[str, Any] = {"type": "string", "pattern": r"\S"}


class Rule(NamedTuple):
    """How one field treats its values, except None."""

    check: Check
    # Turns a valid value into what the order keeps, and that into JSON.
    keep: Callable[[Any], Any] = _same
    write: Callable[[Any], Any] = _same
    model: type[Any] | None = None  # The class of a nested object.
    words: type[StrEnum] | None = None  # Those that S names.
    schema: Mapping[str, Any] = _ANY_TEXT  # JSON Schema, without a `model`.

    def word_problem(self, value: str) -> str:
        """Return what is wrong if a valid value is none of the words."""
        words = [*map(str, self.words or ())]
        if not words or value in words:
            return ""
        hint = did_you_mean(value, words)
        return f"must be one of {', '.join(words)}{hint}"

    def strictly(self, value: Any, path: str) -> list[str]:
        """Check a value, which must be one of the words if there are any."""
        found = [*self.check(value, path)]
        if not found and (problem := self.word_problem(value)):
            found.append(f"{path}: {problem}")
        return found


Metadata: TypeAlias = Mapping[str, Rule]


def _rule(check: Check, **more: Any) -> Metadata:
    return {KEY: Rule(check, **more)}


TEXT = _rule(text_problems)
ID = _rule(_filled, schema={**_FILLED, "examples": ["A-2026-004711"]})
EMAIL = _rule(
    _email,
    # No "format": validators refuse addresses there that are permitted
    # here, such as those with an "ö".
    schema={
        "type": "string",
        "pattern": f"^{_EMAIL.pattern}$",
        "examples": ["name@example.com"],
    },
)
QUANTITY = _rule(
    _quantity,
    schema={
        "type": "integer",
        "minimum": 1,
        "maximum": _LARGEST,
        "examples": [1],
    },
)
BIRTHDAY = _rule(
    _birthday,
    write=_write_birthday,
    schema={
        "type": "string",
        "pattern": f"^{_DATE}(?:{_TIME}{_OFFSET})?$",
        "examples": ["1980-12-31"],
    },
)
TEXTS = _rule(
    partial(object_problems, partial(_member_problems, text_problems)),
    keep=dict,
    write=dict,
    schema={"type": "object", "additionalProperties": _ANY_TEXT},
)
JSON_OBJECT = _rule(
    partial(object_problems, _json_problems),
    keep=_copy_json,
    write=_copy_json,
    schema={"type": "object"},
)


def choice(enum: type[StrEnum]) -> Metadata:
    """Return the rule of a word, which is kept as the enum if it is in it."""
    members: dict[str, str] = {member.value: member for member in enum}
    plain = str.__str__

    def keep(value: str) -> str:
        # A member of another enum has another hash than its text.
        text = plain(value)
        return members.get(text, text)

    check = partial(_choice, enum)
    schema = {**_FILLED, "examples": [*members]}
    return _rule(check, keep=keep, write=plain, words=enum, schema=schema)


def nested(model: type[Any]) -> Metadata:
    return _rule(partial(_instance, model), model=model)
