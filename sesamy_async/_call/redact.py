"""Blot out in Sesamy's words what the caller has sent.

The time that takes grows with the length of what was sent and of what was
said, each of which is bounded, and not with their product.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from html import unescape
from html.entities import html5
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
# No number of more digits is a character; `unescape` fails at 4,301 of them.
_ENTITY = re.compile(
    r"&(?:amp;)*+"
    r"(?:#0*+([0-9]{1,7})|#[xX]0*+([0-9a-fA-F]{1,6})|([A-Za-z0-9]{2,32}))"
    r";?"
)
_PLAIN = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ð": "d", "đ": "d", "þ": "th", "ł": "l"}
)
"""Letters that have no accent to be taken off."""
_RING = {"å": "aa"}
_DOTS = {"ä": "ae", "ö": "oe", "ø": "oe", "ü": "ue"}
_SPELLINGS = [_RING, _DOTS, _RING | _DOTS]
"""How names are written where a keyboard has no such letters."""
_DOMAIN = re.compile(r"@\S*")
_PUBLIC = {"externalOrderId", "paymentProvider", "paymentMethod", "gender"}
_BOOLEANS = {"true", "false"}
_KEYS = {"field", "reason"}
"""Of the details of an error (D)."""
_SHORTEST = 3
_SHORTEST_NUMBER = 5
_SHORTEST_WITHIN = 5
"""From this length on, a part of a name is found within longer words."""
_LONGEST = 200
_DEEPEST = 64
_MOST = 16_384
_MOST_FORMS = 4_096
_MOST_GROWN = 32_768
"""So many characters may a text be longer as it is compared.

U+FDFA alone is eighteen of them.
"""
_EACH = 16
"""So many of them a text counts for, or an "&": 2,048 are looked at."""
_LARGEST = 262_144
_BLOT = "***"


class _TooMuchError(Exception):
    """To look for all of it, or through all of it, would take too long."""


def redact(value: Any, call: Call) -> Any:
    """Return `value` without what the call said, in whole or in part.

    A server that repeats the customer's name in its error must not put it
    into our messages and logs.  What is looked for: each value, also in
    another case or Unicode form, encoded, escaped for HTML, or spelled
    without its accents ("oe" for "ö"); each of its words of three letters
    and more; numbers of five digits and more, however they are
    grouped; and anything that looks like an address or a phone number.
    Values of fewer than three characters are left: blotting out every "1"
    would help nobody.

    Where so much was sent that looking for all of it would take too long,
    or the answer has thousands of texts or is much longer in the form that
    is compared, every text is blotted out.

    Args:
        value: A JSON value from an error answer.
        call: Its order, and the JSON body, query and Authorization of its
            request are looked at.
    """
    try:
        return _blot(value, _Blotter.of(call).clean)
    except _TooMuchError:
        return _blot(value, lambda _: _BLOT)


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


def presentable(text: Any) -> str | None:
    """Return words of the server's for a message: one line, not long."""
    if not isinstance(text, str):
        return None
    line = " ".join(text.split())
    shown = "".join(char for char in line if char.isprintable())
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


