"""What spreadsheets, databases and copying leave in a cell."""

from __future__ import annotations

import re


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


def invisible(text: str) -> str:
    """Return the name of the first invisible character; "" without any."""
    found = INVISIBLE.search(text)
    return f"U+{ord(found[0]):04X}" if found else ""
