"""What a spreadsheet shows for a number: ``0352`` for 352."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import TypeAlias


MOST_DIGITS = 15  # A spreadsheet rounds a number that has more.
_ROUNDED = 1e15

# The digits and signs of an id, behind a language such as [$-41D]; what
# follows is of negative numbers, which have the sign that they always have.
_ID = re.compile(
    r'(?:\[\$-\w+\])?((?:"[^"]*"|\\.|[0# +-])*)(?:;.*)?', re.DOTALL
)
_PIECE = re.compile(r'([0#])|"([^"]*)"|\\(.)|([ +-])', re.DOTALL)
_PART_OF_AN_ID = re.compile(r"[-+\d]")
_POWER = re.compile(r'(?:"[^"]*"|\\.|[^"\\;])*?[eE][-+]')
# Not those of decimal places, of thousands, or of a limit: [<=1000].
_ZEROS = re.compile(r"(?<![.,\d])00")


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

    It is empty if the format is not understood.
    """
    if pieces := _pieces(code):
        if not _is_exact(value):
            return plain(value)
        whole = Decimal(repr(value)).quantize(Decimal(1), ROUND_HALF_UP)
        sign = "-" if value < 0 else ""
        return sign + _filled(pieces, str(abs(int(whole))).lstrip("0"))
    if _POWER.match(code):
        few = has_few_digits(value)
        return f"{value:.{_FEW - 1}E}" if few else plain(value)
    return ""


_FEW = 3


def has_few_digits(value: float) -> bool:
    """Whether the form with an exponent shows all that a number has."""
    return value != 0 and value == float(f"{value:.{_FEW - 1}e}")


def _is_exact(value: float) -> bool:
    # Some programs write what is no number at all, of which nothing is true.
    return abs(value) < _ROUNDED


def matters(code: str) -> bool:
    """Whether a number format can show more than the number."""
    return bool(_pieces(code) or _POWER.match(code) or _ZEROS.search(code))


_Piece: TypeAlias = tuple[bool, str]  # Whether it is a digit, and what.


@lru_cache(maxsize=1024)
def _pieces(code: str) -> Sequence[_Piece]:
    """Return what an id is filled into; nothing of another format."""
    found = _ID.fullmatch(code)
    pieces = [
        (bool(digit), digit or "".join(text))
        for digit, *text in _PIECE.findall(found[1] if found else "")
    ]
    places = [at for at, (is_digit, _) in enumerate(pieces) if is_digit]
    # Behind the digits stands a unit.
    inside = "".join(
        text
        for is_digit, text in pieces[: max(places, default=0)]
        if not is_digit
    )
    zeros = pieces.count((True, "0"))
    return pieces if zeros > 1 or _PART_OF_AN_ID.search(inside) else ()


def _filled(pieces: Sequence[_Piece], digits: str) -> str:
    left = sum(is_digit for is_digit, _ in pieces)
    filled: list[str] = []
    for is_digit, text in reversed(pieces):
        if is_digit:
            left -= 1
            # The first place takes all that is left.
            last = digits[-1:] if left else digits
            digits = digits[: -len(last)] if last else ""
            filled.append(last or ("0" if text == "0" else ""))
        else:
            filled.append(text)
    return "".join(reversed(filled)).strip()