class _Blotter:
    """Knows what must not be shown."""

    def __init__(self, values: Iterable[str]) -> None:
        self._parts: set[str] = set()
        self._numbers: set[str] = set()
        self._within = _Within()
        self._room = _MOST_GROWN
        for value in values:
            self._learn(value)

    @classmethod
    def of(cls, call: Call) -> _Blotter:
        """Return one for a call.

        Raises:
            _TooMuchError: It has sent too much.
        """
        contents = {call.request.content, _order(call)}
        if sum(map(len, contents)) > _LARGEST:
            raise _TooMuchError
        values: dict[str, None] = {}
        spellings: dict[str, None] = {}
        left = _MOST
        for value in _sent(call, contents):
            left -= max(len(value), len(_fold(value)[0]))
            new = [each for each in _spellings(value) if each not in spellings]
            left -= sum(map(len, new))
            if left < 0:
                raise _TooMuchError
            values[value] = None
            spellings.update(dict.fromkeys(new))
        return cls([*values, *spellings])

    def clean(self, text: str) -> str:
        """Return a text without it.

        Raises:
            _TooMuchError: Too many texts, or too long as they are compared.
        """
        parts: list[str] = []
        done = 0
        for start, end in self._spans(text):
            parts += [text[done:start], _BLOT]
            done = end
        text = "".join([*parts, text[done:]])
        return _PHONE.sub(_BLOT, _EMAIL.sub(_BLOT, text))

    def _learn(self, value: str) -> None:
        whole = _fold(value)[0].strip()
        if len(whole) >= _SHORTEST:
            self._within.add(whole)
            self._learn_forms(value)
        for word in _TOKEN.findall(_DOMAIN.sub(" ", whole)):
            if len(word) < _SHORTEST or word.isdigit():
                continue
            self._parts.add(word)
            if len(word) >= _SHORTEST_WITHIN:
                self._within.add(word)
        if not value.isascii():
            for word in value.split():
                self._learn_forms(word)
        for digits in _numbers(whole):
            self._numbers |= _windows(digits)

    def _learn_forms(self, value: str) -> None:
        """Learn how it looks where somebody encodes or decodes it wrongly."""
        if value.isalnum() and value.isascii():
            return
        if len(value) > _LONGEST or self._within.size > _MOST_FORMS:
            return
        raw = value.encode(errors="replace")
        western = value.encode("latin-1", "replace")
        for form in (
            quote(raw, safe=""),
            json.dumps(value)[1:-1],
            raw.decode("latin-1"),
            raw.decode("cp1252", "replace"),
            western.decode(errors="replace"),
        ):
            folded = _fold(form)[0].strip()
            if len(folded) >= _SHORTEST_WITHIN:
                self._within.add(folded)

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """Return the places of a text that are to be blotted out."""
        self._room -= _EACH * (1 + text.count("&"))
        if self._room < 0:
            raise _TooMuchError
        folded, at = _fold(text, self._room)
        self._room -= max(len(folded) - len(text), 0)
        at.append(len(text))
        places = list(self._found(folded))
        if "&" in text:
            for pattern in (_EMAIL, _PHONE):
                places += [match.span() for match in pattern.finditer(folded)]
        found = sorted((at[start], _end(at, end)) for start, end in places)
        spans: list[tuple[int, int]] = []
        for start, end in found:
            if spans and start < spans[-1][1]:
                before = spans.pop()
                spans.append((before[0], max(before[1], end)))
            else:
                spans.append((start, end))
        return spans

    def _found(self, folded: str) -> Iterator[tuple[int, int]]:
        yield from self._within.find(folded)
        for match in _TOKEN.finditer(folded):
            word = match[0]
            # Of Astrid, a Swedish text says "Astrids".
            if word in self._parts or word.removesuffix("s") in self._parts:
                yield match.span()
        if self._numbers:
            for match in _DIGITS.finditer(folded):
                digits = _NO_DIGIT.sub("", match[0])
                if not self._numbers.isdisjoint(_windows(digits)):
                    yield match.span()


