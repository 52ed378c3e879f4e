"""Which texts can be the address of an e-mail.

The service ties a contract to the address, so a wrong one is a contract that
is paid for and that nobody can open.  Only the form is checked: whether
somebody reads what is sent there, no form says.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import chain

from ._marks import MANGLED, invisible


_LOOK = "must look like name@example.com"
# Never in the internet (RFC 6761, 6762, 7686).
_PRIVATE = (".test", ".local", ".localhost", ".invalid", ".onion", ".arpa")
_LONGEST = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets.
_LONGEST_NAME = 64
_LONGEST_LABEL = 63

USUAL_EMAIL = re.compile(
    r"(?!.{65})[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*"
    r"@(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+[A-Za-z]{2,}"
)
"""Addresses that are right beyond doubt; nearly all are."""

_NAME = re.compile(
    r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"
    r"(?:\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+)*"
)
_ASCII_LABEL = re.compile("[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?")
_SEVERAL = re.compile(r"@[^@]*[\s,;/|&+][^@]*@")
_SPACES = re.compile(r"\s")
_QUOTES = re.compile('["\u201c-\u201f\u2018-\u201b\u00ab\u00bb]')
_SEEN = "LNM"  # Letters, numbers, marks.
_NOT_IN_NAMES = "ZC"  # Spaces and controls.


def email_problem(text: str) -> str:
    """Say why a text is no address; "" if it can be one.

    It never shows the text.
    """
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
    if sign := invisible(text):
        yield (
            f"has an invisible character ({sign}); delete the address and "
            "type it, instead of copying it"
        )
    if not unicodedata.is_normalized("NFC", text):
        yield "has accents apart from their letters; type the address anew"
    if _SEVERAL.search(text):
        yield "must be one address only"
    if _QUOTES.search(text) or text.startswith("'") or text.endswith("'"):
        yield "must not have quotation marks"
    if _SPACES.search(text):
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
    if ".." in text:
        yield "must not have two dots in a row"
    if name.startswith(".") or name.endswith("."):
        yield "must not have a dot at the beginning or before the @"
    if domain.startswith(".") or domain.endswith("."):
        yield "must not have a dot at the end or after the @"
    if not _NAME.fullmatch(name) or not _is_visible(name):
        yield _LOOK
    labels = domain.split(".")
    if not all(map(_is_label, labels)) or labels[-1].isdecimal():
        yield f"has no right domain after the @; it {_LOOK}"


def _is_visible(name: str) -> bool:
    """Whether all is seen, and no accent stands without a letter."""
    return unicodedata.category(name[0])[0] != "M" and not any(
        unicodedata.category(each)[0] in _NOT_IN_NAMES for each in name
    )


def _is_label(label: str) -> bool:
    """Whether it can be between the dots of a domain."""
    if label.isascii():
        return (
            _ASCII_LABEL.fullmatch(label) is not None
            and len(label) <= _LONGEST_LABEL
            # Kept for the ASCII form of other letters, which must be right.
            and (label[2:4] != "--" or _is_encoded(label))
        )
    kinds = [unicodedata.category(each)[0] for each in label]
    return (
        kinds[0] != "M"
        and label[0] != "-" != label[-1]
        and all(
            it in _SEEN or each == "-"
            for it, each in zip(kinds, label, strict=True)
        )
        # Such as letters of double width.
        and unicodedata.is_normalized("NFKC", label)
        and len(label.encode("punycode")) + len("xn--") <= _LONGEST_LABEL
    )


def _is_encoded(label: str) -> bool:
    start, encoded = label[:4].lower(), label[4:]
    try:
        decoded = encoded.encode().decode("punycode")
    except UnicodeError:
        return False
    return start == "xn--" and not decoded.isascii() and _is_label(decoded)
