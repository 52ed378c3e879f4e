"""What a field of an order must be: one small rule per kind of field.

A rule stands in the metadata of its attrs field, so that a field is
described in one place, and serves both an order that is built in Python and
one that is read from JSON.  What a rule says of a wrong value names its
type, never the value itself: that may be personal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import partial
from typing import Any, TypeAlias

import attrs

from .enums import Gender, PaymentMethod, PaymentProvider
from .json_rule import copy_json, json_problems, member_problems
from .texts import is_mapping, kind, text_problems


KEY = "sesamy_async.rule"
"""Where the metadata of a field holds its rule."""

_MOST = 2**53 - 1  # The largest integer that JavaScript holds for certain.
_SHOWN_BITS = 64
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f-\x9f]+@[^@\s\x00-\x1f\x7f-\x9f]+")
_DATE = r"\d{4}-\d\d-\d\d"
_TIME = r"T\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?"
_BIRTHDAY = re.compile(rf"{_DATE}(?:{_TIME}(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_ENUMS: tuple[type[StrEnum], ...] = (PaymentProvider, PaymentMethod, Gender)


def _same(value: Any) -> Any:
    return value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Rule:
    """How the values of one field are treated; None never gets here.

    Attributes:
        check: Yields what is wrong with a value, by the path that it is
            given.
        keep: Turns a right value into what the frozen order keeps.
        write: Turns a kept value into JSON.
        model: The class of a nested object, if the field holds one.
        words: The words that the guide names, if it names some.
    """

    check: Callable[[Any, str], Iterator[str]]
    keep: Callable[[Any], Any] = _same
    write: Callable[[Any], Any] = _same
    model: type[Any] | None = None
    words: type[StrEnum] | None = None


Metadata: TypeAlias = Mapping[str, Rule]


def _metadata(
    check: Callable[[Any, str], Iterator[str]],
    keep: Callable[[Any], Any] = _same,
    write: Callable[[Any], Any] = _same,
    model: type[Any] | None = None,
    words: type[StrEnum] | None = None,
) -> Metadata:
    rule = Rule(check=check, keep=keep, write=write, model=model, words=words)
    return {KEY: rule}


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
        yield f"{path}: expected int, got {kind(value)}"
    elif value < 1:
        short = value.bit_length() < _SHOWN_BITS
        yield f"{path}: must be at least 1" + f", got {value}" * short
    elif value > _MOST:
        yield f"{path}: must be at most {_MOST}"


def _birthday(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str):
        moment = _moment(value)
        if moment is None:
            yield f"{path}: must be an ISO 8601 date such as 1980-12-31"
            return
        value = moment
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            yield f"{path}: a time of day needs a UTC offset"
    elif not isinstance(value, date):
        yield f"{path}: expected date, datetime or str, got {kind(value)}"


def _moment(text: str) -> date | None:
    # What fromisoformat takes besides, such as 19801231 or 1980-W01-1, is
    # ISO 8601 too, but not what the receiver's JavaScript understands.
    if not _BIRTHDAY.fullmatch(text):
        return None
    read = datetime.fromisoformat if "T" in text else date.fromisoformat
    try:
        return read(text)
    except ValueError:
        return None


def _write_birthday(value: date | str) -> str:
    return value if isinstance(value, str) else value.isoformat()


def _texts(value: Any, path: str) -> Iterator[str]:
    if not is_mapping(value):
        yield f"{path}: expected an object, got {kind(value)}"
        return
    yield from member_problems(value, path, text_problems)


def _json_object(value: Any, path: str) -> Iterator[str]:
    if not is_mapping(value):
        yield f"{path}: expected an object, got {kind(value)}"
        return
    yield from json_problems(value, path)


def _choice(enum: type[StrEnum], value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _ENUMS) and not isinstance(value, enum):
        yield f"{path}: expected {enum.__name__}, got {kind(value)}"
        return
    yield from _filled(value, path)


def _instance(model: type[Any], value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, model):
        yield f"{path}: expected {model.__name__}, got {kind(value)}"


TEXT = _metadata(text_problems)
ID = _metadata(_filled)
EMAIL = _metadata(_email)
QUANTITY = _metadata(_quantity)
BIRTHDAY = _metadata(_birthday, write=_write_birthday)
TEXTS = _metadata(_texts, keep=dict, write=dict)
JSON_OBJECT = _metadata(_json_object, keep=copy_json, write=copy_json)


def choice(enum: type[StrEnum]) -> Metadata:
    """Return the rule of a word that may be one of an enum."""
    members: dict[str, str] = {member.value: member for member in enum}
    plain = str.__str__

    def keep(value: str) -> str:
        return members.get(value, plain(value))

    check = partial(_choice, enum)
    return _metadata(check, keep=keep, write=plain, words=enum)


def nested(model: type[Any]) -> Metadata:
    """Return the rule of an object of another class of the order."""
    return _metadata(partial(_instance, model), model=model)
