"""The rules by which each field is checked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import partial
from math import isfinite
from typing import Any, TypeAlias, TypeGuard

import attrs


_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_NAME = 60


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Whether it is a mapping, of whatever to whatever."""
    return isinstance(value, Mapping)


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether it is an object of parsed JSON."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether it is an array of parsed JSON."""
    return isinstance(value, list)


def kind(value: object) -> str:
    """Name the type of a value."""
    return "None" if value is None else type(value).__name__


def name_of(key: object) -> str:
    """Show the key of an object so that it can stand in a message."""
    if not isinstance(key, str):
        return f"<{kind(key)}>"
    if key and key.isprintable() and len(key) <= _LONGEST_NAME:
        return key
    return repr(key[:_LONGEST_NAME])


def text_problems(value: object, path: str) -> Iterator[str]:
    """Yield why a value is no text that can be sent, if it isn't."""
    if not isinstance(value, str):
        yield f"{path}: expected str, got {kind(value)}"
    elif _SURROGATE.search(value):
        yield f"{path}: has a lone surrogate, which is no text"


class RepeatedKeys(dict[str, Any]):
    """What the parser makes of such an object, for the check to find."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(key for key, _ in pairs)
        self._repeated = [key for key in counts if counts[key] > 1]

    def problems(self, prefix: str) -> Iterator[str]:
        """Yield one problem for each key that is repeated."""
        for key in self._repeated:
            yield f"{prefix}{name_of(key)}: given more than once"


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build a JSON object from its members, as `object_pairs_hook`."""
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else RepeatedKeys(pairs)


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


class PaymentProvider(StrEnum):
    """Who handles the payment (S).

    A plain str is accepted as well: Sesamy may know more than these.
    """

    KLARNA = "KLARNA"
    STRIPE = "STRIPE"
    BILLOGRAM = "BILLOGRAM"
    SESAMY = "SESAMY"


class PaymentMethod(StrEnum):
    """How the payer pays (S).

    A plain str is accepted as well: Sesamy may know more than these.
    """

    BANKGIRO = "BANKGIRO"
    EXTERNAL = "EXTERNAL"
    INVOICE = "INVOICE"
    SWISH = "SWISH"
    CARD = "CARD"
    FREE = "FREE"


class Gender(StrEnum):
    """The gender of a user (S).

    A plain str is accepted as well: Sesamy may know more than these.
    """

    MALE = "male"
    FEMALE = "female"
    OTHER = "other"


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
