"""Leave out of Sesamy's messages what repeats what the caller has sent.

What was sent and what was said are bounded, so that the time is, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from html import unescape
from typing import Any, cast
from unicodedata import combining, normalize
from urllib.parse import parse_qsl, urlsplit

from .call import Call


_BESIDE_AT = r"[^\s@\"'<>(),;:]"
_CONTACT = re.compile(
    rf"{_BESIDE_AT}@{_BESIDE_AT}|\+\d(?:[ ().\-/]{{0,3}}\d){{6,}}"
)
# What is encoded (%C3%B6, &ouml;, \u00f6), lost or wrongly decoded (Ã¶).
_NEXT = bytes(range(0x80, 0xC0)).decode("cp1252", "ignore") + "ÿ\x80-\x9f"
_ENCODED = re.compile(
    rf"%[0-9a-fA-F]{{2}}|&[#\w]|\\|\ufffd|\?[\w?]|[\xc2-\xff][{_NEXT}]"
)
# What unescaping stops at, or fails at.
_UNESCAPABLE = re.compile(r"(?<=&)(?:amp;)+|\d{4000,}")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_WORD = re.compile(r"[^\W_]{3,}")
# To be found within longer ones.
_LONG_WORD = re.compile(r"[^\W_]{5,}")
_LONG = re.compile(r"\S{5,}")
_DIGITS = re.compile(r"\d(?:[ ().\-/]{0,3}\d){4,}")
_NO_DIGIT = re.compile(r"\D")
# Hex digits, perhaps as a UUID: what has both kinds is no word or number.
_RANDOM = re.compile("(?=.*[0-9])(?=.*[a-f])[0-9a-f-]{8,64}")
_NO_DIGITS = bytes({*range(256)} - {*b"0123456789"})
_FIVE_DIGITS = re.compile("(?=([0-9]{5}))")
# How letters are written where a keyboard lacks them: Aase for Åse.
_PLAIN = str.maketrans(
    {"å": "aa", "ä": "ae", "æ": "ae", "ö": "oe", "ø": "oe", "œ": "oe"}
    | {"ü": "ue", "ð": "d", "đ": "d", "þ": "th", "ł": "l"}
)
_ADDED = re.compile("(?<=a)[ae]+|(?<=[ou])e+")  # Without these, it is Ase.
_GENITIVE = re.compile("s+$")  # Of Astrid, a Swedish text says "Astrids".
_DOMAIN = re.compile(r"@\S*")
_PUBLIC = {"externalOrderId", "paymentProvider", "paymentMethod", "gender"}
_BOOLEANS = {"true", "false"}
_KEYS = {"field", "reason"}  # Of the details of an error (D).

# Limits, in characters, unless they say otherwise.
_LARGEST = 262_144  # Bytes of what was sent.
_MOST_SENT = 32_768  # Of its values, as they are compared.
_MOST_SAID = 16_384  # Of an answer, as it is compared.
_EACH = 256  # A text of it counts for so many more.
_LONGEST = 200
_SHORTEST = 3
_SHORTEST_NUMBER = 5

LEFT_OUT = "***"
"""What is in place of a text that may repeat what was sent."""


def redact(said: list[Any], call: Call) -> list[Any]:
    """Return values of an error, without those that repeat what was sent.

    What counts as repeated is listed in docs/privacy.md.  An object loses
    the entries that do; a list is left out as a whole.
    """
    sent = _Sent(call)
    return [
        {
            key if key in _KEYS else sent.redacted(key): sent.redacted(inner)
            for key, inner in cast("dict[str, Any]", value).items()
        }
        if isinstance(value, dict)
        else sent.redacted(value)
        for value in said
    ]


def redact_id(named: str | None, call: Call) -> str | None:
    """Return the id of a request, unless it repeats what was sent."""
    if named is None or (
        _RANDOM.fullmatch(named) and not _repeats(named, call)
    ):
        # What follows takes some milliseconds.
        return named
    return str(*redact([named], call))


def _repeats(named: str, call: Call) -> bool:
    """Whether a random id may have something in it that was sent."""
    sent = call.request.content + call.request.url.encode()
    for secret in filter(None, (call.order, call.request.authorization)):
        sent += secret.reveal().encode()
    if len(sent) > _LARGEST or named.encode() in sent:
        return True
    numbers = sent.translate(None, delete=_NO_DIGITS)
    # All runs of five digits, also within longer ones.
    runs = _FIVE_DIGITS.findall(named.replace("-", ""))
    return any(run.encode() in numbers for run in runs)


def presentable(text: Any) -> str | None:
    """Return Sesamy's words as one short line."""
    if not isinstance(text, str):
        return None
    line = " ".join(text.split())
    shown = "".join(filter(str.isprintable, line))
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


