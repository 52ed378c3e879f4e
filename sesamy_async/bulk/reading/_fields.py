"""Read the cells of a row as the fields of an order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any, TypeAlias

import attrs

from sesamy_async._checks import segment
from sesamy_async._models import (
    JSON_OBJECT,
    KEY,
    QUANTITY,
    TEXT,
    TEXTS,
    NewContract,
    Rule,
    name_of,
    ruled_fields,
)
from sesamy_async.errors import InvalidRequestError


Check: TypeAlias = Callable[[Any, str], Iterator[str]]

ORDER_ID = "externalOrderId"
PROMO_CODE = "promoCode"
VENDOR_ID = "vendorId"
OVERRIDES = (PROMO_CODE, VENDOR_ID)
"""What a row may say besides the order, instead of the options."""

_OPEN = (TEXTS[KEY], JSON_OBJECT[KEY])
_SHOWN_NUMBER = re.compile(r", got -?\d+$")


@attrs.frozen
class Field:
    """One place of an order, or of what it is sold under.

    Attributes:
        path: Its names from the outside in, such as
            ``("userData", "address", "city")``.
        rule: What the order's own classes ask of it.
    """

    path: tuple[str, ...]
    rule: Rule

    @property
    def name(self) -> str:
        """The documented path, such as ``"userData.address.city"``."""
        return ".".join(self.path)

    @property
    def whole_number(self) -> bool:
        """Whether it is sent as a number rather than as a text."""
        return self.rule is QUANTITY[KEY]

    @property
    def any_text(self) -> bool:
        """Whether every text is right."""
        return self.rule is TEXT[KEY]

    def check(self, *, allow_unknown: bool) -> Check:
        """Return what finds out what is wrong with a value.

        Args:
            allow_unknown: Whether a word may be none that the guide names.
        """
        if self.path == (ORDER_ID,):
            return partial(_order_id_problems, self.rule)
        if self.rule.words is not None and not allow_unknown:
            return partial(_word_problems, self.rule, self.rule.words)
        return self.rule.check


def field_of(name: str) -> Field | None:
    """Return the field of a documented path; None where there is none.

    What follows ``vendorData.``, ``providerData.`` or ``extraData.`` is a
    name of the caller's own.
    """
    known = FIELDS.get(name)
    if known is not None:
        return known
    for place in OPEN:
        own = name.removeprefix(f"{place}.")
        if own and own != name:
            return Field((*place.split("."), own), TEXT[KEY])
    return None


def mended_id(text: str) -> str | None:
    """Return what somebody will make of an id that is wrong, if anything."""
    return "".join(filter(str.isprintable, text)).strip() or None


def without_value(reason: str) -> str:
    """Take the number out of a reason that shows which one was given."""
    return _SHOWN_NUMBER.sub("", reason)


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
    if not reasons and value not in [*words]:
        listed = ", ".join(words)
        near = {word.lower(): word for word in words}.get(value.lower())
        hint = f"; did you mean {near}?" if near else ""
        yield f"{path}: must be one of {listed}{hint}"


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
        yield f"{path}: expected str, got {type(value).__name__}"
        return
    problem = _segment_problem(name, value)
    if problem is not None:
        yield f"{path}: {problem}"


def _order_fields(
    model: type[Any], above: tuple[str, ...] = ()
) -> Iterator[Field]:
    for wire, field in ruled_fields(model).items():
        path = (*above, wire)
        if field.rule.model is None:
            yield Field(path, field.rule)
        else:
            yield from _order_fields(field.rule.model, path)


def _override(name: str) -> Field:
    return Field((name,), Rule(check=partial(_segment_problems, name)))


_ALL = (*_order_fields(NewContract), *map(_override, OVERRIDES))

FIELDS: Mapping[str, Field] = {
    field.name: field for field in _ALL if field.rule not in _OPEN
}
"""The fields whose path is documented to the end."""

OPEN: tuple[str, ...] = tuple(
    field.name for field in _ALL if field.rule in _OPEN
)
"""The paths below which any name may stand."""


HINT = "; did you mean "
"""What stands in front of what somebody may have meant."""

_LONGEST_NAME = 60


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint that can stand at the end of a reason; often empty."""
    words = {word.lower(): word for word in known}
    near = get_close_matches(name[:_LONGEST_NAME].lower(), words, n=1)
    return f"{HINT}{words[near[0]]}?" if near else ""


def unknown_field(name: str) -> str:
    """Say that a path is none that is documented.

    A path may be misspelt at its beginning, its end, or in its case; of
    one below which any name may stand, only the beginning counts.
    """
    shown = name_of(name)
    for place in OPEN:
        if name[: len(place)].lower() == place.lower():
            own = name[len(place) :].lstrip(".") or "anything"
            return f"{shown}: unknown{HINT}{place}.{name_of(own)}?"
    last = {known.rpartition(".")[2]: known for known in reversed([*FIELDS])}
    hint = did_you_mean(name, FIELDS) or _by_end(name, last)
    return f"{shown}: unknown{hint}"


def _by_end(name: str, last: dict[str, str]) -> str:
    """Find ``userData.email`` where only ``email`` was written."""
    return next(
        (
            f"{HINT}{known}?"
            for end, known in last.items()
            if end.lower() == name.lower()
        ),
        "",
    )


def is_text(row: str) -> bool:
    """Whether a row holds no lone surrogate.

    Some codecs make them, such as UTF-7.  To encode the row is a tenth of
    what a regular expression costs.
    """
    try:
        row.encode()
    except UnicodeEncodeError:
        return False
    return True
