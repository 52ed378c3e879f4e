"""Words for people who do not program: reasons, and lists of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice


_DATE = "must be a date such as 1980-12-31"
_TEXT = "must be text, in quotation marks"
_BRACES = "must be a group of fields, in braces { }"
_WORDS = (
    (r"(?:expected|must be a) str, got \w+", _TEXT),
    (r"expected int, got \w+", "must be a whole number such as 1"),
    (r"expected date, datetime or str, got \w+", _DATE),
    (r"must be an ISO 8601 date such as 1980-12-31", _DATE),
    (
        r"a time of day needs a UTC offset",
        f"has a time of day without a time zone; it {_DATE}",
    ),
    (r"(?:expected|must be) an object, got \w+", _BRACES),
    (r"must be a finite number", "must be a number"),
    (
        r"has a lone surrogate, which is not valid text",
        "has a damaged character; write it again",
    ),
    (
        r"has a NUL character, which is not text",
        "has an invisible character that no text may have; write it again",
    ),
    (r"required, because ", "is missing, and "),
    (r"required$", "is missing"),
    (
        r"must be an id; it is empty, '\.' or '\.\.'",
        "must not be empty or dots",
    ),
    (
        r"contains control characters or invalid Unicode",
        "has invisible or damaged characters; write it again",
    ),
    (r"unknown(?: field)?(?=$|;)", "is not the name of a field"),
    (r"nested (?:too deeply|more than \d+ deep)", "has too many braces"),
    (r"not JSON: broken", "is not complete: it is broken"),
    (r"not JSON: ", "is not an order in JSON: it "),
)
_ALL = re.compile("|".join(f"({pattern})" for pattern, _ in _WORDS))
_KEY = " (the key)"


def plain_reason(reason: str) -> str:
    """Return why a cell or a field is wrong, without a programmer's words."""
    found = _ALL.match(reason)
    if found is not None:
        _, words = _WORDS[(found.lastindex or 1) - 1]
        reason = f"{words}{reason[found.end() :]}"
    if reason.endswith(_KEY):
        return f"{reason.removesuffix(_KEY)} (the name of the field)"
    return reason


_MOST_SHOWN = 20


def first_of(lines: Iterable[str]) -> list[str]:
    """Return the first twenty lines, and how many more there are."""
    rest = iter(lines)
    shown = [*islice(rest, _MOST_SHOWN)]
    if more := sum(1 for _ in rest):
        shown.append(f"and {more:,} more")
    return shown
