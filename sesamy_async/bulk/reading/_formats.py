"""What a spreadsheet shows for a number: ``0352`` for 352."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property, lru_cache
from operator import eq, ge, gt, le, lt, ne
from typing import TypeAlias

import attrs


MOST_DIGITS = 15  # A spreadsheet rounds a number that has more.
_ROUNDED = 1e15

_COMPARE = {"<=": le, ">=": ge, "<>": ne, "<": lt, ">": gt, "=": eq}
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?\d+(?:\.\d+)?)")
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"'
    r"|\\(?P<escaped>.)"
    r"|\[(?P<brackets>[^\]]*)\]"
    r"|[_*](?P<space>.)"
    r"|(?P<digit>[0#?])"
    r"|(?P<end>;)"
    r"|(?P<power>[eE][-+])"
    # Of amounts, dates, shares and texts; "General" has such letters too.
    r"|(?P<other>[.,%/@A-Za-z])"
    r"|(?P<literal>.)",
    re.DOTALL,
)
# [$kr-41D]; not a language, [$-41D], or a colour.
_CURRENCY = re.compile(r"\$[^-]")
_PART_OF_AN_ID = re.compile(r"[-+\d]")


def plain(value: float) -> str:
    """Return a number as text: without an exponent, and without ``.0``.

    One of more than 15 digits was rounded: its exponent makes it no id.
    """
    if not _is_exact(value):
        return f"{value:.{MOST_DIGITS - 1}E}"
    if value == int(value):
        return str(int(value))
    return f"{Decimal(f'{value:.{MOST_DIGITS}g}'):f}"


def shown(code: str, value: float) -> str:
    """Return a number as a spreadsheet shows it in a number format.

    That counts where the format adds digits, or signs of an id: ``0000``,
    ``000 00``, ``"NO-"0``; not in ``# ##0.00`` or ``0 "kr"``.  An id such as
    12E3 becomes ``0.00E+00``; a number with more digits was typed so.
    """
    section, sign = _section_for(_sections(code), value)
    if section.is_power:
        few = has_few_digits(value)
        return f"{value:.{_FEW - 1}E}" if few else plain(value)
    if not section.matters or not _is_exact(value):
        return plain(value)
    whole = int(Decimal(repr(value)).quantize(Decimal(1), ROUND_HALF_UP))
    return sign + section.fill(str(abs(whole)).lstrip("0"))


_FEW = 3


def has_few_digits(value: float) -> bool:
    """Whether the form with an exponent shows all that a number has."""
    return value != 0 and value == float(f"{value:.{_FEW - 1}e}")


def _is_exact(value: float) -> bool:
    # Some programs write what is no number at all, of which nothing is true.
    return abs(value) < _ROUNDED


def matters(code: str) -> bool:
    """Whether a number format can show more than the number."""
    return any(each.matters for each in _sections(code))


_Piece: TypeAlias = tuple[bool, str]  # Whether it is a digit, and what.


@attrs.define
class _Section:
    """What a format says of some numbers, such as the negative ones."""

    pieces: list[_Piece] = attrs.field(factory=list[_Piece])
    condition: tuple[str, float] | None = None
    is_amount: bool = False
    is_power: bool = False

    def applies(self, value: float) -> bool:
        if self.condition is None:
            return True
        operator, limit = self.condition
        return bool(_COMPARE[operator](value, limit))

    @cached_property
    def matters(self) -> bool:
        if self.is_power:
            return True
        places = [at for at, (digit, _) in enumerate(self.pieces) if digit]
        if self.is_amount or not places:
            return False
        # Behind the digits stands a unit.
        inside = "".join(
            text for digit, text in self.pieces[: places[-1]] if not digit
        )
        zeros = self.pieces.count((True, "0"))
        return zeros > 1 or bool(_PART_OF_AN_ID.search(inside))

    def fill(self, digits: str) -> str:
        left = sum(digit for digit, _ in self.pieces)
        filled: list[str] = []
        for digit, text in reversed(self.pieces):
            if digit:
                left -= 1
                # The first place takes all that is left.
                last = digits[-1:] if left else digits
                digits = digits[: -len(last)] if last else ""
                filled.append(last or ("0" if text == "0" else ""))
            else:
                filled.append(text)
        return "".join(reversed(filled)).strip()


@lru_cache(maxsize=1024)
def _sections(code: str) -> Sequence[_Section]:
    sections = [_Section()]
    for token in _TOKEN.finditer(code):
        section, kind = sections[-1], str(token.lastgroup)
        text = token[kind]
        if kind == "end":
            sections.append(_Section())
        elif kind == "brackets":
            found = _CONDITION.fullmatch(text)
            if found is not None:
                section.condition = found[1], float(found[2])
            section.is_amount |= bool(_CURRENCY.match(text))
        elif kind in {"other", "power"}:
            section.is_amount = True
            section.is_power |= kind == "power"
        elif kind != "space":
            section.pieces.append((kind == "digit", text))
    return tuple(sections)


def _section_for(
    sections: Sequence[_Section], value: float
) -> tuple[_Section, str]:
    """Return the section for a number, and the sign before it."""
    minus = "-" if value < 0 else ""
    if any(each.condition for each in sections):
        found = next((it for it in sections if it.applies(value)), sections[0])
        return found, minus
    if minus and len(sections) > 1:
        # It has a sign of its own.
        return sections[1], ""
    # The third is of zero; a fourth is of texts.
    place = 0 if value else 2 % len(sections)
    return sections[place], minus
