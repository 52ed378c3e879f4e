"""The fields of a row: where each belongs, and what it may hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any, TypeAlias

import attrs

from sesamy_async._checks import HINT, did_you_mean, is_text, segment
from sesamy_async._models import (
    JSON_OBJECT,
    KEY,
    QUANTITY,
    TEXT,
    TEXTS,
    NewContract,
    RepeatedKeys,
    Rule,
    build,
    is_object,
    kind,
    name_of,
    ruled_fields,
)
from sesamy_async.bulk._rows import Sale
from sesamy_async.errors import InvalidRequestError


Check: TypeAlias = Callable[[Any, str], Iterator[str]]
Read: TypeAlias = Callable[[Any], Any]
"""Checks a value, and returns it as an order keeps it; or `WrongValue`."""

ORDER_ID = "externalOrderId"
PROMO_CODE = "promoCode"
OVERRIDES = {PROMO_CODE: "promo_code", "vendorId": "vendor_id"}
"""What a row may say besides its order, with the attributes of `Sale`."""

_OPEN = (TEXTS[KEY], JSON_OBJECT[KEY])
_SHOWN_NUMBER = re.compile(r", got -?\d+$")


class WrongValue(Exception):  # noqa: N818 - it never leaves this package
    """A value that a field can't hold.

    Its arguments are all reasons, each with the path inside the value before
    it: ``": must not be blank"``, ``".city: expected str, got int"``.
    """


@attrs.frozen
class Field:
    """A place in an order, or in what it is sold under.

    Attributes:
        path: Its names from the outside in, such as
            ``("userData", "address", "city")``.
        attribute: The attribute, or key, of what it is in.
        rule: What the classes of the order ask of it.
    """

    path: tuple[str, ...]
    attribute: str
    rule: Rule

    @property
    def name(self) -> str:
        """The documented path, such as ``"userData.address.city"``."""
        return ".".join(self.path)

    @property
    def is_number(self) -> bool:
        """Whether it is sent as a number rather than as a text."""
        return self.rule is QUANTITY[KEY]

    @property
    def is_any_text(self) -> bool:
        """Whether it holds any text."""
        return self.rule is TEXT[KEY]

    @property
    def holder(self) -> tuple[str, ...]:
        """The path of the object that it is in."""
        return self.path[:-1]

    def reader(self, *, allow_unknown: bool) -> Read:
        """Return what reads a value of this field.

        Args:
            allow_unknown: Whether words that the guide doesn't name are
                right.
        """
        rule, words = self.rule, self.rule.words
        check = rule.check
        if self.path == (ORDER_ID,):
            check = partial(_order_id_problems, rule)
        if words is not None and not allow_unknown:
            check = partial(_word_problems, rule, words)
        known = {str(word): word for word in words or ()}
        any_text = self.is_any_text

        def read(value: Any) -> Any:
            # Most values end here, in a fraction of the time.
            if type(value) is str:
                if any_text and is_text(value):
                    return value
                if value in known:
                    return known[value]
            reasons = [*check(value, "")]
            if reasons:
                raise WrongValue(*(_SHOWN_NUMBER.sub("", e) for e in reasons))
            return rule.keep(value)

        return read


def _order_id_problems(rule: Rule, value: Any, path: str) -> Iterator[str]:
    reasons = [*rule.check(value, path)]
    yield from reasons
    # Two orders that differ in nothing else would be two contracts.
    if not reasons and value != value.strip():
        yield f"{path}: must not begin or end with spaces"
    elif not reasons and not value.isprintable():
        # Such as the byte order mark of a file that was put behind another.
        yield f"{path}: must not hold characters that nobody can see"


def _word_problems(
    rule: Rule, words: type[StrEnum], value: Any, path: str
) -> Iterator[str]:
    reasons = [*rule.check(value, path)]
    yield from reasons
    if not reasons:
        near = {word.lower(): word for word in words}.get(value.lower())
        hint = f"{HINT}{near}?" if near else ""
        yield f"{path}: must be one of {', '.join(words)}{hint}"


@lru_cache(maxsize=1024)
def _segment_problem(name: str, value: str) -> str | None:
    try:
        segment(name, value)
    except InvalidRequestError as error:
        said = str(error.args[0])
    else:
        return None
    return said.removeprefix(f"{name} ").removesuffix(".")


def _segment_problems(name: str, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{path}: expected str, got {kind(value)}"
    elif (problem := _segment_problem(name, value)) is not None:
        yield f"{path}: {problem}"


@attrs.frozen
class Holder:
    """An object in an order.

    Attributes:
        path: Such as ``("userData", "address")``.
        attribute: The attribute of the object that it is in.
        model: Its class; None where its keys are the customer's own.
    """

    path: tuple[str, ...]
    attribute: str
    model: type[Any] | None

    def holds(self, field: Field) -> bool:
        """Whether a field is in it, or in an object in it."""
        return field.holder[: len(self.path)] == self.path

    def build(self, values: dict[str, Any]) -> Any:
        """Return it with values that were read."""
        return values if self.model is None else build(self.model, values)


def _inside(
    model: type[Any], above: tuple[str, ...] = ()
) -> Iterator[Field | Holder]:
    """Yield what is in an object, from the inside out."""
    for wire, ruled in ruled_fields(model).items():
        path, inner = (*above, wire), ruled.rule.model
        if inner is not None:
            yield from _inside(inner, path)
        else:
            yield Field(path, ruled.name, ruled.rule)
        if inner is not None or ruled.rule in _OPEN:
            yield Holder(path, ruled.name, inner)


_ALL = (
    *_inside(NewContract),
    *(
        Field((name,), attribute, Rule(check=partial(_segment_problems, name)))
        for name, attribute in OVERRIDES.items()
    ),
)
HOLDERS = tuple(each for each in _ALL if isinstance(each, Holder))
"""The objects in an order, from the inside out."""

_FIELDS = {each.name: each for each in _ALL if isinstance(each, Field)}
FIELDS: Mapping[str, Field] = {
    name: each for name, each in _FIELDS.items() if each.rule not in _OPEN
}
"""The fields whose path is documented to the end."""

OPEN: tuple[str, ...] = tuple(name for name in _FIELDS if name not in FIELDS)
"""The paths below which any name may stand."""


def mended_id(text: str) -> str | None:
    """Return what somebody will make of an id that is wrong, if anything."""
    return "".join(filter(str.isprintable, text)).strip() or None


def field_of(name: str) -> Field | None:
    """Return the field of a documented path; None where there is none.

    What follows ``vendorData.``, ``providerData.`` or ``extraData.`` is a
    name of the customer's own.
    """
    known = FIELDS.get(name)
    if known is not None:
        return known
    for place in OPEN:
        own = name.removeprefix(f"{place}.")
        if own and own != name:
            return Field((*place.split("."), own), own, TEXT[KEY])
    return None


def field_hint(name: str) -> str:
    """Return a hint for a path that is not documented; empty if none is near.

    A path may be misspelt at its beginning, its end, or in its case; of
    one below which any name may stand, only the beginning counts.
    """
    for place in OPEN:
        if name[: len(place)].lower() == place.lower():
            own = name[len(place) :].lstrip(".") or "anything"
            return f"{HINT}{place}.{name_of(own)}?"
    last = {known.rpartition(".")[2]: known for known in reversed([*FIELDS])}
    # Such as userData.email where only "email" was written.
    by_end = {end.lower(): known for end, known in last.items()}
    near = by_end.get(name.lower())
    return did_you_mean(name, FIELDS) or (f"{HINT}{near}?" if near else "")


def unknown_field(name: str) -> str:
    """Say that a path is not documented."""
    return f"{name_of(name)}: unknown{field_hint(name)}"


def sale_of(values: dict[str, Any]) -> Sale:
    """Return the sale of values that were read, by their attributes."""
    return Sale(
        promo_code=values.pop("promo_code", None),
        vendor_id=values.pop("vendor_id", None),
        order=build(NewContract, values),
    )


class ObjectReader:
    """Reads the JSON data of an order, or of an object in it.

    Args:
        allow_unknown: Whether words that the guide doesn't name are right.
        model: Its class.
        above: Its path, with a dot behind it.
    """

    def __init__(
        self,
        *,
        allow_unknown: bool,
        model: type[Any] = NewContract,
        above: str = "",
    ) -> None:
        self._model = model
        self._members: dict[str, tuple[str, Read]] = {}
        self._required: list[str] = []
        for wire, ruled in ruled_fields(model).items():
            inner, name = ruled.rule.model, f"{above}{wire}"
            read: Read = (
                _FIELDS[name].reader(allow_unknown=allow_unknown)
                if inner is None
                else ObjectReader(
                    allow_unknown=allow_unknown,
                    model=inner,
                    above=f"{name}.",
                ).read
            )
            self._members[wire] = (ruled.name, read)
            if ruled.required:
                self._required.append(wire)
        if not above:
            for name, attribute in OVERRIDES.items():
                read = FIELDS[name].reader(allow_unknown=allow_unknown)
                self._members[name] = (attribute, read)

    def read(self, data: Any) -> Any:
        """Return the object, or raise `WrongValue`."""
        return build(self._model, self.values(data))

    def values(self, data: Any) -> dict[str, Any]:
        """Return its values by their attributes, or raise `WrongValue`."""
        if not is_object(data):
            raise WrongValue(f": expected an object, got {kind(data)}")
        values: dict[str, Any] = {}
        reasons = [
            f".{wire}: required"
            for wire in self._required
            if data.get(wire) is None
        ]
        unknown: list[str] = []
        for wire, value in data.items():
            member = self._members.get(wire)
            if member is None:
                unknown.append(wire)
            elif value is not None:
                attribute, read = member
                try:
                    values[attribute] = read(value)
                except WrongValue as wrong:
                    reasons += [f".{wire}{each}" for each in wrong.args]
        for key in unknown:
            hint = did_you_mean(key, self._members)
            reasons.append(f".{name_of(key)}: unknown field{hint}")
        if isinstance(data, RepeatedKeys):
            reasons += data.problems(".")
        if reasons:
            raise WrongValue(*reasons)
        return values
