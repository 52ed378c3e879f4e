"""Redact in Sesamy's messages what the caller has sent.

What was sent and what was said are bounded, so that the time is, too.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from html import unescape
from typing import Any, cast
from unicodedata import combining, normalize
from urllib.parse import parse_qsl, quote, urlsplit

from .call import Call


# A call imports nothing: a process that is forked meanwhile could hang.
codecs.lookup("cp1252")

_WORD = r"[^\s@\"'<>(),;:]"
# Tried at the first character of a word only: at each one, it would take
# minutes for a word of some megabytes.
_EMAIL = re.compile(rf"(?<!{_WORD}){_WORD}++@{_WORD}++")
_PHONE = re.compile(r"\+\d(?:[ ().\-/]{0,3}\d){6,}")
_TOKEN = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"\d(?:[ ().\-/]{0,3}\d){4,}")
_NO_DIGIT = re.compile(r"\D")
# Hex digits, perhaps as a UUID: what has both kinds is no word or number.
_RANDOM = re.compile("(?=.*[0-9])(?=.*[a-f])[0-9a-f-]{8,64}")
_NO_DIGITS = bytes({*range(256)} - {*b"0123456789"})
_FIVE_DIGITS = re.compile("(?=([0-9]{5}))")
# `unescape` fails at 4,301 digits, and no character has as many as 32.
_ENTITY = re.compile(r"&(?:amp;)*+((?:#[xX]?)?)0*+([0-9A-Za-z]{1,32};?)")
# Letters that have no accent to be taken off.
_PLAIN = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ð": "d", "đ": "d", "þ": "th", "ł": "l"}
)
# How names are written where a keyboard has no such letters.
_RING = {"å": "aa"}
_DOTS = {"ä": "ae", "ö": "oe", "ø": "oe", "ü": "ue"}
_SPELLINGS = [_RING, _DOTS, _RING | _DOTS]
_DOMAIN = re.compile(r"@\S*")
_PUBLIC = {"externalOrderId", "paymentProvider", "paymentMethod", "gender"}
_BOOLEANS = {"true", "false"}
_KEYS = {"field", "reason"}  # Of the details of an error (D).

# Limits, in characters, unless they say otherwise.
_LARGEST = 262_144  # Bytes of what was sent.
_MOST = 16_384  # Of the values that are looked for.
_MOST_FORMS = 8_192  # Of their encoded forms.
_MOST_GROWN = 32_768  # Folded texts may be longer: U+FDFA alone becomes 18.
_EACH = 16  # A text, or an "&", counts for so many of the latter,
_MANY = 64  # and a text for one more per so many words to look for.
_LONGEST = 200
_DEEPEST = 64  # Levels of an answer.
_SHORTEST = 3
_SHORTEST_NUMBER = 5
_SHORTEST_WITHIN = 5  # To be found within longer words.
_BLOT = "***"


class _TooMuchError(Exception):
    """To look for all of it would take too long."""


def redact(value: Any, call: Call) -> Any:
    """Return a JSON value of an error without what the call sent.

    What is redacted, and when all of it is, is listed in docs/privacy.md.
    """
    random = isinstance(value, str) and _RANDOM.fullmatch(value)
    if random and not _repeats(value, call):
        # The id of a request; what follows takes some milliseconds.
        return value
    try:
        return _blot(value, _Blotter(call).clean)
    except _TooMuchError:
        return _blot(value, lambda _: _BLOT)


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


def _blot(value: Any, clean: Callable[[str], str], depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return _BLOT
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return {
            key if key in _KEYS else clean(key): _blot(inner, clean, depth + 1)
            for key, inner in pairs
        }
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [_blot(inner, clean, depth + 1) for inner in items]
    word = _as_word(value)
    return value if not word or clean(word) == word else _BLOT


class _Blotter:
    def __init__(self, call: Call) -> None:
        self._words: set[str] = set()
        self._numbers: set[str] = set()
        self._within: set[str] = set()
        self._forms_left = _MOST_FORMS
        self._room = _MOST_GROWN
        for value in _looked_for(call):
            self._learn(value)

    def clean(self, text: str) -> str:
        self._room -= _EACH * (1 + text.count("&"))
        self._room -= len(self._within) // _MANY
        folded, at = _fold(text, self._room)
        self._room -= max(len(folded) - len(text), 0)
        at.append(len(text))
        found = list(self._found(folded))
        found += _contacts(folded)
        spans = [(at[first], _end(at, last)) for first, last in found]
        # What ends an address when it is folded may not end it before.
        spans += _contacts(text)
        parts: list[str] = []
        done = 0
        for start, end in sorted(spans):
            if start >= done:
                parts += [text[done:start], _BLOT]
            done = max(done, end)
        return "".join([*parts, text[done:]])

    def _learn(self, value: str) -> None:
        whole = _fold(value)[0].strip()
        if len(whole) >= _SHORTEST:
            self._within.add(whole)
        for word in _TOKEN.findall(_DOMAIN.sub(" ", whole)):
            if len(word) >= _SHORTEST and not word.isdigit():
                self._words.add(word)
                if len(word) >= _SHORTEST_WITHIN:
                    self._within.add(word)
        for part in dict.fromkeys([value, *value.split()]):
            self._learn_forms(part)
        for _, windows in _numbers(whole):
            self._numbers |= windows

    def _learn_forms(self, value: str) -> None:
        """Learn how it looks if it is encoded, or decoded wrongly."""
        if value.isascii() and value.isalnum():
            return
        if len(value) > _LONGEST or self._forms_left < 0:
            return
        raw = value.encode(errors="replace")
        western = value.encode("latin-1", "replace")
        forms = {
            quote(raw, safe=""),
            json.dumps(value)[1:-1],
            raw.decode("latin-1"),
            raw.decode("cp1252", "replace"),
            western.decode(errors="replace"),
        }
        for form in forms:
            self._forms_left -= len(form)
            folded = _fold(form)[0].strip()
            if len(folded) >= _SHORTEST_WITHIN:
                self._within.add(folded)

    def _found(self, folded: str) -> Iterator[tuple[int, int]]:
        for word in self._within:
            if word in folded:
                yield from _places(word, folded)
        for match in _TOKEN.finditer(folded):
            word = match[0]
            # Of Astrid, a Swedish text says "Astrids".
            if word in self._words or word.removesuffix("s") in self._words:
                yield match.span()
        for span, windows in _numbers(folded):
            if not self._numbers.isdisjoint(windows):
                yield span


def _places(word: str, text: str) -> Iterator[tuple[int, int]]:
    end = 0
    while (start := text.find(word, end)) >= 0:
        end = start + len(word)
        yield start, end


def _contacts(text: str) -> list[tuple[int, int]]:
    """Return where e-mail addresses and phone numbers are."""
    return [
        match.span()
        for pattern in (_EMAIL, _PHONE)
        for match in pattern.finditer(text)
    ]


def _looked_for(call: Call) -> list[str]:
    values: dict[str, None] = {}
    spellings: dict[str, None] = {}
    left = _MOST
    for value in _sent(call):
        left -= max(len(value), len(_fold(value)[0]))
        new = [each for each in _spellings(value) if each not in spellings]
        left -= sum(map(len, new))
        if left < 0:
            raise _TooMuchError
        values[value] = None
        spellings.update(dict.fromkeys(new))
    return [*values, *spellings]


def _sent(call: Call) -> Iterator[str]:
    order = call.order.reveal().encode() if call.order else b""
    contents = {call.request.content, order}
    if sum(map(len, contents)) > _LARGEST:
        raise _TooMuchError
    for content in contents:
        with suppress(ValueError, RecursionError):
            yield from _personal(json.loads(content))
    for _, value in parse_qsl(urlsplit(call.request.url).query):
        if value not in _BOOLEANS:
            yield value
    if call.request.authorization is not None:
        value = call.request.authorization.reveal()
        scheme, _, token = value.partition(" ")
        if word := _as_word(token or scheme):
            yield word


def _personal(value: Any) -> list[str]:
    # No recursion: what was sent may be nested as deeply as JSON goes.
    found: list[str] = []
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            pairs = cast("dict[str, Any]", item).items()
            rest += [inner for key, inner in pairs if key not in _PUBLIC]
        elif isinstance(item, list):
            rest += item
        elif word := _as_word(item):
            found.append(word)
    return found


def _as_word(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    word = str(value)
    return word if len(word) >= _SHORTEST else ""


def _spellings(value: str) -> list[str]:
    """Return how else names are spelled: Åse, Aase."""
    spelled: dict[str, None] = {}
    for part in [value] if len(value) <= _LONGEST else value.split():
        if len(part) > _LONGEST:
            continue
        plain = normalize("NFC", unescape(part)).casefold()
        folded = _fold(part)[0]
        for table in _SPELLINGS:
            there, back = plain, folded
            for letter, letters in table.items():
                there = there.replace(letter, letters)
                back = back.replace(letters, letters[0])
            if there != plain:
                spelled[there] = None
            if back != folded:
                spelled[back] = None
    return list(spelled)


def _fold(text: str, room: int = _MOST_GROWN) -> tuple[str, list[int]]:
    """Return a text as it is compared, and where its characters were.

    Without case, accents, HTML's escapes and invisible characters: both
    "BERGSTRO\u0308M" and "Bergstr&ouml;m" become "bergstrom".
    """
    parts: list[str] = []
    starts: list[int] = []
    done = 0
    for match in _ENTITY.finditer(text):
        start = match.start()
        parts += [*map(_folded, text[done:start]), _meant(*match.groups())]
        starts += range(done, start + 1)
        done = match.end()
    parts += map(_folded, text[done:])
    starts += range(done, len(text))
    folded = "".join(parts)
    if max(len(folded) - len(text), 0) > room:
        raise _TooMuchError
    if len(folded) == len(parts) and all(parts):
        return folded, starts
    places = zip(starts, parts, strict=True)
    return folded, [start for start, part in places for _ in part]


def _end(at: list[int], end: int) -> int:
    """Return where in a text the part before `end` in the folded one ends."""
    last = at[end - 1]
    while at[end] == last:
        end += 1
    return at[end]


@lru_cache(4096)
def _folded(char: str) -> str:
    if char.isspace():
        return " "
    if not char.isprintable():
        return ""
    plain = normalize("NFKD", char).casefold().translate(_PLAIN)
    return "".join(each for each in plain if not combining(each))


@lru_cache(4096)
def _meant(kind: str, code: str) -> str:
    return "".join(map(_folded, unescape(f"&{kind}{code}")))


def _numbers(folded: str) -> Iterator[tuple[tuple[int, int], set[str]]]:
    """Yield where numbers are, and their runs of five digits.

    Numbers that share a run are alike: +46701740605 and 070-174 06 05.
    """
    for match in _DIGITS.finditer(folded):
        digits = _NO_DIGIT.sub("", match[0])
        starts = range(len(digits) - _SHORTEST_NUMBER + 1)
        yield (
            match.span(),
            {digits[start : start + _SHORTEST_NUMBER] for start in starts},
        )
