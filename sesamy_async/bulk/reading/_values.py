"""What can be in a cell: the signs of spreadsheets, e-mails and dates."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from itertools import chain


class WrongValue(Exception):  # noqa: N818 - it never leaves this package
    """A value that a field can't hold.

    Its arguments are all reasons, each after the path inside the value:
    ``": must not be blank"``, ``".city: must be text, in quotation marks"``.
    """


# What spreadsheets, databases and copying leave in a cell

EXPONENT = re.compile(
    "[0-9][eE][+-][0-9]{2,3}"
    "|[0-9]+[eE][+][0-9]{1,3}"
    "|[0-9]+[.,][0-9]+[eE][+-]?[0-9]{1,3}"
)
"""A long number as a spreadsheet shows it: ``4,67E+10``.

``12E3`` and ``4711E-12`` are ids that people do give.
"""

POINT_ZERO = re.compile("([0-9]+)[.,]0")
"""A whole number as programs write it that took it for a decimal one."""

QUOTED = re.compile('="([^"]*)"')
"""A text as a formula, so that a spreadsheet leaves it as it is."""

NOTHING = re.compile(
    r"(?:null|none|nan|undefined)(?: (?:null|none|nan|undefined))?"
    r"|\(null\)|nil|n/a|\\n|\[object object\]|[-–—]{1,3}",  # noqa: RUF001
    re.IGNORECASE,
)
"""What stands where there is no value; names of two parts can be so twice."""

FAILED = re.compile(
    "#[^\\W\\d_]+(?:/0)?[!?]|#(?:N/A|N/D|I/T|NV|N/V)|#{2,}|Err:[0-9]{3}"
)
"""What a formula that failed shows, also in the Nordic languages."""

WIDE = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
"""Spaces that are not the usual one; in pages, they prevent line breaks."""

INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffc]"
)
"""Characters that nobody sees, and that come along with what is copied."""

_SEEN_BYTES = bytes(range(0x80, 0xC0)).decode("cp1252", errors="ignore")
MANGLED = re.compile(
    f"[ÃÂ][\x80-\x9f{_SEEN_BYTES}]|â€|\ufffd"  # UTF-8 read as cp1252.
    # DOS or Mac read as cp1252.
    "|[A-Za-z][†„™\u203a¿¾Œ][a-zåäöøæ]"
    "|(?<!\\S)[†™\u203a¾][a-zåäöøæ]"
)
LOST = re.compile("[A-Za-zåäöøæ][?][a-zåäöøæ]")
"""A letter that an encoding does not have; or the address of a page."""

USUAL_ID = re.compile("(?![0-9][Ee]-)[A-Za-z_/#-]*[0-9][0-9A-Za-z_/-]*")
"""Ids in which nothing of this page can be."""

# Each begins with sets of characters only, which makes it five times as fast;
# what was in them is asked afterwards.
_ODD = re.compile(
    '[+.,"\x00-\x1e\x7f-\xa0\xad?ÃÂ€†„™\u203a¿¾Œ\u061c\u115f\u1160\u1680\u180e'
    "\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufeff\uffa0"
    "\ufff9-\ufffd]"
    "(?:(?<![+.,])|(?<=[eE][+])[0-9]|(?<=[.,])(?:0\x1f|[0-9]+[eE]))"
)
_ODD_BEGINNING = re.compile(
    "\x1f[ '=#nNuUE(\\[\\\\–—-]"  # noqa: RUF001 - dashes
    "(?:(?<=[ '=])|(?<=#)[^0-9\x1f]|(?<=[–—-])[–—-]*\x1f"  # noqa: RUF001
    "|(?<=[nNuUE(\\[\\\\])"
    "(?i:ull|one|an|il|/a|ndefined|rr:[0-9]+|null\\)|n|object)[ \x1f])"
)
_ODD_END = re.compile(" \x1f")


def suspicious(text: str) -> bool:
    """Whether any cell may have to be cleaned, or be warned of.

    It looks for what the readers of the fields would take as it is; what
    they refuse is found there.

    Args:
        text: The cells of a row with U+001F between them.
    """
    cells = f"\x1f{text}\x1f"
    return bool(
        _ODD_END.search(cells)
        or _ODD_BEGINNING.search(cells)
        or _ODD.search(cells)
    )


# Addresses of e-mails.  A contract is tied to one, so with a wrong one nobody
# can open what was paid for.  Only the form is checked.

_LOOK = "must look like name@example.com"
# Never in the internet (RFC 6761, 6762, 7686).
_PRIVATE = (".test", ".local", ".localhost", ".invalid", ".onion", ".arpa")
_LONGEST = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets.
_LONGEST_NAME = 64

USUAL_EMAIL = re.compile(
    r"(?!.{65})[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
    r"@(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+[A-Za-z]{2,}"
)
"""Addresses that are right beyond doubt; nearly all are."""

_NAME = re.compile(
    r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"
    r"(?:\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+)*"
)
# Letters, digits and inner hyphens; signs of other alphabets are asked for.
_LABEL = (
    r"[^\W_](?:[a-zA-Z0-9\x80-\U0010ffff-]{0,61}[a-zA-Z0-9\x80-\U0010ffff])?"
)
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)*(?!\d+\Z){_LABEL}")
_SEVERAL = re.compile(r"@[^@]*[\s,;/|&+][^@]*@")
_QUOTES = re.compile("[\"\u201c-\u201f\u2018-\u201b\u00ab\u00bb]|^'|'$")
_SEEN = "LNM"  # Letters, numbers, marks.


def email_problem(text: str) -> str:
    """Say why a text is no address, without the text; "" if it can be one."""
    if USUAL_EMAIL.fullmatch(text):
        return ""
    return next(chain(_wrong_signs(text), _wrong_parts(text)), "")


def is_public(address: str) -> bool:
    """Whether the domain of an address can be one of the internet."""
    return address.rfind(".") > address.rfind("@") and not (
        address.lower().endswith(_PRIVATE)
    )


def _wrong_signs(text: str) -> Iterator[str]:
    # At first, because what follows is slow for texts without end.
    if len(text.encode()) > _LONGEST:
        yield f"has more than {_LONGEST} characters"
    if sign := INVISIBLE.search(text):
        yield (
            f"has an invisible character (U+{ord(sign[0]):04X}); delete the "
            "address and type it, instead of copying it"
        )
    if not unicodedata.is_normalized("NFC", text):
        yield "has accents apart from their letters; type the address again"
    if _SEVERAL.search(text):
        yield "must be one address only"
    if _QUOTES.search(text):
        yield "must not have quotation marks"
    if re.search(r"\s", text):
        yield "must not have spaces in it"
    if text.count("@") > 1:
        yield "must have one @ only"
    if "," in text or ";" in text:
        dot = ": should it be a dot?" if "@" in text else ""
        yield f"has a comma or a semicolon{dot}"
    if MANGLED.search(text):
        yield "has letters that look wrong: is the encoding right?"


def _wrong_parts(text: str) -> Iterator[str]:
    name, _, domain = text.rpartition("@")
    if len(name.encode()) > _LONGEST_NAME:
        yield f"has more than {_LONGEST_NAME} characters before the @"
    if not _NAME.fullmatch(name) or not _is_visible(name):
        yield _LOOK
    if not _is_domain(domain):
        yield f"has a wrong domain after the @; it {_LOOK}"


def _is_visible(name: str) -> bool:
    """Whether all is seen, and no accent stands without a letter."""
    kinds = [unicodedata.category(each)[0] for each in name]
    return kinds[0] != "M" and not {*kinds} & {"Z", "C"}


def _is_domain(domain: str) -> bool:
    return (
        _DOMAIN.fullmatch(domain) is not None
        and all(
            each.isascii() or unicodedata.category(each)[0] in _SEEN
            for each in domain
        )
        # Unlike letters of double width.
        and unicodedata.is_normalized("NFKC", domain)
    )


# Dates.  Where two readings are possible, nothing is guessed: 03/04/1981 is
# in March for some, and in April for others.


def _form(name: str) -> re.Pattern[str]:
    """Return what reads a form; with signs in between, 1 is as good as 01."""
    few = "{2}" if name.isalpha() else "{1,2}"
    pattern = re.escape(name)
    for group, count in (("year", "{4}"), ("month", few), ("day", few)):
        pattern = re.sub(
            f"{group[0].upper()}+",
            f"(?P<{group}>[0-9]{count})",
            pattern,
            count=1,
        )
    # Midnight is what a spreadsheet adds to a date.
    return re.compile(rf"{pattern}(?:[ T]0?0:00(?::00(?:\.0+)?)?)?")


_CLEAR = ("YYYY-MM-DD", "YYYY/MM/DD", "YYYY.MM.DD", "YYYYMMDD", "DD.MM.YYYY")
"""Forms that can be read in one way only."""

DATE_FORMS = {
    name: _form(name)
    for name in (
        *(*_CLEAR, "DD/MM/YYYY", "DD-MM-YYYY", "DDMMYYYY"),
        *("D.M.YYYY", "D/M/YYYY", "D-M-YYYY"),
        *("MM/DD/YYYY", "MM-DD-YYYY", "M/D/YYYY", "M-D-YYYY"),
    )
}
"""The forms by name, as a mapping names them."""

_UNCLEAR = re.compile("[0-9]{1,2}[/-][0-9]{1,2}[/-](?:[0-9]{2}){1,2}")
_SHORT_YEAR = re.compile("[0-9]{1,2}([./-])[0-9]{1,2}\\1[0-9]{2}")
_SERIAL = re.compile("[0-9]{4,5}(?:[.,]0+)?")
_NO_DAY = "is not a day in the calendar"
_SAY = (
    'say with [dates] in a mapping how dates are written, such as "DD/MM/YYYY"'
)
NO_DATE = "must be a date such as 1980-12-31"


def read_date(text: str, form: str | None) -> str:
    """Return a date in ISO 8601.

    Args:
        text: The date.
        form: The name of the form that a mapping says, or None.

    Raises:
        WrongValue: It is no date, or it is not clear which.
    """
    for name in (form, *_CLEAR):
        found = DATE_FORMS[name].fullmatch(text) if name else None
        if found:
            year, month, day = map(int, found.group("year", "month", "day"))
            if _is_day(year, month, day):
                return date(year, month, day).isoformat()
            written = f" written {form}" if name == form else ""
            raise WrongValue(f": {_NO_DAY}{written}")
    raise WrongValue(f": {_unread(text, form)}")


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _unread(text: str, form: str | None) -> str:
    if _SHORT_YEAR.fullmatch(text):
        return "must have a year of four digits"
    if _SERIAL.fullmatch(text):
        return (
            "is the number that a spreadsheet has for a date; format the "
            "column as a date such as 1980-12-31 and export it again"
        )
    if form:
        return f"must be a date written {form}, or such as 1980-12-31"
    if _UNCLEAR.fullmatch(text):
        one, two, year = map(int, re.split("[/-]", text))
        days = _is_day(year, one, two) + _is_day(year, two, one)
        return (
            _NO_DAY,
            f"{NO_DATE}; or {_SAY}",
            f"can be read in more than one way; {_SAY}",
        )[days]
    return NO_DATE
