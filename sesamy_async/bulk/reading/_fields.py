"""The fields of a row: where each belongs, and what it may hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any, TypeAlias, cast

import attrs

from sesamy_async._checks import HINT, did_you_mean, is_text, segment
from sesamy_async._models import (
    BIRTHDAY,
    EMAIL,
    JSON_OBJECT,
    KEY,
    NO_OBJECT,
    QUANTITY,
    TEXT,
    TEXTS,
    NewContract,
    RepeatedKeys,
    Rule,
    builder,
    is_object,
    name_of,
    ruled_fields,
)
from sesamy_async.bulk._rows import Sale
from sesamy_async.errors import InvalidRequestError

from ._values import (
    EXPONENT,
    FAILED,
    NOTHING,
    POINT_ZERO,
    QUOTED,
    USUAL_EMAIL,
    USUAL_ID,
    WrongValue,
    email_problem,
)


Read: TypeAlias = Callable[[Any], Any]
"""Checks a value, and returns it as an order keeps it; or `WrongValue`."""

ORDER_ID = "externalOrderId"
PROMO_CODE = "promoCode"
OVERRIDES = {PROMO_CODE: "promo_code", "vendorId": "vendor_id"}
"""What a row may say besides its order, with the attributes of `Sale`."""

_OPEN = (TEXTS[KEY], JSON_OBJECT[KEY])
# Texts that are right beyond doubt.
_USUAL = (
    (EMAIL[KEY], USUAL_EMAIL),
    (
        BIRTHDAY[KEY],
        re.compile(
            "(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
        ),
    ),
)
_SHOWN_NUMBER = re.compile(r", got -?\d+$")
_BETWEEN = re.compile(r"[\s\-_‐‑–]+")  # noqa: RUF001 - hyphens of all kinds


def blind(text: str) -> str:
    """Return a name without case, spaces, hyphens and signs at its end."""
    return _BETWEEN.sub("", text).strip(".:*").casefold()


def folded(text: str) -> str:
    """Return a word of a cell without case and outer spaces.

    Unlike the name of a column, it may be an id: ``A-11`` is not ``A1-1``.
    """
    return " ".join(text.split()).casefold()


@attrs.frozen
class Field:
    """A place in an order, or beside it."""

    name: str  # The documented path, such as userData.address.city.
    holder: str  # The path of the object that it is in; "" for the order.
    attribute: str  # The attribute, or key, of that object.
    rule: Rule

    @property
    def is_number(self) -> bool:
        """Whether it is sent as a number rather than as a text."""
        return self.rule is QUANTITY[KEY]

    @property
    def is_any_text(self) -> bool:
        return self.rule is TEXT[KEY]

    def builder(self) -> Callable[[dict[str, Any]], Any]:
        """Return what makes the object that it holds of values."""
        model = self.rule.model
        return dict[str, Any] if model is None else builder(cast("Any", model))

    def reader(self, *, allow_unknown: bool) -> Read:
        rule, any_text = self.rule, self.is_any_text
        if rule.model is not None:
            values = object_reader(self.name, allow_unknown=allow_unknown)
            build = self.builder()
            return lambda data: build(values(data))
        known = {str(word): word for word in rule.words or ()}
        usual = USUAL_ID if self.name == ORDER_ID else None
        for each, pattern in _USUAL:
            usual = pattern if rule is each else usual
        further = self._further(allow_unknown=allow_unknown)

        def read(value: Any) -> Any:
            # Most values end here, in a fraction of the time.
            if type(value) is str:
                if any_text and is_text(value):
                    return value
                if value in known:
                    return known[value]
                if usual and usual.fullmatch(value):
                    return value
            reasons = _reasons(rule, value)
            if not reasons and (problem := further(value)):
                reasons = [f": {problem}"]
            if reasons:
                raise WrongValue(*(_SHOWN_NUMBER.sub("", e) for e in reasons))
            return rule.keep(value)

        return read

    def _further(self, *, allow_unknown: bool) -> Callable[[Any], str]:
        """Return what finds a problem that the rule allows; or ``""``."""
        if self.name == ORDER_ID:
            return _order_id_problem
        if self.name in OVERRIDES:
            return partial(_segment_problem, self.name)
        if self.rule.words is None or allow_unknown:
            return lambda _: ""
        return self.rule.word_problem


def _reasons(rule: Rule, value: Any) -> list[str]:
    if rule is EMAIL[KEY] and isinstance(value, str) and is_text(value):
        # Refuses what the rule does, and more, and says why.
        return [f": {it}" for it in (email_problem(value),) if it]
    return [*rule.check(value, "")]


_AS_TEXT = "format the column as text, and enter it again"
_WRONG_IDS: tuple[tuple[Callable[[str], object], str], ...] = (
    # Two orders that differ in nothing else would be two contracts.
    (lambda it: it != it.strip(), "must not begin or end with spaces"),
    # Such as the byte order mark of a file that was put behind another.
    (
        lambda it: not it.isprintable(),
        "must not contain invisible characters",
    ),
    (
        EXPONENT.fullmatch,
        f"is a number in exponent form: digits are lost; {_AS_TEXT}",
    ),
    (
        POINT_ZERO.fullmatch,
        f"ends with a decimal place that no id has; {_AS_TEXT}",
    ),
    (
        lambda it: it.startswith("'") or QUOTED.fullmatch(it),
        "begins with a sign that spreadsheets add; write the id only",
    ),
    (
        lambda it: it.count('"') % 2,
        "must not have a quotation mark; is one missing, or too many?",
    ),
    (
        NOTHING.fullmatch,
        "must be an id, not a word or sign for an empty cell",
    ),
    (FAILED.fullmatch, "must be an id, not the error of a formula"),
)


def _order_id_problem(value: str) -> str:
    return next((said for wrong, said in _WRONG_IDS if wrong(value)), "")


@lru_cache(maxsize=1024)
def _segment_problem(name: str, value: str) -> str:
    try:
        segment(name, value)
    except InvalidRequestError as error:
        return str(error.args[0]).removeprefix(f"{name} ").removesuffix(".")
    return ""


def _inside(model: type[Any], holder: str = "") -> Iterator[Field]:
    """Yield all fields of an object, those of an inner object before it."""
    for wire, ruled in ruled_fields(model).items():
        name = f"{holder}.{wire}" if holder else wire
        if ruled.rule.model is not None:
            yield from _inside(ruled.rule.model, name)
        yield Field(name, holder, ruled.name, ruled.rule)


_ALL = (
    *_inside(NewContract),
    # A rule of its own: not any text is right.
    *(
        Field(name, "", attribute, Rule(TEXT[KEY].check))
        for name, attribute in OVERRIDES.items()
    ),
)
HOLDERS = tuple(it for it in _ALL if it.rule.model or it.rule in _OPEN)
"""The objects in an order, from the inside out."""

OPEN = tuple(it.name for it in HOLDERS if it.rule.model is None)
"""The paths below which any name may stand."""

FIELDS = {it.name: it for it in _ALL if it not in HOLDERS}
"""The fields whose path is documented to the end."""


def mended_id(text: str) -> str | None:
    """Return what an id that is wrong may be corrected to, if anything."""
    seen = "".join(filter(str.isprintable, text)).strip()
    if NOTHING.fullmatch(seen) or EXPONENT.fullmatch(seen):
        return None
    quoted = QUOTED.fullmatch(seen) or POINT_ZERO.fullmatch(seen)
    bare = quoted[1] if quoted else seen.removeprefix("'").replace('"', "")
    return bare or None


def field_of(name: str) -> Field | None:
    """Return the field of a documented path; None if there is none."""
    for place in OPEN:
        # The seller chooses what follows.
        own = name.removeprefix(f"{place}.")
        if own and own != name:
            return Field(name, place, own, TEXT[KEY])
    return FIELDS.get(name)


def field_hint(name: str) -> str:
    """Return a hint for a path that is not documented; "" if none is near."""
    for place in OPEN:
        if name[: len(place)].lower() == place.lower():
            own = name[len(place) :].lstrip(".") or "anything"
            return f"{HINT}{place}.{name_of(own)}?"
    if hint := did_you_mean(name, FIELDS):
        return hint
    for known in FIELDS:
        # Such as userData.email where only "email" was written.
        if known.lower().endswith(f".{name.lower()}"):
            return f"{HINT}{known}?"
    return ""


def unknown_field(name: str) -> str:
    """Say that a path is not documented."""
    return f"{name_of(name)}: unknown{field_hint(name)}"


_order_of = builder(NewContract)


def sale_of(values: dict[str, Any]) -> Sale:
    """Return the order of values that were read, by their attributes."""
    return Sale(
        promo_code=values.pop("promo_code", None),
        vendor_id=values.pop("vendor_id", None),
        order=_order_of(values),
    )


def object_reader(
    holder: str = "", *, allow_unknown: bool
) -> Callable[[Any], dict[str, Any]]:
    """Return what reads the JSON of an order, or of an object in it.

    That returns the values by their attributes, or raises `WrongValue`.
    """
    members = {
        each.name.rpartition(".")[2]: (
            each.attribute,
            each.reader(allow_unknown=allow_unknown),
        )
        for each in _ALL
        if each.holder == holder
    }

    def read(data: Any) -> dict[str, Any]:
        if not is_object(data):
            raise WrongValue(f": {NO_OBJECT}")
        values: dict[str, Any] = {}
        reasons: list[str] = []
        unknown: list[str] = []
        if not holder and data.get(ORDER_ID) is None:
            reasons.append(f".{ORDER_ID}: is missing")
        for wire, value in data.items():
            if wire not in members:
                hint = did_you_mean(wire, members)
                unknown.append(f".{name_of(wire)}: unknown field{hint}")
            elif value is not None:
                attribute, read_value = members[wire]
                try:
                    values[attribute] = read_value(value)
                except WrongValue as wrong:
                    reasons += [f".{wire}{each}" for each in wrong.args]
        reasons += unknown
        if isinstance(data, RepeatedKeys):
            reasons += data.problems(".")
        if reasons:
            raise WrongValue(*reasons)
        return values

    return read