class _Within:
    """Finds many words in a text in one pass (Aho and Corasick, 1975)."""

    def __init__(self) -> None:
        self._next: list[dict[str, int]] = [{}]
        self._longest = [0]
        self._fallback: list[int] | None = None

    @property
    def size(self) -> int:
        """How many characters it knows, about."""
        return len(self._next)

    def add(self, word: str) -> None:
        """Look for a word, too."""
        state = 0
        for char in word:
            following = self._next[state].get(char)
            if following is None:
                following = len(self._next)
                self._next[state][char] = following
                self._next.append({})
                self._longest.append(0)
            state = following
        self._longest[state] = len(word)

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where words are; of those that end together, the longest."""
        fallback = self._fallback
        if fallback is None:
            fallback = self._fallback = self._linked()
        state = 0
        for end, char in enumerate(text, start=1):
            while state and char not in self._next[state]:
                state = fallback[state]
            state = self._next[state].get(char, 0)
            if length := self._longest[state]:
                yield end - length, end

    def _linked(self) -> list[int]:
        """Return, for each state, that of its longest suffix."""
        fallback = [0] * len(self._next)
        rest = deque(self._next[0].values())
        while rest:
            state = rest.popleft()
            for char, following in self._next[state].items():
                rest.append(following)
                shorter = fallback[state]
                while shorter and char not in self._next[shorter]:
                    shorter = fallback[shorter]
                shorter = self._next[shorter].get(char, 0)
                fallback[following] = shorter
                self._longest[following] = max(
                    self._longest[following], self._longest[shorter]
                )
        return fallback


def _fold(text: str, room: int = _MOST_GROWN) -> tuple[str, list[int]]:
    """Return a text as it is compared, and where its characters were.

    Without case, accents, HTML's escapes and all that can't be seen:
    "BERGSTRO\u0308M" is "bergstrom", as is "Bergstr&ouml;m".

    Raises:
        _TooMuchError: It would be longer by more than `room` characters.
    """
    parts: list[str] = []
    starts: list[int] = []
    done = 0
    if "&" in text:
        for match in _ENTITY.finditer(text):
            meant = _meant(*match.groups())
            if meant is not None:
                start = match.start()
                parts += map(_folded, text[done:start])
                parts.append(meant)
                starts += range(done, start + 1)
                done = match.end()
    parts += map(_folded, text[done:])
    starts += range(done, len(text))
    folded = "".join(parts)
    if len(folded) - len(text) > room:
        raise _TooMuchError
    if len(folded) == len(parts) and all(parts):
        return folded, starts
    at: list[int] = []
    for start, part in zip(starts, parts, strict=True):
        at += [start] * len(part)
    return folded, at


def _end(at: list[int], end: int) -> int:
    """Return where, in a text, that ends whose last part is before `end`."""
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
def _meant(
    decimal: str | None, hexadecimal: str | None, name: str | None
) -> str | None:
    """Return what an escape of HTML stands for; None where it is none."""
    if name is None:
        number = int(decimal) if decimal else int(str(hexadecimal), 16)
        return "".join(map(_folded, unescape(f"&#{number};")))
    meant = html5.get(f"{name};")
    # As browsers do: "&oumlm" is "öm".
    for end in range(len(name), 1, -1):
        if meant is not None:
            break
        if name[:end] in html5:
            meant = html5[name[:end]] + name[end:]
    return None if meant is None else "".join(map(_folded, meant))


def _spellings(value: str) -> list[str]:
    """Return how else a value's names are spelled: Åse, Aase."""
    short = len(value) <= _LONGEST
    spelled: dict[str, None] = {}
    for part in [value] if short else value.split():
        if len(part) > _LONGEST:
            continue
        plain = normalize("NFC", unescape(part)).casefold()
        folded = _fold(part)[0]
        for table in _SPELLINGS:
            there, back = plain, folded
            for letter, letters in table.items():
                there = there.replace(letter, letters)
                back = back.replace(letters, letters[0])
            spelled |= dict.fromkeys(
                each
                for each, was in ((there, plain), (back, folded))
                if each != was
            )
    return list(spelled)


def _numbers(folded: str) -> Iterator[str]:
    for match in _DIGITS.finditer(folded):
        yield _NO_DIGIT.sub("", match[0])


def _windows(digits: str) -> set[str]:
    """Return all runs of five digits: what numbers have in common.

    So +46701740605 is also 070-174 06 05.
    """
    last = len(digits) - _SHORTEST_NUMBER
    return {
        digits[start : start + _SHORTEST_NUMBER] for start in range(last + 1)
    }


def _sent(call: Call, contents: Iterable[bytes]) -> Iterator[str]:
    for content in contents:
        yield from _in_body(content)
    yield from _in_query(call)
    yield from _in_header(call)


def _order(call: Call) -> bytes:
    return b"" if call.order is None else call.order.reveal().encode()


def _in_body(content: bytes) -> Iterator[str]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return
    yield from _personal(body)


def _in_query(call: Call) -> Iterator[str]:
    for _, value in parse_qsl(urlsplit(call.request.url).query):
        if len(value) >= _SHORTEST and value not in _BOOLEANS:
            yield value


def _in_header(call: Call) -> Iterator[str]:
    authorization = call.request.authorization
    if authorization is not None:
        scheme, _, token = authorization.reveal().partition(" ")
        if word := _as_word(token or scheme):
            yield word


def _personal(value: Any) -> Iterator[str]:
    # No recursion: what was sent may be nested as deeply as JSON goes.
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            pairs = cast("dict[str, Any]", item).items()
            rest += [inner for key, inner in pairs if key not in _PUBLIC]
        elif isinstance(item, list):
            rest += item
        elif word := _as_word(item):
            yield word


def _as_word(value: Any) -> str:
    """Return a string or number as it may be repeated; else nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    word = str(value)
    return word if len(word) >= _SHORTEST else ""