class _Sent:
    """What a call sent: its words and numbers, and parts of words."""

    def __init__(self, call: Call) -> None:
        self._words: set[str] = set()
        self._parts: set[str] = set()
        left = _MOST_SENT
        contents = _contents(call)
        small = sum(map(len, contents)) <= _LARGEST
        for value in {*_values(call, contents)} if small else ():
            meant = unescape(_UNESCAPABLE.sub("", value))
            for form in {value, meant, _NOT_ASCII.sub("?", meant)}:
                text = _folded(form).strip()
                left -= len(text)
                if left >= 0:
                    self._learn(text)
        # Nothing is shown if not all of it could be learned.
        self._left = _MOST_SAID * (small and left >= 0)

    def _learn(self, text: str) -> None:
        named = _DOMAIN.sub(" ", text)
        self._words |= _words(named) | _numbers(text)
        parts = [text, *_LONG.findall(named), *_LONG_WORD.findall(named)]
        self._parts |= {
            spelled
            for part in parts
            for spelled in _spellings(part)
            if len(spelled) >= _SHORTEST
        }

    def redacted(self, value: Any) -> Any:
        said = normalize("NFC", "\n".join(_leaves(value)))
        text = _folded(said)
        self._left -= _EACH + len(text)
        repeats = said and (self._left < 0 or self._has(said, text))
        return LEFT_OUT if repeats else value

    def _has(self, said: str, text: str) -> bool:
        return (
            any(map(_ENCODED.search, (said, text)))
            or any(map(_CONTACT.search, (said, text)))
            or not self._words.isdisjoint(_words(text) | _numbers(text))
            or any(
                part in spelled
                for spelled in _spellings(text)
                for part in self._parts
            )
        )


def _contents(call: Call) -> set[bytes]:
    orders = [call.order.reveal().encode()] if call.order else []
    return {call.request.content, *orders}


def _values(call: Call, contents: set[bytes]) -> Iterator[str]:
    for content in contents:
        with suppress(ValueError, RecursionError):
            yield from _leaves(json.loads(content), sent=True)
    for _, value in parse_qsl(urlsplit(call.request.url).query):
        if value not in _BOOLEANS:
            yield value
    if call.request.authorization is not None:
        scheme, _, token = call.request.authorization.reveal().partition(" ")
        yield token or scheme


def _leaves(value: Any, *, sent: bool = False) -> Iterator[str]:
    """Yield the texts and numbers of a JSON value; if it was said, its keys.

    Without recursion: what was sent may be nested as deeply as JSON goes.
    """
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            pairs = cast("dict[str, Any]", item).items()
            for key, inner in pairs:
                if not sent:
                    rest += [key, inner]
                elif key not in _PUBLIC:
                    rest.append(inner)
        elif isinstance(item, list):
            rest += item
        elif item is not None and not isinstance(item, bool):
            yield str(item)


def _folded(text: str) -> str:
    """Return a text without case, accents and invisible characters."""
    return "".join(map(_folded_char, normalize("NFC", text)))


@lru_cache(4096)
def _folded_char(char: str) -> str:
    if char.isspace():
        return " "
    if not char.isprintable():
        return ""
    plain = normalize("NFKC", char).casefold().translate(_PLAIN)
    letters = normalize("NFKD", plain)
    return "".join(each for each in letters if not combining(each))


def _spellings(text: str) -> set[str]:
    """Return a folded text, and what Åse, Aase and Ase have in common."""
    return {text, _ADDED.sub("", text)}


def _words(text: str) -> set[str]:
    return {
        _GENITIVE.sub("", _ADDED.sub("", word))
        for word in _WORD.findall(text)
        if not word.isdigit()
    }


def _numbers(text: str) -> set[str]:
    """Return the runs of five digits of all numbers.

    Numbers that share a run are alike: +46701740605 and 070-174 06 05.
    """
    numbers = (_NO_DIGIT.sub("", each) for each in _DIGITS.findall(text))
    return {
        digits[start : start + _SHORTEST_NUMBER]
        for digits in numbers
        for start in range(len(digits) - _SHORTEST_NUMBER + 1)
    }
